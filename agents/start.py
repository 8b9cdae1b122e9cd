"""What comes before the work: kernels compiled, and a log that says things once."""

import ctypes
import importlib
import logging
import sys
import threading
import time
from collections.abc import Callable

WORTH_SAYING_S = 5.0  # loading compiled kernels takes a second or two, compiling them a minute
SAID_AGAIN_S = 60.0
REMEMBERED = 1000  # messages
MAPPED_BYTES = 2**20
_MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of malloc.h

Say = Callable[[str], None]


def prepare_kernels(say: Say) -> None:
    """Compile all kernels, or load them from the cache; to be called before anything is imported that needs them."""
    keep_large_arrays_apart()
    _import("agents.web", say, "a minute")


def prepare_decoder(say: Say) -> None:
    """The same of those that read events alone."""
    _import("streams.decode", say, "some seconds")


def keep_large_arrays_apart() -> None:
    """Have the system map arrays of a MiB and more by themselves, however many were freed before.

    glibc would give larger and larger ones a place among small things, where those that grow leave holes behind.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have none
        if mallopt is not None:
            mallopt(_MMAP_THRESHOLD, MAPPED_BYTES)


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
        self._said: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to show a message; the next one shown tells how many were not."""
        if record.name == "kqi.worker" or (record.name.startswith("kqi") and record.levelno <= logging.INFO):
            return True  # our own news, said once by itself
        key = (record.name, str(record.msg))
        said_s, hidden = self._said.get(key, (-SAID_AGAIN_S, 0))
        now_s = time.monotonic()
        if now_s - said_s < SAID_AGAIN_S:
            self._said[key] = said_s, hidden + 1
            return False
        if len(self._said) >= REMEMBERED:
            self._said.clear()
        self._said[key] = now_s, 0
        if hidden:
            record.msg = f"{record.getMessage()} ({hidden} more like this in the last {now_s - said_s:.0f} s)"
            record.args = ()
        return True


def set_up_logging() -> None:
    """Log to standard error, a line a message; of the libraries only what is wrong, and not again and again."""
    from agents.touch import hush  # noqa: PLC0415 - imports the client library

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    handler.addFilter(hush)
    handler.addFilter(SaidOnce())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("kqi").setLevel(logging.INFO)
    logging.getLogger("mode.timers").setLevel(logging.ERROR)  # which warns of every commit that takes long
