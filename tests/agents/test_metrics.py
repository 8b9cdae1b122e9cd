"""Scrapes of a worker: compressed or not, of many series, many at once."""

import asyncio
import time
import timeit
import urllib.request

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families

from agents import metrics
from agents.exposition import Exposition
from agents.listening import Site
from agents.metrics import SCRAPES_AT_ONCE
from agents.owned import Owned
from agents.web import worker_routes
from agents.worker import Worker
from streams.clock import WallClock
from streams.configuration import configure
from tests.agents.crowd import crowd
from tests.metrics import Scrape
from tests.streams.feeding import Feed, caught_up_clock
from tests.streams.happenings import press


@pytest.fixture
async def worker():
    """Return a worker that has not joined any group."""
    return Worker(configure(("the test", {"windows": ["1h"]})), 1)


@pytest.fixture
async def client(worker):
    """Return a client of its pages."""
    application = web.Application()
    application.add_routes(worker_routes(worker))
    async with TestClient(TestServer(application)) as client:
        yield client


def show(worker, employees, partitions=1):
    """Give a worker partitions full of employees, all complete."""
    for number, state in enumerate(crowd(worker.engine, employees, partitions)):
        worker.owned[number] = owned = Owned(number, state, WallClock())
        owned.caught_up()
    worker.assigned = True


def indices(text):
    """Return the lines of indices, without the worker's own."""
    return [line for line in text.splitlines() if not line.startswith("#") and "kqi_worker" not in line]


@pytest.mark.parametrize(
    ("accepted", "compressed"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("gzip; q = 1", True),
        ("gzip;q=0", False),
        ("gzip;q=0.000, br", False),
        ("identity", False),
        ("x-gzip-not", False),
        ("", False),
    ],
)
async def test_compressed_only_for_who_takes_it(client, worker, accepted, compressed):
    """The text is the same; a scraper that says nothing of gzip gets it plain."""
    show(worker, 200)
    async with client.get("/metrics", headers={"Accept-Encoding": accepted}) as answer:
        assert (answer.headers.get("Content-Encoding") == "gzip") == compressed
        text = await answer.text()
    assert len(indices(text)) == len(indices(Exposition(worker.engine).text(worker.shown))) > 6_000
    assert Scrape(text)("kqi_worker_ready") == 1


async def test_openmetrics_where_it_is_asked_for(client, worker):
    """With its own type, and its mark at the end."""
    show(worker, 20)
    async with client.get("/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0"}) as answer:
        assert answer.content_type == "application/openmetrics-text"
        text = await answer.text()
    assert Scrape(text, openmetrics_families)("kqi_worker_partitions") == 1


async def test_a_head_has_no_body(client):
    """Who asks for the headers alone gets those of the text, and may ask again on the same connection."""
    async with client.head("/metrics") as answer:
        assert (answer.status, await answer.read()) == (200, b"")
        assert answer.content_type == "text/plain"
    async with client.get("/healthz") as answer:
        assert await answer.text() == "ok\n"


async def test_a_scrape_leaves_the_loop_free(worker):
    """With half a million series, nothing else waits for longer than for a small part of the rendering."""
    worker = Worker(configure(("the test", {"metrics_max_series": 1_000_000})), 1)
    show(worker, 2650)
    exposition = Exposition(worker.engine)
    assert len(indices(exposition.text(worker.shown))) > 500_000
    at_once_s = min(timeit.repeat(lambda: exposition.text(worker.shown), number=1, repeat=3))

    waits = []
    [route] = [route for route in worker_routes(worker) if route.path == "/metrics"]
    site = Site([route], "127.0.0.1", 0)
    await site.start()
    try:
        for _ in range(4):
            scrape = asyncio.create_task(asyncio.to_thread(_read, site.address + "/metrics"))
            longest_s = 0.0
            while not scrape.done():
                began = time.perf_counter()
                await asyncio.sleep(0)
                longest_s = max(longest_s, time.perf_counter() - began)
            assert (await scrape) > 50_000_000
            waits.append(longest_s)
    finally:
        await site.stop()
    assert min(waits[1:]) < at_once_s / 4, f"{waits} of {at_once_s} s"


def _read(address):
    """Read a page in another thread; returns how long it is."""
    with urllib.request.urlopen(address, timeout=60) as answer:
        return sum(map(len, iter(lambda: answer.read(1 << 20), b"")))


