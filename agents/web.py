"""What a worker answers over HTTP: /metrics, /healthz and /readyz."""

import os
from collections.abc import Iterable

from aiohttp import web

from agents.metrics import Metrics
from agents.worker import Worker


class PortTakenError(Exception):
    """The address cannot be listened on; the message is one sentence for the user."""


def worker_routes(worker: Worker) -> list[web.RouteDef]:
    """Routes that every worker has."""
    metrics = Metrics(worker)

    async def healthz(_request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_request: web.Request) -> web.Response:
        if worker.ready:
            return web.Response(text="ready\n")
        if not worker.assigned:
            return web.Response(status=503, text="no partitions assigned yet\n")
        if not worker.confirmed:
            return web.Response(status=503, text="out of touch with the group: others may own its partitions\n")
        if reading := [str(owned.number) for owned in worker.owned.values() if not owned.complete]:
            return web.Response(status=503, text=f"reading the log of partitions {', '.join(reading)}\n")
        return web.Response(status=503, text=f"the brokers of {worker.silent} topic partitions do not answer\n")

    return [web.get("/metrics", metrics.answer), web.get("/healthz", healthz), web.get("/readyz", readyz)]


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
