"""Traces by OpenTelemetry; imported only where they are wanted (`agents.tracing`).

Where they go, and much else, say the standard variables of the environment: OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SERVICE_NAME,
OTEL_TRACES_SAMPLER and so on. Without the last one a hundredth of the fetches is traced, with all that follows from
them, and everything of what is rare.
"""

import os
import threading
from collections.abc import Collection, Mapping, Sequence
from importlib.metadata import version
from types import TracebackType
from typing import Final, Self

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.environment_variables import OTEL_RESOURCE_ATTRIBUTES, OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased, Sampler, SamplingResult, TraceIdRatioBased
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceState
from opentelemetry.util.types import Attributes

from agents.tracing import NOTHING, Span, Value

FETCH: Final = "fetch"
FETCHES_TRACED: Final = 0.01
STOP_S: Final = 0.4  # of the half second that the end of a worker has for everything else: see agents.ending
MOST_LINKS: Final = 32
STANDARD: Final = {  # OpenTelemetry's names; all others are ours
    "topic": "messaging.destination.name",
    "partition": "messaging.destination.partition.id",
    "offset": "kafka.offset",
    "messages": "messaging.batch.message_count",
}

Cause = SpanContext


def otlp() -> SpanProcessor:
    """Return what sends spans by OTLP over HTTP, from a thread of its own."""
    return BatchSpanProcessor(OTLPSpanExporter())


class _Rarely(Sampler):
    """Traces a part of the fetches, and whatever is not one."""

    def __init__(self) -> None:
        self._fetches = TraceIdRatioBased(FETCHES_TRACED)

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Decide."""
        sampler = self._fetches if name == FETCH else ALWAYS_ON
        return sampler.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        """Tell what it does."""
        return f"{FETCHES_TRACED:.0%} of the fetches, and all that is rare"


class _Timed:
    """A span, current while its `with` statement lasts."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span
        self._use = trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False)

    def note(self, **attributes: Value) -> None:
        """Tell more of it."""
        self._span.set_attributes(_named(attributes))

    def __enter__(self) -> Self:
        self._use.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, raised: TracebackType | None
    ) -> None:
        if kind is not None and issubclass(
            kind, Exception
        ):  # of an error the type alone: what it says may quote an event
            self._span.set_status(Status(StatusCode.ERROR, kind.__name__))
        self._use.__exit__(None, None, None)


class Tracing:
    """Makes the spans of one worker."""

    def __init__(self, processor: SpanProcessor, group: str) -> None:
        sampler = None if os.environ.get(OTEL_TRACES_SAMPLER) else ParentBased(_Rarely())
        resource = Resource.create(_named_otherwise())
        self._provider = TracerProvider(sampler=sampler, resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("kqi", version("kqi"))
        self._fetching = {"messaging.system": "kafka", "messaging.consumer.group.name": group}

    def stop(self) -> None:
        """Send what is left, if it is taken in time."""
        stopping = threading.Thread(target=self._provider.shutdown, name="last spans", daemon=True)
        stopping.start()
        stopping.join(STOP_S)

    def whole(self, name: str, attributes: Mapping[str, Value]) -> Span:
        """See `agents.tracing`."""
        return _Timed(self._tracer.start_span(name, Context(), attributes=_named(attributes)))

    def part(self, name: str, attributes: Mapping[str, Value]) -> Span:
        """See `agents.tracing`."""
        if not trace.get_current_span().is_recording():
            return NOTHING
        return _Timed(self._tracer.start_span(name, attributes=_named(attributes)))

    def cause(self) -> Cause | None:
        """See `agents.tracing`."""
        span = trace.get_current_span()
        return span.get_span_context() if span.is_recording() else None

    def after(self, causes: Collection[Cause | None], name: str, attributes: Mapping[str, Value]) -> Span:
        """See `agents.tracing`."""
        known = list({each.span_id: each for each in causes if each is not None}.values())
        if not known:
            return NOTHING
        parent = trace.set_span_in_context(trace.NonRecordingSpan(known[0]), Context())
        links = [Link(each) for each in known[1 : 1 + MOST_LINKS]]
        return _Timed(self._tracer.start_span(name, parent, attributes=_named(attributes), links=links))

    def fetched(self, began_ns: int, attributes: Mapping[str, Value]) -> Cause | None:
        """See `agents.tracing`."""
        span = self._tracer.start_span(
            FETCH, Context(), SpanKind.CONSUMER, {**self._fetching, **_named(attributes)}, start_time=began_ns
        )
        span.end()
        context = span.get_span_context()
        return context if context.trace_flags.sampled else None


def _named(attributes: Mapping[str, Value]) -> dict[str, Value]:
    return {STANDARD.get(name) or f"kqi.{name}": value for name, value in attributes.items()}


def _named_otherwise() -> dict[str, str]:
    """What the service is called, unless the environment says it."""
    own = {SERVICE_VERSION: version("kqi")}
    is_named = OTEL_SERVICE_NAME in os.environ or SERVICE_NAME in os.environ.get(OTEL_RESOURCE_ATTRIBUTES, "")
    return own if is_named else own | {SERVICE_NAME: "kqi"}
