"""The board's page and what it asks for, as routes of an aiohttp application.

The page is at `/`. It asks for one of its views every few seconds: short polling leaves nothing to resume after a lost
connection, and nothing that keeps a server from stopping. With a `Trial` it has a page more, with buttons to press.

Pages from elsewhere can neither press nor read: requests need a `Host` that no name server can lead astray, and a press
needs the page's own `Origin` and a JSON body. Nothing on the page comes from elsewhere, and all text is set as text.
"""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import orjson
from aiohttp import web

from agents.board import operations, views
from agents.board.collector import Collector
from agents.board.rounds import Round
from agents.board.trial import NotNowError, Question, Trial
from agents.board.values import MAIN, View, reading
from agents.listening import host_is_literal
from streams.configuration import Configuration
from streams.events import Id

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PANEL_ID: Final = "board"
"""The panel of everyone who presses on the page, one in each office."""
LARGEST_BODY_BYTES: Final = 4_096
LONGEST_ARGUMENT: Final = 200
ARGUMENTS: Final = ("window", "office", "employee", "q", "region", "diagnosis", "sort", "turned", "page")
USUAL_WINDOW: Final = "24h"
MOST_OFFERED: Final = 500  # offices and employees that a visitor of the demo may choose from

ASSETS: Final = Path(__file__).with_name("assets")
TYPES: Final = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

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

    async def carry_out(self, trial: Trial) -> str:
        return await trial.press(self.office_id, PANEL_ID, self.employee_id, long=self.long, question=self.question)


class _Answer(msgspec.Struct, tag_field="do", tag="answer", forbid_unknown_fields=True):
    office_id: Id
    answer: Literal["yes", "no", "hard_to_say"]

    async def carry_out(self, trial: Trial) -> str:
        return await trial.answer(self.office_id, PANEL_ID, self.answer)


class _Review(msgspec.Struct, tag_field="do", tag="review", forbid_unknown_fields=True):
    office_id: Id
    target: Literal["survey", "force_majeure"]
    target_id: Id
    reliable: bool

    async def carry_out(self, trial: Trial) -> str:
        return await trial.review(self.office_id, self.target, self.target_id, reliable=self.reliable)


_read_action = msgspec.json.Decoder(_Press | _Answer | _Review).decode


