"""How a worker answers scrapes: piece by piece, so that it goes on with its work meanwhile."""

import asyncio
import logging
import time
import zlib
from contextlib import suppress

from aiohttp import web

from agents import tracing
from agents.checkpoints import Checkpoint
from agents.exposition import Exposition
from agents.presence import KeptPresence
from agents.telemetry import OPENMETRICS, TEXT
from agents.text_format import office_info
from agents.worker import Worker
from streams.comparison import Elsewhere
from streams.fates import fates

SCRAPES_AT_ONCE = 4  # more of them wait
ANSWER_S = 60  # as long as Prometheus waits at most, usually; who reads slower must not keep others from reading
TURN_S = 0.002  # of work on an answer, before others have a turn; under load, theirs takes far longer
GZIP = 16 + zlib.MAX_WBITS

log = logging.getLogger("kqi.metrics")


class Metrics:
    """The page /metrics of a worker."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._exposition = Exposition(worker.engine)
        self._presence = KeptPresence(worker.configuration.metrics_max_series)
        self._turns = asyncio.Semaphore(SCRAPES_AT_ONCE)
        self._ceiling_reached = False

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer a scrape, as soon as not too many others are answered."""
        try:
            async with self._turns, asyncio.timeout(ANSWER_S):
                with tracing.whole("scrape") as span:
                    return await self._answer(request, span)
        except TimeoutError:
            log.warning("a scrape by %s was given up after %d s", request.remote, ANSWER_S)
            if request.transport is not None:
                request.transport.abort()  # what nobody reads would stay in memory
            return web.Response(status=503)

    async def _answer(self, request: web.Request, span: tracing.Span) -> web.StreamResponse:
        openmetrics = "application/openmetrics-text" in request.headers.get("Accept", "")
        stream = await Stream.begin(request, OPENMETRICS if openmetrics else TEXT)
        if request.method != "HEAD":
            with suppress(ConnectionError):  # the client has gone
                await self._write(stream, openmetrics=openmetrics)
                span.note(bytes=stream.bytes)
        return stream.response

    async def _write(self, stream: "Stream", *, openmetrics: bool) -> None:
        worker = self._worker
        worker.pass_time()
        scrape = self._exposition.scrape(
            worker.shown, _elsewhere(worker), lambda partition: any(partition is each for each in worker.shown)
        )
        for piece in scrape.pieces():
            await stream.write(piece)
        # Alerts rest on these: they have a ceiling of their own, or they would be the first to go.
        for piece in self._presence.pieces(worker.shown, worker.engine.directory):
            await stream.write(piece)
        self._note(scrape.left_out + self._presence.left_out)
        await stream.write(office_info(worker.engine.directory, worker.shown_offices))
        refresh_gauges(worker)
        await stream.write(b"")
        await stream.write(worker.telemetry.text(openmetrics=openmetrics))
        await stream.end()

    def _note(self, left_out: int) -> None:
        """Count what a scrape left out; say so once, until all is shown again."""
        self._worker.telemetry.series_left_out.inc(left_out)
        if left_out and not self._ceiling_reached:
            most = self._worker.configuration.metrics_max_series
            log.warning("/metrics shows no more than metrics_max_series, %d series: %d are left out", most, left_out)
        self._ceiling_reached = left_out > 0


