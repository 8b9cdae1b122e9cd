"""The log: a line for each thing, as text for people or as a JSON object for programs.

What is known of the place stands in fields, which are handed over as ``extra``: `FIELDS`. Nothing personal comes into a line.
We log no employees, clients or contents of messages ourselves; and of an error that may quote what it stumbled over, only the type
and the place are told.
"""

import json
import logging
import sys
import threading
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, NamedTuple

from aiokafka.errors import KafkaError

from agents.options import say as say_on_terminal
from agents.options import tell as tell_on_terminal
from agents.start import SaidOnce, Say, Tell
from agents.touch import hush
from streams.faults import Fault

FIELDS: Final = ("topic", "partition", "offset", "office", "partitions", "reason", "count", "seconds", "error")
LONGEST: Final = 2000  # characters of a message
MOST_CAUSES: Final = 5  # of those that happened together
OUR_PACKAGES: Final = {"agents", "streams", "kernels"}

log = logging.getLogger("kqi")


class Voice(NamedTuple):
    """How a command that logs says what others say on standard error."""

    say: Say
    tell: Tell  # of a fault that ends it


def described(error: BaseException) -> str:
    """An error in a line: its type, and what it says if that cannot be a part of an event; else the place."""
    name = type(error).__name__
    if isinstance(error, BaseExceptionGroup):
        return _line("; ".join(map(described, error.exceptions[:MOST_CAUSES])))
    is_ours = type(error).__module__.partition(".")[0] in OUR_PACKAGES
    if not is_ours and not isinstance(error, KafkaError | OSError | RuntimeError):
        return name + _place(error.__traceback__)
    text = _line(str(error))
    if is_ours:
        return text or name
    return text if text.startswith(name) else f"{name}: {text}" if text else name


def _place(raised: TracebackType | None) -> str:
    frames = traceback.extract_tb(raised)
    return f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""


def _line(text: str) -> str:
    """The first line, of characters that change nothing on a terminal."""
    line = text.strip().partition("\n")[0][:LONGEST]
    return line if line.isprintable() else "".join(each if each.isprintable() else ascii(each)[1:-1] for each in line)


class _Described(str):
    """An error among the arguments of a message."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def message_of(record: logging.LogRecord) -> str:
    """What a record says, in a line."""
    if isinstance(record.msg, BaseException):
        return described(record.msg)
    text = str(record.msg)
    with suppress(TypeError, ValueError, KeyError):  # a library's mistake; what it wanted to say may be anything
        if isinstance(record.args, tuple) and record.args:
            text %= tuple(_Described(described(e)) if isinstance(e, BaseException) else e for e in record.args)
        elif record.args:
            text %= record.args
    return _line(text)


def _error_of(record: logging.LogRecord) -> BaseException | None:
    return record.exc_info[1] if isinstance(record.exc_info, tuple) else None


def _frames(error: BaseException) -> str:
    """Where an error came from, without what it says."""
    return "".join(traceback.format_tb(error.__traceback__)).rstrip()


class TextFormatter(logging.Formatter):
    """Lines for people; tracebacks only when everything is wanted."""

    def __init__(self, *, tracebacks: bool) -> None:
        super().__init__()
        self._tracebacks = tracebacks

    def format(self, record: logging.LogRecord) -> str:
        """Render a record."""
        text = f"{self.formatTime(record)} {record.levelname} {record.name} {message_of(record)}"
        error = _error_of(record)
        if error is None:
            return text
        text = f"{text}: {described(error)}"
        return f"{text}\n{_frames(error)}" if self._tracebacks and error.__traceback__ else text


class JsonFormatter(logging.Formatter):
    """Lines of one JSON object each, in ASCII: ts, level, logger, message, and those of `FIELDS` that are known."""

    def __init__(self, *, tracebacks: bool) -> None:
        super().__init__()
        self._tracebacks = tracebacks

    def format(self, record: logging.LogRecord) -> str:
        """Render a record."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {
            "ts": time.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": message_of(record),
        }
        line |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        error = _error_of(record)
        if error is not None:
            line["error"] = described(error)
            if self._tracebacks and error.__traceback__:
                line["traceback"] = _frames(error)
        return json.dumps(line, default=str)


def set_up(form: Literal["text", "json"], level: str) -> Voice:
    """Log to standard error; of the libraries only what is wrong, and not again and again."""
    handler = logging.StreamHandler(sys.stderr)
    formatter = JsonFormatter if form == "json" else TextFormatter
    handler.setFormatter(formatter(tracebacks=level == "debug"))
    handler.addFilter(hush)
    handler.addFilter(SaidOnce())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    # Libraries tell no more at `debug`: some of them would then write down what messages contain.
    log.setLevel(level.upper())
    logging.getLogger("mode.timers").setLevel(logging.ERROR)  # which warns of every commit that takes long
    sys.excepthook = _tell_unexpected
    threading.excepthook = lambda hooked: _tell_unexpected(hooked.exc_type, hooked.exc_value, hooked.exc_traceback)
    sys.unraisablehook = lambda hooked: _tell_unexpected(hooked.exc_type, hooked.exc_value, hooked.exc_traceback)
    return Voice(log.info, _log_fault) if form == "json" else Voice(say_on_terminal, tell_on_terminal)


def _log_fault(fault: Fault) -> None:
    for sentence in fault.sentences:
        log.critical(sentence, extra=fault.fields)  # each is one of its own for who hides repetitions


def _tell_unexpected(kind: type[BaseException], error: BaseException | None, raised: TracebackType | None) -> None:
    """Tell of an error that nobody expected, and that ends a thread or all."""
    if error is not None and not issubclass(kind, SystemExit | KeyboardInterrupt):
        log.critical("an unexpected error", exc_info=(kind, error, raised), extra={"reason": kind.__name__})
