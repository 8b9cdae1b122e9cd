"""What a worker answers over HTTP while its partitions come and go."""

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient, TestServer

from agents.listening import PortTakenError, Site, is_loopback
from agents.owned import Owned
from agents.web import worker_routes
from agents.worker import Worker
from streams.clock import WallClock
from streams.configuration import configure
from streams.decode import decode
from streams.messages import Messages
from streams.partition import Events
from tests.metrics import Scrape
from tests.streams.specimens import message

OFFICES = ("riga-1", "ogre-1")


@pytest.fixture
async def worker():
    """Return a worker that has not joined any group."""
    return Worker(configure(("the test", {"windows": ["1h"]})), len(OFFICES))


@pytest.fixture
async def client(worker):
    """Return a client of its pages."""
    application = web.Application()
    application.add_routes(worker_routes(worker))
    async with TestClient(TestServer(application)) as client:
        yield client


def sold(office):
    """Return the event of a sale."""
    rows, buffer, _ = decode(Messages.of([message("sale", office_id=office)]))
    return Events(rows, buffer)


def assign(worker):
    """Give a worker two partitions, in each of which one office has sold something."""
    for number, office in enumerate(OFFICES):
        worker.owned[number] = owned = Owned(number, worker.engine.new_partition(), WallClock())
        owned.clock.wall_ms, owned.clock.caught_up = 1_600_000_000_000, True
        worker.engine.step(owned.state, sold(office), owned.clock)
    worker.assigned = True


async def page(client, path):
    """Return status and text of a page."""
    answer = await client.get(path)
    return answer.status, await answer.text()


async def offices(client):
    """Return the offices whose sales are shown."""
    _, text = await page(client, "/metrics")
    return {dict(labels)["office"] for name, labels in Scrape(text).samples if name == "kqi_office_sales"}


async def test_not_ready_without_partitions(client):
    """Before any partition is assigned a worker lives, is not ready and shows no index."""
    assert await page(client, "/healthz") == (200, "ok\n")
    assert await page(client, "/readyz") == (503, "no partitions assigned yet\n")
    assert await offices(client) == set()


async def test_ready_when_every_partition_is_complete(client, worker):
    """A partition whose log is still being read is not shown, and keeps the worker from being ready."""
    assign(worker)
    assert await page(client, "/readyz") == (503, "reading the log of partitions 0, 1\n")
    assert await offices(client) == set()
    worker.owned[1].caught_up()
    assert await page(client, "/readyz") == (503, "reading the log of partitions 0\n")
    assert await offices(client) == {OFFICES[1]}
    worker.owned[0].caught_up()
    assert await page(client, "/readyz") == (200, "ready\n")
    assert await offices(client) == set(OFFICES)


async def test_nothing_is_shown_while_the_group_rebalances(client, worker):
    """Between two assignments somebody else may already show a partition: nothing is shown here."""
    assign(worker)
    for owned in worker.owned.values():
        owned.caught_up()
    await worker._on_revoked([])
    assert (await page(client, "/readyz"))[0] == 503
    assert await offices(client) == set()
    _, text = await page(client, "/metrics")
    seen = Scrape(text)
    assert (seen("kqi_worker_partitions"), seen("kqi_worker_ready")) == (0, 0)


@pytest.mark.parametrize(
    ("listens_on", "host", "status"),
    [
        ("127.0.0.1", "127.0.0.1:9464", 200),
        ("127.0.0.1", "localhost", 200),
        ("localhost", "[::1]:9464", 200),
        ("127.0.0.1", "evil.example", 403),
        ("localhost", "evil.example:9464", 403),
        ("127.0.0.1", "localhost.evil.example", 403),
    ],
)
async def test_rebound_names(listens_on, host, status):
    """On loopback nothing is read under a name that its owner points to this machine."""

    async def here(_request):
        return web.Response(text="here")

    site = Site([web.get("/metrics", here)], listens_on, 0)
    await site.start()
    try:
        headers = {"Host": host}
        async with ClientSession() as session, session.get(f"{site.nearby_address}/metrics", headers=headers) as answer:
            assert answer.status == status
    finally:
        await site.stop()


def test_where_names_are_guarded():
    """What others reach, in a container or a cluster, they know by its name."""
    guarded = {"127.0.0.1": True, "127.1.2.3": True, "::1": True, "localhost": True, "0.0.0.0": False, "worker": False}
    assert {host: is_loopback(host) for host in guarded} == guarded


async def test_a_site_on_a_free_port():
    """Port 0 is a free port, and the address says which."""

    async def here(_request):
        return web.Response(text="here")

    site = Site([web.get("/", here)], "127.0.0.1", 0)
    await site.start()
    try:
        async with ClientSession() as session, session.get(site.address) as answer:
            assert await answer.text() == "here"
        with pytest.raises(
            PortTakenError, match=rf"cannot listen on 127\.0\.0\.1 port {site.port}: Address already in"
        ):
            await Site([], "127.0.0.1", site.port).start()
    finally:
        await site.stop()