@pytest.mark.parametrize(("turn_s", "sent_with_others"), [(3600.0, True), (0.0, False)])
async def test_pieces_that_cost_little_go_out_together(monkeypatch, turn_s, sent_with_others):
    """Others have a turn as soon as an answer has taken some work, and not before: under load, theirs takes far longer."""
    monkeypatch.setattr(metrics, "TURN_S", turn_s)
    turns = 0

    async def others():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def answer(request):
        stream = await metrics.Stream.begin(request, "text/plain")
        waiting = asyncio.create_task(others())
        began = turns
        for number in range(100):
            await stream.write(b"%d " % number)
        had_none = turns == began
        await stream.end()
        waiting.cancel()
        assert had_none is sent_with_others
        return stream.response

    application = web.Application()
    application.add_routes([web.get("/", answer)])
    async with TestClient(TestServer(application)) as client:
        response = await client.get("/")
        assert await response.text() == "".join(f"{number} " for number in range(100))


async def test_no_more_than_some_scrapes_at_once(client, worker, monkeypatch):
    """Who does not read his answer keeps his place only for a while; then others get theirs."""
    show(worker, 6000)
    monkeypatch.setattr("agents.metrics.ANSWER_S", 0.3)
    idle = [await asyncio.open_connection("127.0.0.1", client.port, limit=1024) for _ in range(SCRAPES_AT_ONCE)]
    for _, writer in idle:
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: kqi\r\n\r\n")
        await writer.drain()
    for reader, _ in idle:
        await reader.readline()
    monkeypatch.undo()
    async with client.get("/metrics") as answer:
        answer.raise_for_status()
        assert len(indices(await answer.text())) > 180_000


async def test_who_leaves_amid_an_answer_is_no_error(client, worker, caplog):
    """Nothing is logged, and the next one is answered."""
    show(worker, 3200)
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port, limit=1024)
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: kqi\r\n\r\n")
    assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
    writer.transport.abort()
    async with client.get("/metrics") as answer:
        assert len(indices(await answer.text())) > 180_000
    assert caplog.records == []


async def test_what_alerts_rest_on_has_a_ceiling_of_its_own(client, worker):
    """Where not all indices have room, panels are shown all the same: one that is silent would be told of by nobody."""
    config = {"windows": ["1h"], "metrics_max_series": 200}  # room for three offices
    worker.configuration = worker.engine.configuration = configure(("the test", config))
    show(worker, 100)
    now_ms = time.time_ns() // 1_000_000
    feed = Feed(clock=caught_up_clock(now_ms))
    feed.engine = worker.engine
    feed.partition = worker.engine.new_partition()
    feed.step([press(now_ms - 1000, office_id="riga", panel_id="p")])
    worker.owned[1] = owned = Owned(1, feed.partition, WallClock())
    owned.caught_up()
    async with client.get("/metrics") as answer:
        scrape = Scrape(await answer.text())
    assert scrape("kqi_worker_series_left_out_total") > 0
    assert scrape("kqi_panel_quiet_seconds", office="riga", panel="p") == pytest.approx(0, abs=10)


async def test_a_ceiling_is_told_once(client, worker, caplog):
    """The log has one line when it is reached, and another when it is reached again; what is left out is counted."""
    worker.configuration = worker.engine.configuration = configure(
        ("the test", {"windows": ["1h"], "metrics_max_series": 2_000, "min_surveys": 1})
    )
    show(worker, 100)

    async def left_out():
        async with client.get("/metrics") as answer:
            text = await answer.text()
        assert len(indices(text)) <= 2_001
        return Scrape(text)("kqi_worker_series_left_out_total")

    every = 100 * (57 + 6) + 5 * 66  # the six are of service levels beside those of peers
    shown = len(indices(Exposition(worker.engine).text(worker.shown))) - 1
    for times in (1, 2, 3):
        assert await left_out() == times * (every - shown)
    assert [record.getMessage() for record in caplog.records if record.name == "kqi.metrics"] == [
        f"/metrics shows no more than metrics_max_series, 2000 series: {every - shown} are left out"
    ]
    worker.assigned = False
    assert await left_out() == 3 * (every - shown)
    worker.assigned = True
    assert await left_out() == 4 * (every - shown)
    assert len([record for record in caplog.records if record.name == "kqi.metrics"]) == 2