class Board:
    """What stands behind the page."""

    def __init__(self, collector: Collector, rules: Configuration, trial: Trial | None = None) -> None:
        self._collector = collector
        self._rules = rules
        self._trial = trial

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of the page: `/` and what is below `/board/`."""
        assets = {path.relative_to(ASSETS).as_posix(): path for path in ASSETS.rglob("*") if path.suffix in TYPES}
        routes = [
            web.get("/" if name == "index.html" else f"/board/{name}", _guarded(_asset(path)))
            for name, path in assets.items()
        ]
        routes += [web.get(f"/board/view/{name}", _guarded(self._view(name))) for name in self._views()]
        if self._trial is not None:
            routes.append(web.post("/board/act", _guarded(self._act)))
        return routes

    def _views(self) -> dict[str, Callable[[Round, str, dict[str, str]], dict[str, Any] | None]]:
        history, rules = self._collector.history, self._rules
        named: dict[str, Callable[[Round, str, dict[str, str]], dict[str, Any] | None]] = {
            "company": lambda last, window, asked: views.company(last.read, history, rules, window, asked),
            "office": lambda last, window, asked: views.office(last.read, history, rules, window, asked),
            "employee": lambda last, window, asked: views.employee(last.read, history, rules, window, asked),
            "calls": lambda last, window, asked: operations.calls(last.read, history, window, asked),
            "health": lambda last, _window, _asked: operations.health(last, history),
            "meanings": lambda last, _window, _asked: {"units": last.read.units, "helps": last.read.helps},
        }
        return named if self._trial is None else named | {"try": self._tried}

    def _view(self, name: str) -> Handler:
        make = self._views()[name]

        async def answer(request: web.Request) -> web.Response:
            asked = {argument: request.query[argument] for argument in ARGUMENTS if argument in request.query}
            if any(len(value) > LONGEST_ARGUMENT for value in asked.values()):
                return _refusal(400, f"an argument has at most {LONGEST_ARGUMENT} characters")
            last = self._collector.last
            if last is None:
                return _refusal(503, "no worker has been asked yet")
            windows = last.read.windows
            window = asked.get("window") or (USUAL_WINDOW if USUAL_WINDOW in windows else next(iter(windows), ""))
            if window not in windows and windows:
                return _refusal(400, f"there is no such window; there are {', '.join(windows)}")
            try:
                view = make(last, window, asked)
            except NotNowError as error:
                return _refusal(503, str(error))
            if view is None:
                sentence = f"no worker shows anything of this name in the window {window} now"
                return _refusal(404, sentence, self._troubles(last))
            return _json(200, orjson.dumps(self._head(last, window) | {"view": view}))

        return answer

    def _head(self, last: Round, window: str) -> dict[str, Any]:
        """What every view begins with."""
        clocks = [
            value
            for series in last.read.others
            for (name, _), value in series.items()
            if name == "kqi_worker_clock_timestamp_seconds" and value
        ]
        return {
            "round": last.number,
            "at_ms": last.at_ms,
            "clock_ms": round(1000 * min(clocks)) if clocks else None,
            "every_s": self._collector.every_s,
            "window": window,
            "windows": last.read.windows,
            "silent_weight": max(_weights(last), default=None),
            "min_surveys": self._rules.min_surveys,
            "troubles": self._troubles(last),
            "trial": self._trial is not None,
        }

    @staticmethod
    def _troubles(last: Round) -> list[str]:
        """Why not all is shown, or not rightly, as sentences."""
        troubles = [f"{worker.address}: {worker.problem}" for worker in last.workers if worker.problem]
        troubles += [
            f"{worker.address} is not ready: what it has is shown when it has read its log"
            for worker in last.workers
            if worker.series is not None and not worker.is_ready
        ]
        if len(_weights(last)) > 1:
            troubles.append("workers go by different silent weights: they must all have the same configuration")
        if last.read.left_out:
            troubles.append(
                f"{last.read.left_out} series are not shown: there are more names than the board has room for"
            )
        return troubles

    def _tried(self, last: Round, window: str, asked: dict[str, str]) -> dict[str, Any]:
        """The page of buttons: whom one can press for, what happened last, and how those do that were pressed for."""
        assert self._trial is not None, "there is such a page"
        offices, people = View.of(last.read, "office", window), View.of(last.read, "employee", window)
        offered: dict[str, list[str]] = {office: [] for office, _ in offices.frame.keys[:MOST_OFFERED]}
        for office, name in people.frame.keys[:MOST_OFFERED]:
            offered.get(office, []).append(name)
        office, name = asked.get("office", ""), asked.get("employee", "")
        return self._trial.happenings() | {
            "offices": {office: sorted(names) for office, names in sorted(offered.items())},
            "effect": {
                "office": [reading(offices, offices.row((office, "")), index) for index in MAIN],
                "employee": [reading(people, people.row((office, name)), index) for index in MAIN],
            },
        }

    async def _act(self, request: web.Request) -> web.Response:
        assert self._trial is not None, "there is such a route"
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
            event_id = await action.carry_out(self._trial)
        except NotNowError as error:
            return _refusal(503, str(error))
        self._collector.hurry()
        return _json(200, orjson.dumps({"event_id": event_id}))


def _weights(last: Round) -> set[float]:
    return {value for series in last.read.others for (name, _), value in series.items() if name == "kqi_silent_weight"}


def _asset(path: Path) -> Handler:
    body, content_type = path.read_bytes(), TYPES[path.suffix]

    async def send(_request: web.Request) -> web.Response:
        return web.Response(body=body, content_type=content_type, charset="utf-8")

    return send


def _guarded(handler: Handler) -> Handler:
    """Refuse hosts that a name server could have led here, and add the headers that every answer carries."""

    async def guard(request: web.Request) -> web.StreamResponse:
        response = (
            await handler(request) if host_is_literal(request.host) else _refusal(403, "no board under this name")
        )
        response.headers.update(HEADERS)
        return response

    return guard


def _same_origin(request: web.Request) -> bool:
    """Tell whether a request comes from a page of this very server. Browsers always say where a POST comes from."""
    origin = request.headers.get("Origin", "")
    return origin in {f"http://{request.host}", f"https://{request.host}"}


def _json(status: int, body: bytes) -> web.Response:
    return web.Response(status=status, body=body, content_type="application/json")


def _refusal(status: int, sentence: str, troubles: Sequence[str] = ()) -> web.Response:
    return _json(status, orjson.dumps({"error": sentence, "troubles": troubles}))
