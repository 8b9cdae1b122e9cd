"""Traces: what belongs together is one trace, sent by OTLP; nothing of people is in it, and without it nothing of it is loaded."""

import asyncio
import json
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from agents import otel, tracing
from streams.configuration import Configuration
from tests.service import ROOT, Service, kqi_inside, until
from tests.topics import Writer

PRIVATE = ("Anna Berzina", "+371 29 123 456", "never again")


@pytest.fixture
def told(monkeypatch):
    """Return a function that gives the spans that were made, by name; everything is traced."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_on")
    exporter = InMemorySpanExporter()
    monkeypatch.setattr(tracing, "_tracing", otel.Tracing(SimpleSpanProcessor(exporter), "group"))
    return lambda: {span.name: span for span in exporter.get_finished_spans()}


def test_parts_belong_to_their_whole(told):
    """Also those of other tasks that it starts; attributes may come later, and have OpenTelemetry's names where there are some."""

    async def scenario():
        with tracing.whole("checkpoint", partition=3) as span:
            await asyncio.create_task(store())
            span.note(bytes=5)
        with tracing.part("of nothing"):
            pass

    async def store():
        with tracing.part("store", topic="kqi.checkpoints"):
            pass

    asyncio.run(scenario())
    spans = told()
    assert set(spans) == {"checkpoint", "store"}
    assert spans["store"].parent.span_id == spans["checkpoint"].context.span_id
    assert dict(spans["checkpoint"].attributes) == {"messaging.destination.partition.id": 3, "kqi.bytes": 5}
    assert dict(spans["store"].attributes) == {"messaging.destination.name": "kqi.checkpoints"}


def test_what_follows_is_of_the_same_trace(told):
    """A batch follows from its fetch, and what is published from the batches that caused it: the first is its parent, others are linked."""
    began_ns = time.time_ns() - 10**6
    causes = []
    for number in range(2):
        fetch = tracing.fetched(began_ns, broker=number)
        with tracing.after([fetch], f"batch {number}"):
            causes.append(tracing.cause())
    with tracing.after([None, *causes, causes[0]], "publish"):
        pass
    spans = told()
    assert spans["fetch"].start_time == began_ns
    assert spans["fetch"].attributes["messaging.consumer.group.name"] == "group"
    assert spans["batch 1"].context.trace_id == spans["fetch"].context.trace_id
    assert spans["publish"].parent.span_id == spans["batch 0"].context.span_id
    assert [link.context.span_id for link in spans["publish"].links] == [spans["batch 1"].context.span_id]
    assert tracing.after([None], "publish") is tracing.NOTHING


def test_of_an_error_the_type_is_told(told):
    """What it says may quote an event; an end that was asked for is no error."""
    with pytest.raises(KeyError), tracing.whole("scrape"):
        raise KeyError(PRIVATE[0])
    with pytest.raises(asyncio.CancelledError), tracing.whole("restore"):
        raise asyncio.CancelledError
    spans = told()
    assert spans["scrape"].status.description == "KeyError"
    assert not spans["scrape"].status.is_ok
    assert PRIVATE[0] not in spans["scrape"].to_json()
    assert spans["restore"].status.description is None


def test_few_fetches_are_traced(monkeypatch):
    """About a hundredth, with what follows from them, and all that is rare."""
    exporter = InMemorySpanExporter()
    monkeypatch.delenv("OTEL_TRACES_SAMPLER", raising=False)
    monkeypatch.setattr(tracing, "_tracing", otel.Tracing(SimpleSpanProcessor(exporter), "group"))
    traced = sum(tracing.fetched(time.time_ns()) is not None for _ in range(10_000))
    assert 50 <= traced <= 200  # six times the deviation that chance gives
    exporter.clear()
    for _ in range(5):
        with tracing.whole("checkpoint"), tracing.part("store"):
            pass
    assert len(exporter.get_finished_spans()) == 10


def test_nobody_waits_for_who_takes_spans(monkeypatch):
    """A worker ends although its spans are not taken."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as deaf:  # accepts connections, never answers
        exporter = OTLPSpanExporter(endpoint=f"http://127.0.0.1:{deaf.server_port}/v1/traces")
        monkeypatch.setattr(tracing, "_tracing", otel.Tracing(BatchSpanProcessor(exporter), "group"))
        with tracing.whole("checkpoint"):
            pass
        began_s = time.monotonic()
        tracing._tracing.stop()
        assert time.monotonic() - began_s < otel.STOP_S + 0.5


def test_without_traces_nothing_is_loaded():
    """Nor done: there is one span for all, which does nothing."""
    program = """
