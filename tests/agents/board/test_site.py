"""The board's routes: what they show, and whom they refuse."""

import asyncio
import re

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from agents.board.collector import Collector
from agents.board.site import ASSETS, LARGEST_BODY_BYTES, LONGEST_ARGUMENT, PANEL_ID, TYPES, Board
from agents.board.values import DIAGNOSES, REASONS
from streams.configuration import Configuration
from tests.agents.board.fake_company import FakeCompany, routes, surveyed

PRESS = {"do": "press", "office_id": "riga-1", "employee_id": "anna", "question": "personnel"}
VIEWS = ("company", "office?office=riga-1", "employee?office=riga-1&employee=anna", "calls", "health", "try")


@pytest.fixture
def board():
    company = FakeCompany({"riga-1": ["anna", "berta"], "oslo-1": ["carl"]})
    company.surveys += surveyed("riga-1", "anna", "yes", "no", "silent")
    return company


@pytest.fixture
def collector():
    return Collector(60)


@pytest.fixture
async def client(board, collector):
    app = web.Application()
    app.add_routes(routes(board, collector))
    async with TestClient(TestServer(app)) as client, aiohttp.ClientSession() as session:
        await collector.ask(session, [str(client.make_url("")).rstrip("/")])
        yield client


def own(client):
    """Return the headers that the page's own requests have."""
    return {"Origin": str(client.make_url("/")).rstrip("/")}


@pytest.mark.parametrize("path", ["/", "/board/board.css", "/board/vendor/uPlot.iife.min.js", "/board/view/company"])
async def test_headers(client, path):
    """Everything is served with a policy that allows nothing from elsewhere, nothing inline, and no frame around it."""
    response = await client.get(path)
    assert response.status == 200
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_assets(client):
    """Every file of the folder is served, and none of ours names another server or makes text into markup."""
    files = {path.relative_to(ASSETS).as_posix(): path for path in ASSETS.rglob("*") if path.is_file()}
    for name, path in files.items():
        if path.suffix not in TYPES:
            assert name.endswith(".LICENSE")
            continue
        response = await client.get("/" if name == "index.html" else f"/board/{name}")
        assert response.content_type == TYPES[path.suffix]
        assert await response.read() == path.read_bytes()
        assert not re.search(r"(?:src|href|url|import|fetch)[\s\"'=(]+(?:https?:)?//", path.read_text("utf-8")), name
    ours = "".join(path.read_text("utf-8") for name, path in files.items() if not name.startswith("vendor/"))
    assert not re.search(r"\son\w+=|style=|<style|innerHTML|insertAdjacentHTML|document\.write", ours)


def test_every_word_is_told():
    """There is a sentence for every reason and every cause."""
    for name, words in (("parts.js", REASONS), ("words.js", DIAGNOSES)):
        text = (ASSETS / name).read_text("utf-8")
        assert [word for word in words if f"{word}:" not in text] == []


@pytest.mark.parametrize("path", VIEWS)
async def test_views(client, path):
    """Every view says of which window and when it is, and what the weight is."""
    answer = await (await client.get(f"/board/view/{path}")).json()
    assert (answer["window"], answer["windows"], answer["silent_weight"]) == ("24h", ["15m", "24h"], 0.8)
    assert answer["troubles"] == []
    assert answer["view"]


async def test_window(client):
    """The window that is asked for is shown; one that there is not is refused with a sentence."""
    assert (await (await client.get("/board/view/company?window=15m")).json())["window"] == "15m"
    response = await client.get("/board/view/company?window=2y")
    assert (response.status, await response.json()) == (
        400,
        {"error": "there is no such window; there are 15m, 24h", "troubles": []},
    )


async def test_the_shortest_window(client, board, collector):
    """Without the usual window the shortest is shown first."""
    told = board.metrics()
    board.metrics = lambda: told.replace('"24h"', '"7d"').replace('"15m"', '"30d"')
    async with aiohttp.ClientSession() as session:
        fresh = Collector(60)
        await fresh.ask(session, [str(client.make_url("")).rstrip("/")])
    collector.last = fresh.last
    answer = await (await client.get("/board/view/company")).json()
    assert (answer["window"], answer["windows"]) == ("7d", ["7d", "30d"])


