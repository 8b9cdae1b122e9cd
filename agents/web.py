"""What a worker answers over HTTP: /metrics, /healthz, /readyz and /explain."""

from aiohttp import web

from agents.explain_page import ExplainPage
from agents.metrics import Metrics
from agents.worker import Worker


def worker_routes(worker: Worker) -> list[web.RouteDef]:
    """Routes that every worker has."""
    metrics = Metrics(worker)
    explain = ExplainPage(worker)

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

    return [
        web.get("/metrics", metrics.answer),
        web.get("/healthz", healthz),
        web.get("/readyz", readyz),
        web.get("/explain", explain.answer),
    ]
