"""What comes before the work: kernels compiled, and a log that says things once."""

import importlib
import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from agents.memory import leave_no_holes

if TYPE_CHECKING:
    from agents.logs import Voice
    from streams.configuration import Configuration
    from streams.faults import Fault

WORTH_SAYING_S = 5.0  # loading compiled kernels takes a second or two, compiling them a minute
SAID_AGAIN_S = 60.0
REMEMBERED = 1000  # messages

Say = Callable[[str], None]
Tell = Callable[["Fault"], None]


def prepare_kernels(say: Say) -> None:
    """Compile all kernels, or load them from the cache; to be called before anything is imported that needs them."""
    leave_no_holes()
    _import("agents.web", say, "a minute")


def prepare_decoder(say: Say) -> None:
    """The same of those that read events alone."""
    _import("streams.decode", say, "some seconds")


def _import(module: str, say: Say, while_it_takes: str) -> None:
    """Import a module, which compiles the kernels that it needs; say so where it is not done at once."""
    message = f"compiling the kernels: only at the first start, and it takes {while_it_takes}"
    notice = threading.Timer(WORTH_SAYING_S, say, (message,))
    notice.daemon = True
    notice.start()
    try:
        importlib.import_module(module)
    finally:
        notice.cancel()


class SaidOnce(logging.Filter):
    """Lets a message through once a minute, however often a library repeats it while a broker is away."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[object, ...], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to show a message; the next one shown tells how many were not."""
        if record.name in ("kqi.worker", "kqi.directory") or (
            record.name.startswith("kqi") and record.levelno <= logging.INFO
        ):
            return True  # our own news, said once by itself
        key = (record.name, str(record.msg), getattr(record, "topic", ""), getattr(record, "reason", ""))
        said_s, hidden = self._said.get(key, (-SAID_AGAIN_S, 0))
        now_s = time.monotonic()
        if now_s - said_s < SAID_AGAIN_S:
            self._said[key] = said_s, hidden + 1
            return False
        if len(self._said) >= REMEMBERED:
            self._said.clear()
        self._said[key] = now_s, 0
        if hidden and not isinstance(record.msg, BaseException):
            record.msg = f"{record.msg} ({hidden} more like this in the last {now_s - said_s:.0f} s)"
        return True


def set_up_logging(configuration: "Configuration") -> "Voice":
    """Log to standard error as the configuration says; returns how to speak there."""
    from agents.logs import set_up  # noqa: PLC0415 - imports the client library

    return set_up(configuration.log_format, configuration.log_level)
