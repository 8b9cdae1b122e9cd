"""Asking workers: all of them, whatever one of them does."""

import asyncio
import base64
import re
import time
from types import SimpleNamespace

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from agents.board import collector as c
from agents.board.collector import Collector
from agents.board.values import View

READY = "# HELP kqi_worker_ready x\nkqi_worker_ready 1\n"


def sales(office, count):
    return f'# HELP kqi_office_sales x\nkqi_office_sales{{office="{office}",window="1h"}} {count}\n{READY}'


class Worker:
    """Something that answers at /metrics."""

    def __init__(self, text="", status=200):
        self.text, self.status = text, status

    async def __aenter__(self):
        async def metrics(_request):
            return web.Response(text=self.text, status=self.status)

        app = web.Application()
        app.add_routes([web.get("/metrics", metrics)])
        self.server = TestServer(app)
        await self.server.start_server()
        self.address = str(self.server.make_url("")).rstrip("/")
        return self

    async def __aexit__(self, *_):
        await self.server.close()


async def asked(collector, *addresses):
    async with aiohttp.ClientSession() as session:
        await collector.ask(session, addresses)
    return collector.last


def sold(last):
    view = View.of(last.read, "office", "1h")
    return {office: view.at(view.row((office, "")), "sales") for office, _ in view.frame.keys}


async def test_one_that_does_not_answer():
    """Its offices are not shown any more; the others are, and the reason is told."""
    collector = Collector(60)
    async with Worker(sales("a", 1)) as first:
        async with Worker(sales("b", 2)) as second:
            assert sold(await asked(collector, first.address, second.address)) == {"a": 1, "b": 2}
        last = await asked(collector, first.address, second.address)
    assert sold(last) == {"a": 1, "b": None}
    assert last.workers[0].problem == ""
    assert last.workers[1].problem == "connection refused"
    assert collector.history.figures(["health/answering"])["health/answering"] == [2, 1]


async def test_a_part_is_not_the_company():
    """Nothing of the whole company is remembered of a round in which a worker is away, or still reads its log."""
    collector = Collector(60)
    called = '# HELP kqi_office_calls_offered x\nkqi_office_calls_offered{office="%s",window="1h"} 5\n'
    first = Worker(called % "a" + READY)
    async with first:
        async with Worker(called % "b" + READY) as second:
            await asked(collector, first.address, second.address)
            second.text = "# HELP kqi_worker_ready x\nkqi_worker_ready 0\n"
            await asked(collector, first.address, second.address)
        await asked(collector, first.address, second.address)
    assert collector.history.figures(["calls_offered/1h"])["calls_offered/1h"] == [10, None, None]
    assert collector.history.figures(["health/answering"])["health/answering"] == [2, 2, 1]


async def test_a_password_is_sent_and_not_shown():
    """A worker behind a password is asked with it; what is shown, now or when it is away, does not have it."""
    seen = []

    async def metrics(request):
        seen.append(request.headers.get("Authorization"))
        return web.Response(text=READY)

    app = web.Application()
    app.add_routes([web.get("/metrics", metrics)])
    async with TestServer(app) as server:
        address = f"http://anna:s%40cret@127.0.0.1:{server.port}"
        plain = f"http://127.0.0.1:{server.port}"
        there = (await asked(Collector(60), address)).workers[0]
    away = (await asked(Collector(60), address)).workers[0]
    assert seen == [f"Basic {base64.b64encode(b'anna:s@cret').decode()}"]
    assert (there.address, there.problem) == (plain, "")
    assert (away.address, away.problem) == (plain, "connection refused")


async def test_no_tls():
    """A worker that does not speak TLS is told from one that may not be spoken to."""
    async with Worker(READY) as worker:
        last = await asked(Collector(60), worker.address.replace("http:", "https:"))
    assert re.fullmatch("TLS: [a-z0-9 ]+", last.workers[0].problem), last.workers[0].problem


async def test_a_name_that_cannot_be():
    """A name too long for any name server is a fault of its own worker alone."""
    async with Worker(READY) as worker:
        last = await asked(Collector(60), f"http://{'x' * 64}.example:9464", worker.address)
    assert last.workers[0].problem
    assert last.workers[1].problem == ""


async def test_a_name_that_nobody_knows():
    """A wrong name is said in words."""
    last = await asked(Collector(60), "http://nobody.invalid:9464")
    assert re.fullmatch("[a-z ]+", last.workers[0].problem), last.workers[0].problem


async def test_what_is_no_worker(monkeypatch):
    """Neither an error, nor a page of something else, nor a flood is taken for an answer."""
    monkeypatch.setattr(c, "LARGEST_BYTES", 1 << 20)
    problems = []
    for worker in (Worker("x", 404), Worker("<html>"), Worker(READY * 50_000)):
        async with worker:
            last = await asked(Collector(60), worker.address)
        problems.append(last.workers[0].problem)
        assert last.workers[0].series is None
    assert problems == [
        "answered with status 404",
        "this is no worker: its answer has no kqi_worker_ready",
        "its answer is larger than 1 MiB",
    ]


async def test_rates():
    """Rates are of what was counted since the answer before; a worker that has begun anew has none."""
    collector = Collector(60)
    worker = Worker()
    counted = []
    async with worker:
        for total in (10, 30, 5):
            worker.text = f'{READY}kqi_worker_events_total{{type="call"}} {total}\n'
            counted.append((await asked(collector, worker.address)).workers[0].rates.get("kqi_worker_events_total"))
            await asyncio.sleep(0.01)
    assert counted[0] is None
    assert counted[1] > 0
    assert counted[2] is None


async def test_rates_by_the_workers_own_time(monkeypatch):
    """The time since the answer before is each worker's own, however long another keeps the round waiting."""
    now_s, looked = 0.0, asyncio.Event()

    def monotonic():
        looked.set()
        return now_s

    async def slow(_request):
        nonlocal now_s
        if now_s:
            async with asyncio.timeout(10):
                await looked.wait()  # until the other's answer is there
            now_s = 100.0
        return web.Response(text=READY)

    monkeypatch.setattr(c, "time", SimpleNamespace(**vars(time) | {"monotonic": monotonic}))
    app = web.Application()
    app.add_routes([web.get("/metrics", slow)])
    collector, worker = Collector(60), Worker(f'{READY}kqi_worker_events_total{{type="call"}} 10\n')
    async with worker, TestServer(app) as server:
        addresses = worker.address, str(server.make_url("")).rstrip("/")
        await asked(collector, *addresses)
        now_s, worker.text = 2.0, worker.text.replace(" 10", " 30")
        looked.clear()
        last = await asked(collector, *addresses)
    assert last.workers[1].problem == ""
    assert last.workers[0].rates["kqi_worker_events_total"] == 10.0


async def test_rounds_leave_time(monkeypatch):
    """Rounds that take long are far apart: a tenth of the time at most is spent with reading."""
    pauses = []

    class Pause:
        def __init__(self, seconds):
            pauses.append(seconds)

        async def __aenter__(self):
            raise asyncio.CancelledError

        async def __aexit__(self, *_):
            pass

    async def ask(_session, _addresses):
        return 3.0

    collector = Collector(5)
    monkeypatch.setattr(collector, "ask", ask)
    monkeypatch.setattr(c.asyncio, "timeout", Pause)
    with pytest.raises(asyncio.CancelledError):
        await collector.run([])
    assert pauses == [27.0]
