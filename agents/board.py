"""The page of `kqi demo`: indices that move, the last surveys and rejects, and buttons to press.

Add `board_routes(source)` to an aiohttp application; the page is at `/`, and what it shows comes from a `BoardSource`
(`agents.board_source`). It asks once a second: short polling leaves nothing to resume after a lost connection, and nothing
that keeps a server from stopping.

Pages from elsewhere can neither press nor read: requests need a `Host` that no name server can lead astray, and a press
needs the page's own `Origin` and a JSON body. Nothing on the page comes from elsewhere, and all text is set as text.
"""

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec
import orjson
from aiohttp import web

from agents.board_source import BoardSource, NotNowError, Question
from streams.events import Id

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PANEL_ID: Final = "board"
"""The panel of everyone who presses on the page, one in each office."""
LARGEST_BODY_BYTES: Final = 4_096
FRESH_S: Final = 0.5
"""So long one snapshot serves everyone who asks."""

ASSETS: Final = Path(__file__).with_suffix("")
TYPES: Final = {
    "index.html": "text/html",
    "board.css": "text/css",
    "board.js": "text/javascript",
    "tables.js": "text/javascript",
    "trial.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-cache",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class _Press(msgspec.Struct, tag_field="do", tag="press", forbid_unknown_fields=True):
    office_id: Id
    employee_id: Id
    long: bool = False
    question: Question | None = None

    async def carry_out(self, source: BoardSource) -> str:
        return await source.press(self.office_id, PANEL_ID, self.employee_id, long=self.long, question=self.question)


class _Answer(msgspec.Struct, tag_field="do", tag="answer", forbid_unknown_fields=True):
    office_id: Id
    answer: Literal["yes", "no", "hard_to_say"]

    async def carry_out(self, source: BoardSource) -> str:
        return await source.answer(self.office_id, PANEL_ID, self.answer)


class _Review(msgspec.Struct, tag_field="do", tag="review", forbid_unknown_fields=True):
    office_id: Id
    target: Literal["survey", "force_majeure"]
    target_id: Id
    reliable: bool

    async def carry_out(self, source: BoardSource) -> str:
        return await source.review(self.office_id, self.target, self.target_id, reliable=self.reliable)


_read_action = msgspec.json.Decoder(_Press | _Answer | _Review).decode


def board_routes(source: BoardSource) -> list[web.RouteDef]:
    """Return the routes of the page: `/` and what is below `/board/`."""
    snapshots = _Snapshots(source)

    async def state(request: web.Request) -> web.Response:
        window = request.query.get("window", source.windows[0])
        if window not in source.windows:
            return _refusal(400, f"there is no such window; there are {', '.join(source.windows)}")
        try:
            return _json(200, snapshots.fresh(window))
        except NotNowError as error:
            return _refusal(503, str(error))

    async def act(request: web.Request) -> web.Response:
        if not _same_origin(request):
            return _refusal(403, "only the board's own page may press buttons")
        if request.content_type != "application/json":
            return _refusal(415, "a press is sent as application/json")
        if request.content_length is None or request.content_length > LARGEST_BODY_BYTES:
            return _refusal(413, f"a press has at most {LARGEST_BODY_BYTES} bytes, and says how many")
        try:
            action = _read_action(await request.read())
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return _refusal(400, "this is no press")
        try:
            event_id = await action.carry_out(source)
        except NotNowError as error:
            return _refusal(503, str(error))
        snapshots.forget()
        return _json(200, orjson.dumps({"event_id": event_id}))

    assets = [web.get(f"/board/{name}", _guarded(_asset(name))) for name in TYPES if name != "index.html"]
    return [
        web.get("/", _guarded(_asset("index.html"))),
        *assets,
        web.get("/board/state", _guarded(state)),
        web.post("/board/act", _guarded(act)),
    ]


class _Snapshots:
    """Snapshots as JSON, each made at most every `FRESH_S`, however many visitors ask."""

    def __init__(self, source: BoardSource) -> None:
        self._source = source
        self._made: dict[str, tuple[float, bytes]] = {}

    def fresh(self, window: str) -> bytes:
        """Return the snapshot of a window."""
        now_s = asyncio.get_running_loop().time()
        made_s, body = self._made.get(window, (-FRESH_S, b""))
        if now_s - made_s >= FRESH_S:
            body = orjson.dumps(self._source.snapshot(window), option=orjson.OPT_SERIALIZE_NUMPY)
            self._made[window] = now_s, body
        return body

    def forget(self) -> None:
        """Let the next one who asks see what was pressed."""
        self._made.clear()


def _asset(name: str) -> Handler:
    body, content_type = (ASSETS / name).read_bytes(), TYPES[name]

    async def send(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type=content_type, charset="utf-8")

    return send


def _guarded(handler: Handler) -> Handler:
    """Refuse hosts that a name server could have led here, and add the headers that every answer carries."""

    async def guard(request: web.Request) -> web.StreamResponse:
        response = (
            await handler(request) if _host_is_literal(request.host) else _refusal(403, "no board under this name")
        )
        response.headers.update(HEADERS)
        return response

    return guard


def _host_is_literal(host: str) -> bool:
    """Tell whether a host is an address or localhost: any other name could be rebound to this machine by its owner."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name == "localhost":
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _same_origin(request: web.Request) -> bool:
    """Tell whether a request comes from a page of this very server. Browsers always say where a POST comes from."""
    origin = request.headers.get("Origin", "")
    return origin in {f"http://{request.host}", f"https://{request.host}"}


def _json(status: int, body: bytes) -> web.Response:
    return web.Response(status=status, body=body, content_type="application/json")


def _refusal(status: int, sentence: str) -> web.Response:
    return _json(status, orjson.dumps({"error": sentence}))