import sys
from agents import run, tracing
from streams.configuration import Configuration
with tracing.traced(Configuration()):
    assert tracing.whole("a") is tracing.part("b") is tracing.after([None], "c") is tracing.NOTHING
    assert tracing.fetched(0) is tracing.cause() is None
assert not [name for name in sys.modules if name.startswith(("opentelemetry", "google", "requests"))]
"""
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def test_traces_that_cannot_be_had(monkeypatch):
    """Where OpenTelemetry is not installed, who asks for it is told how to, also by a check."""
    monkeypatch.setitem(sys.modules, "agents.otel", None)
    with (
        pytest.raises(tracing.TracingError, match=r"^`tracing` needs OpenTelemetry: pip install 'kqi\[otel\]'$"),
        tracing.traced(Configuration(tracing=True)),
    ):
        pass
    done = kqi_inside("check", tracing="true")
    assert (done.exit_code, done.stderr) == (2, "kqi: `tracing` needs OpenTelemetry: pip install 'kqi[otel]'\n")


# A worker ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def receiver():
    """Return what was sent to a receiver of OTLP over HTTP, and where it is."""
    bodies = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append(
                (self.path, self.headers["Content-Type"], self.rfile.read(int(self.headers["Content-Length"])))
            )
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield bodies, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def spans_of(bodies):
    """Return the spans of requests."""
    requests = [ExportTraceServiceRequest.FromString(body) for _, _, body in list(bodies)]
    return [span for each in requests for of in each.resource_spans for scope in of.scope_spans for span in scope.spans]


def test_a_worker_sends_its_traces(embedded_kafka, receiver, monkeypatch):
    """A trace leads from a fetch by its batch to what was published; checkpoints, restores and scrapes have theirs."""
    bodies, address = receiver
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_on")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
    name, phone, comment = PRIVATE
    now_ms = time.time_ns() // 1_000_000
    rating = {"type": "rating", "event_id": phone, "office_id": "o", "ts": now_ms, "metric": "nps", "score": 3}
    rating |= {"comment": comment, "client_id": phone, "employee_ids": [name]}
    service = Service(embedded_kafka, tracing=True, checkpoint_interval_s=0.2).create_topics()
    with service.worker() as worker, Writer(service) as writer:
        worker.wait_until_ready()
        writer.publish("ratings", rating, rating | {"event_id": "bad", "score": 99})
        wanted = {"fetch", "batch", "decode", "step", "publish", "checkpoint", "snapshot", "store", "restore", "scrape"}
        worker.scrape()
        until(lambda: wanted <= {span.name for span in spans_of(bodies)}, lambda: {s.name for s in spans_of(bodies)})
        assert worker.stop() == 0
    assert {(path, kind) for path, kind, _ in bodies} == {("/v1/traces", "application/x-protobuf")}
    assert [each for each in PRIVATE if any(each.encode() in body for _, _, body in bodies)] == []
    resource = ExportTraceServiceRequest.FromString(bodies[0][2]).resource_spans[0].resource
    assert {each.key: each.value.string_value for each in resource.attributes}["service.name"] == "kqi"
    spans = spans_of(bodies)
    by_id = {span.span_id: span for span in spans}
    publish = next(span for span in spans if span.name == "publish")
    batch = by_id[publish.parent_span_id]
    fetch = by_id[batch.parent_span_id]
    assert (batch.name, fetch.name) == ("batch", "fetch")
    noted = {each.key: each.value for each in batch.attributes}
    assert noted["messaging.destination.name"].string_value == service.prefix + "ratings"
    assert noted["kqi.dead_letters"].int_value + noted["kqi.events"].int_value >= 1
    parts = {span.name for span in spans if span.parent_span_id == batch.span_id}
    assert parts >= {"decode", "step", "publish"}


def test_the_lock_has_what_traces_need():
    """The packages of the option are locked with all others, or the tests above would not be of what users get."""
    locked = (ROOT / "requirements.txt").read_text()
    assert "\nopentelemetry-sdk==" in locked
    assert json.dumps("kqi[otel]") in (ROOT / "pyproject.toml").read_text()
