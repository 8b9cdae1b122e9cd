"""Traces of what a worker does, for whoever asks for them (`tracing`): see `agents.otel`. Without that these cost a look at a variable.

with tracing.whole("checkpoint", partition=3) as span:      # a trace of its own
    with tracing.part("store"):                             # a part of what is traced here, if it is
        ...
    span.note(bytes=1000)

A batch is traced if its fetch was: what follows from something later, or elsewhere, is told what it follows from
(`cause`, `after`). Attributes are numbers, names of topics, and what became of it: nothing of people or of what events contain.
"""

import importlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from streams.configuration import Configuration
from streams.faults import Fault

if TYPE_CHECKING:
    from agents.otel import Cause, Tracing

Value = str | int | float
_tracing: "Tracing | None" = None


class TracingError(Fault):
    """Traces were asked for and cannot be had."""

    status = 2


class Span(Protocol):
    """Something that takes time; the time is that of its `with` statement."""

    def note(self, **attributes: Value) -> None:
        """Tell more of it."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, raised: TracebackType | None
    ) -> None: ...


class _Nothing:
    """A span that nobody wants."""

    def note(self, **attributes: Value) -> None:
        """Forget it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


NOTHING = _Nothing()


def require_tracing(configuration: Configuration) -> None:
    """Require that traces can be had if they are wanted.

    Raises
    ------
    TracingError
        OpenTelemetry is not installed.
    """
    if configuration.tracing:
        try:
            importlib.import_module("agents.otel")
        except ImportError:
            raise TracingError("`tracing` needs OpenTelemetry: pip install 'kqi[otel]'") from None


@contextmanager
def traced(configuration: Configuration) -> Iterator[None]:
    """Have traces sent while this context lasts, if they are wanted.

    Raises
    ------
    TracingError
        OpenTelemetry is not installed.
    """
    global _tracing  # noqa: PLW0603 - as loggers: what is traced must not have to hand it through
    require_tracing(configuration)
    if not configuration.tracing:
        yield
        return
    from agents.otel import Tracing, otlp  # noqa: PLC0415 - only where it is wanted

    _tracing = Tracing(otlp(), configuration.kafka.group)
    try:
        yield
    finally:
        _tracing.stop()
        _tracing = None


def whole(name: str, **attributes: Value) -> Span:
    """Something of its own."""
    return NOTHING if _tracing is None else _tracing.whole(name, attributes)


def part(name: str, **attributes: Value) -> Span:
    """A part of what is traced here; of nothing, nothing."""
    return NOTHING if _tracing is None else _tracing.part(name, attributes)


def cause() -> "Cause | None":
    """What is traced here, for what follows from it; None for nothing."""
    return None if _tracing is None else _tracing.cause()


def after(causes: "Collection[Cause | None]", name: str, **attributes: Value) -> Span:
    """Something that follows from others: a part of the first of them that is traced, with links to the rest."""
    return NOTHING if _tracing is None else _tracing.after(causes, name, attributes)


def fetched(began_ns: int, **attributes: Value) -> "Cause | None":
    """Tell of a fetch that brought something, at its end; returns what its batches follow from."""
    return None if _tracing is None else _tracing.fetched(began_ns, attributes)