@pytest.mark.parametrize("path", ["office?office=nowhere", "office", "employee?office=riga-1&employee=carl"])
async def test_nobody(client, path):
    """Who is not known is not found."""
    response = await client.get(f"/board/view/{path}")
    sentence = "no worker shows anything of this name in the window 24h now"
    assert (response.status, await response.json()) == (404, {"error": sentence, "troubles": []})


async def test_nobody_because_a_worker_is_away(client, board, collector):
    """Why somebody is not found may be that a worker is away: that is said with it."""
    board.metrics = lambda: "nothing of ours"
    address = str(client.make_url("")).rstrip("/")
    async with aiohttp.ClientSession() as session:
        await collector.ask(session, [address])
    answer = await (await client.get("/board/view/office?office=riga-1&window=15m")).json()
    assert answer["error"] == "no worker shows anything of this name in the window 15m now"
    assert answer["troubles"] == [f"{address}: this is no worker: its answer has no kqi_worker_ready"]


async def test_long_arguments(client):
    """Arguments are bounded."""
    assert (await client.get(f"/board/view/company?q={'x' * LONGEST_ARGUMENT}")).status == 200
    assert (await client.get(f"/board/view/company?q={'x' * (LONGEST_ARGUMENT + 1)}")).status == 400


async def test_before_the_first_round(board):
    """Until workers have been asked there is a sentence."""
    app = web.Application()
    app.add_routes(routes(board, Collector(60)))
    async with TestClient(TestServer(app)) as client:
        response = await client.get("/board/view/company")
        assert (response.status, await response.json()) == (
            503,
            {"error": "no worker has been asked yet", "troubles": []},
        )


async def test_a_worker_that_is_not_ready(client, board, collector):
    """Until it has read its log there is a sentence."""
    told = board.metrics().replace("kqi_worker_ready 1.0", "kqi_worker_ready 0.0")
    board.metrics = lambda: told
    address = str(client.make_url("")).rstrip("/")
    async with aiohttp.ClientSession() as session:
        await collector.ask(session, [address])
    troubles = (await (await client.get("/board/view/company")).json())["troubles"]
    assert troubles == [f"{address} is not ready: what it has is shown when it has read its log"]


async def test_different_weights(client, board, collector):
    """Workers that go by different weights are not of one company: that is said."""
    first = board.metrics
    asked = iter([0.8, 0.5])
    board.metrics = lambda: first().replace("kqi_silent_weight 0.8", f"kqi_silent_weight {next(asked)}")
    address = str(client.make_url("")).rstrip("/")
    async with aiohttp.ClientSession() as session:
        await collector.ask(session, [address, address])
    (trouble,) = (await (await client.get("/board/view/company")).json())["troubles"]
    assert trouble.startswith("workers go by different silent weights")


async def test_without_a_trial(collector):
    """Beside workers there are no buttons, and nothing that could be pressed."""
    app = web.Application()
    app.add_routes(Board(collector, Configuration()).routes())
    async with TestClient(TestServer(app)) as client:
        assert (await client.get("/board/view/try")).status == 404
        assert (await client.post("/board/act", json=PRESS, headers=own(client))).status == 404


async def test_source_cannot_answer(client, board):
    """What the demo has to say instead reaches the visitor."""
    board.trouble = "the worker is still starting"
    response = await client.get("/board/view/try")
    assert (response.status, await response.json()) == (503, {"error": "the worker is still starting", "troubles": []})
    response = await client.post("/board/act", json=PRESS | {"employee_id": "nobody"}, headers=own(client))
    assert (response.status, await response.json()) == (503, {"error": "there is no such employee", "troubles": []})


async def seen(collector, number):
    while collector.last.number < number:  # noqa: ASYNC110 - the collector has no need of an event
        await asyncio.sleep(0.01)


