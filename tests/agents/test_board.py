"""The board's routes: what they show, and whom they refuse."""

import asyncio
import re

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from agents.board import ASSETS, FRESH_S, LARGEST_BODY_BYTES, PANEL_ID, TYPES, board_routes
from tests.agents.fake_board import FakeBoard

PRESS = {"do": "press", "office_id": "riga-1", "employee_id": "anna", "question": "personnel"}


@pytest.fixture
def board():
    return FakeBoard({"riga-1": ["anna", "berta"], "oslo-1": ["carl"]})


@pytest.fixture
async def client(board):
    app = web.Application()
    app.add_routes(board_routes(board))
    async with TestClient(TestServer(app)) as client:
        yield client


def own(client):
    """Return the headers that the page's own requests have."""
    return {"Origin": str(client.make_url("/")).rstrip("/")}


@pytest.mark.parametrize("path", ["/", "/board/board.css", "/board/board.js", "/board/icon.svg", "/board/state"])
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
    """Every file of the folder is served, and none of them names another server."""
    files = {path.name: path.read_text("utf-8") for path in ASSETS.iterdir()}
    assert files.keys() == TYPES.keys()
    for name, text in files.items():
        assert not re.search(r"(?:src|href|url|import|fetch)[\s\"'=(]+(?:https?:)?//", text), name
        response = await client.get("/" if name == "index.html" else f"/board/{name}")
        assert response.content_type == TYPES[name]
        assert await response.text() == text
    assert not re.search(
        r"\son\w+=|style=|<style|innerHTML|insertAdjacentHTML|document\.write", "".join(files.values())
    )


async def test_state(client, board):
    """The state is the source's snapshot of the window that was asked for, the first one by default."""
    assert (await (await client.get("/board/state")).json())["window"] == "15m"
    state = await (await client.get("/board/state?window=30d")).json()
    assert state["window"] == "30d"
    assert [office["office_id"] for office in state["offices"]] == ["riga-1", "oslo-1"]
    assert state["offices"][0]["values"][0] == [None, 0]


async def test_unknown_window(client):
    """A window that there is not is refused with a sentence."""
    response = await client.get("/board/state?window=2y")
    assert response.status == 400
    assert (await response.json())["error"] == "there is no such window; there are 15m, 1h, 30d"


async def test_snapshots_are_shared(client, board):
    """However many ask at once, one snapshot is made; a press lets the next one see what it did."""
    answers = await asyncio.gather(*(client.get("/board/state") for _ in range(5)))
    assert len({(await answer.json())["worker"]["events"] for answer in answers}) == 1
    before = (await (await client.get("/board/state")).json())["worker"]["events"]
    await client.post("/board/act", json=PRESS, headers=own(client))
    assert (await (await client.get("/board/state")).json())["worker"]["events"] > before
    assert FRESH_S < 1


async def test_source_cannot_answer(client, board):
    """What the source has to say instead reaches the visitor."""
    board.trouble = "the worker is still starting"
    response = await client.get("/board/state")
    assert (response.status, await response.json()) == (503, {"error": "the worker is still starting"})
    response = await client.post("/board/act", json=PRESS | {"employee_id": "nobody"}, headers=own(client))
    assert (response.status, await response.json()) == (503, {"error": "there is no such employee"})


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


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("GET", "/board/state"), ("POST", "/board/act")])
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
    assert (await client.get("/board/state", headers={"Host": host})).status == 200


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