class Stream:
    """An answer that goes out piece by piece, compressed if that is asked for; others get their turn in between."""

    def __init__(self, response: web.StreamResponse, *, compressed: bool) -> None:
        self.response = response
        self.bytes = 0  # before compression
        self._waiting: list[bytes] = []
        self._since_s = time.perf_counter()  # nobody else had a turn
        self._compressor = zlib.compressobj(1, wbits=GZIP) if compressed else None

    @classmethod
    async def begin(cls, request: web.Request, content_type: str) -> "Stream":
        """Send the headers."""
        compressed = takes_gzip(request.headers.get("Accept-Encoding", ""))
        headers = {"Content-Type": content_type, "Vary": "Accept, Accept-Encoding"}
        response = web.StreamResponse(headers=headers | ({"Content-Encoding": "gzip"} if compressed else {}))
        await response.prepare(request)
        return cls(response, compressed=compressed)

    async def write(self, piece: bytes) -> None:
        """Send a piece, or keep it for the next ones to come with it; it may be empty."""
        self.bytes += len(piece)
        self._waiting.append(piece)
        if time.perf_counter() - self._since_s >= TURN_S:
            await self._send()

    async def end(self) -> None:
        """Send what is left."""
        await self._send()
        await self.response.write_eof(b"" if self._compressor is None else self._compressor.flush())

    async def _send(self) -> None:
        text = b"".join(self._waiting)
        self._waiting.clear()
        if self._compressor is not None and text:
            text = await asyncio.to_thread(self._compressor.compress, text)
        if text:
            await self.response.write(text)
        await asyncio.sleep(0)  # what was written at once has let nobody else have a turn
        self._since_s = time.perf_counter()


def takes_gzip(accepted: str) -> bool:
    """Whether a header Accept-Encoding allows gzip."""
    for part in accepted.lower().split(","):
        coding, *parameters = (word.replace(" ", "") for word in part.split(";"))
        if coding == "gzip":
            return not any(word.startswith("q=") and not word[2:].strip("0.") for word in parameters)
    return False


def _elsewhere(worker: Worker) -> Elsewhere | None:
    """The rest of the company, beside the partitions that are shown; None where it is not known."""
    shown = {number for number, owned in worker.owned.items() if owned.complete}
    return worker.peerage.company.elsewhere(shown)


def refresh_gauges(worker: Worker) -> None:
    """Bring the gauges of the worker's own health up to date."""
    telemetry = worker.telemetry
    telemetry.partitions.set(len(worker.owned) if worker.assigned else 0)
    ready = worker.ready
    telemetry.ready.set(int(ready))
    telemetry.company_known.set(int(ready and _elsewhere(worker) is not None))
    telemetry.in_touch.set(int(worker.confirmed and not worker.silent))  # also while it restores
    telemetry.now.set(min((owned.state.now.now_ms for owned in worker.owned.values()), default=0) / 1000)
    telemetry.directory_valid.set(int(worker.directing.is_right))
    telemetry.directory_time.set(worker.directing.time_s)
    progress = worker.app.batches.progress() if worker.app is not None else {}
    telemetry.lag.show(
        {
            (topic, str(partition)): max(0, reached.end_offset - reached.next_offset)
            for (topic, partition), reached in progress.items()
        }
    )
    _refresh_checkpoints(worker)
    owned = worker.owned.values()
    telemetry.partition_messages.show(
        {
            (str(each.number), fate): count
            for each in (owned if worker.assigned else ())
            for fate, count in fates(each.state).items()
        }
    )
    roles: dict[tuple[str, ...], int] = {("bounce",): 0, ("answer",): 0, ("extra",): 0, ("orphan",): 0}
    for each in owned:
        for role, count in each.state.diagnostics.items():
            roles[role,] += count
    telemetry.presses.show(roles)


def _refresh_checkpoints(worker: Worker) -> None:
    telemetry = worker.telemetry
    last: dict[tuple[str, ...], Checkpoint] = {}
    if worker.checkpointing is not None:
        checkpoints = worker.checkpointing.checkpoints
        for number in worker.owned:
            taken = checkpoints.last(number)
            if taken is not None:
                last[str(number),] = taken
        telemetry.checkpoint_bytes.inc(checkpoints.written_bytes)
        checkpoints.written_bytes = 0
    telemetry.checkpoint_time.show({labels: taken.taken_ms / 1000 for labels, taken in last.items()})
    telemetry.state_bytes.show({labels: taken.size for labels, taken in last.items()})