async def test_a_press_is_looked_for(client, collector):
    """After a press the workers are asked at once."""
    collecting = asyncio.create_task(collector.run([str(client.make_url("")).rstrip("/")]))
    try:
        async with asyncio.timeout(10):
            await seen(collector, 2)  # the first round of its own
            await client.post("/board/act", json=PRESS, headers=own(client))
            await seen(collector, 3)
    finally:
        collecting.cancel()


async def test_presses_reach_the_source(client, board):
    """A press, an answer and a verdict come from the visitor's panel and give back an event id."""
    answers = [
        await client.post("/board/act", json=action, headers=own(client))
        for action in (
            PRESS,
            {"do": "answer", "office_id": "riga-1", "answer": "hard_to_say"},
            {"do": "review", "office_id": "riga-1", "target": "survey", "target_id": "press-1", "reliable": False},
            {"do": "press", "office_id": "oslo-1", "employee_id": "carl", "long": True},
        )
    ]
    assert [answer.status for answer in answers] == [200] * 4
    assert (await answers[0].json())["event_id"].startswith("press-")
    assert board.calls == [
        ("press", "riga-1", PANEL_ID, "anna", False, "personnel"),
        ("answer", "riga-1", PANEL_ID, "hard_to_say"),
        ("review", "riga-1", "survey", "press-1", False),
        ("press", "oslo-1", PANEL_ID, "carl", True, None),
    ]


@pytest.mark.parametrize(
    "headers",
    [{}, {"Origin": "null"}, {"Origin": "http://evil.example"}, {"Origin": "http://127.0.0.1:1"}],
    ids=["none", "null", "elsewhere", "other port"],
)
async def test_foreign_pages_cannot_press(client, board, headers):
    """Only the board's own page may press: another origin, or none, is refused."""
    assert (await client.post("/board/act", json=PRESS, headers=headers)).status == 403
    assert board.calls == []


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("GET", "/board/view/company"), ("POST", "/board/act")])
@pytest.mark.parametrize("host", ["board.evil.example", "evil.example:80", "[", "localhost.evil.example"])
async def test_rebound_names(client, board, method, path, host):
    """A name that its owner points to this machine reads nothing and presses nothing."""
    headers = {"Host": host, "Origin": f"http://{host}"}
    response = await client.request(method, path, headers=headers, json=PRESS if method == "POST" else None)
    assert response.status in {400, 403}
    assert board.calls == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8080", "[::1]:8080", "192.168.0.7"])
async def test_literal_hosts(client, host):
    """Addresses and localhost are served, whatever the port."""
    assert (await client.get("/board/view/company", headers={"Host": host})).status == 200


async def chunks(body):
    yield body


@pytest.mark.parametrize(
    ("status", "request_"),
    [
        (415, {"data": b"{}", "headers": {"Content-Type": "text/plain"}}),
        (415, {"data": b"do=press", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}),
        (413, {"data": b" " * (LARGEST_BODY_BYTES + 1), "headers": {"Content-Type": "application/json"}}),
        (413, {"data": "chunked", "headers": {"Content-Type": "application/json"}}),
        (400, {"data": b"{", "headers": {"Content-Type": "application/json"}}),
        (400, {"data": b"\xff", "headers": {"Content-Type": "application/json"}}),
        (400, {"json": []}),
        (400, {"json": {"do": "fire"}}),
        (400, {"json": PRESS | {"panel_id": "panel-1"}}),
        (400, {"json": PRESS | {"employee_id": ""}}),
        (400, {"json": PRESS | {"employee_id": "x" * 129}}),
        (400, {"json": PRESS | {"question": "weather"}}),
        (400, {"json": PRESS | {"long": 1}}),
    ],
)
async def test_unusable_presses(client, board, status, request_):
    """What is no press is refused without a look at the rest of it."""
    if request_.get("data") == "chunked":
        request_ = request_ | {"data": chunks(b"{}")}
    headers = own(client) | request_.get("headers", {})
    response = await client.post("/board/act", **request_ | {"headers": headers})
    assert response.status == status
    assert board.calls == []
