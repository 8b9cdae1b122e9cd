"""What a worker answers over HTTP: /metrics, /healthz and /readyz."""

import os
from collections.abc import Iterable

from aiohttp import web

from agents.exposition import Exposition
from agents.telemetry import OPENMETRICS, TEXT
from agents.worker import Worker


class PortTakenError(Exception):
    """The address cannot be listened on; the message is one sentence for the user."""


def worker_routes(worker: Worker) -> list[web.RouteDef]:
    """Routes that every worker has."""
    exposition = Exposition(worker.engine)

    async def metrics(request: web.Request) -> web.Response:
        worker.pass_time()
        refresh_gauges(worker)
        openmetrics = "application/openmetrics-text" in request.headers.get("Accept", "")
        body = exposition.text(worker.shown).encode() + worker.telemetry.text(openmetrics=openmetrics)
        return web.Response(body=body, headers={"Content-Type": OPENMETRICS if openmetrics else TEXT})

    async def healthz(_request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_request: web.Request) -> web.Response:
        if worker.ready:
            return web.Response(text="ready\n")
        if not worker.assigned:
            return web.Response(status=503, text="no partitions assigned yet\n")
        reading = [str(owned.number) for owned in worker.owned.values() if not owned.complete]
        return web.Response(status=503, text=f"reading the log of partitions {', '.join(reading)}\n")

    return [web.get("/metrics", metrics), web.get("/healthz", healthz), web.get("/readyz", readyz)]


def refresh_gauges(worker: Worker) -> None:
    """Bring the gauges of the worker's own health up to date."""
    telemetry = worker.telemetry
    telemetry.partitions.set(len(worker.owned) if worker.assigned else 0)
    telemetry.ready.set(int(worker.ready))
    telemetry.now.set(min((owned.state.now.now_ms for owned in worker.owned.values()), default=0) / 1000)
    telemetry.lag.clear()
    progress = worker.app.batches.progress() if worker.app is not None else {}
    for (topic, partition), reached in progress.items():
        telemetry.lag.labels(topic, str(partition)).set(max(0, reached.end_offset - reached.next_offset))
    roles: dict[str, int] = {"bounce": 0, "answer": 0, "extra": 0, "orphan": 0}
    for owned in worker.owned.values():
        for role, count in owned.state.diagnostics.items():
            roles[role] += count
    for role, count in roles.items():
        telemetry.presses.labels(role).set(count)


class Site:
    """An HTTP server on one address."""

    def __init__(self, routes: Iterable[web.RouteDef], host: str, port: int) -> None:
        self._routes = list(routes)
        self._host = host
        self._wanted_port = port
        self._runner: web.AppRunner | None = None
        self.port = 0

    @property
    def address(self) -> str:
        """Where to look."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.port}"

    async def start(self) -> None:
        """Listen.

        Raises
        ------
        PortTakenError
            When the address cannot be had.
        """
        application = web.Application(client_max_size=64 * 1024)
        application.add_routes(self._routes)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._wanted_port).start()
        except OSError as error:
            await self._runner.cleanup()
            reason = os.strerror(error.errno) if error.errno else str(error)
            raise PortTakenError(f"cannot listen on {self._host} port {self._wanted_port}: {reason}") from None
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
