"""Bad lines, to try out what becomes of them: every reason that a line can give by itself, made from a good event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from streams.simulation.company import Event

TOO_LONG: Final = 64 * 1024

# Each makes a line out of a copy of a good event, and names the reason for which it must be refused.
_WAYS: Final[tuple[tuple[str, Callable[[Event], bytes]], ...]] = (
    ("not_json", lambda event: orjson.dumps(event)[:-7]),
    ("not_json", lambda event: b"\xff" + orjson.dumps(event)),
    ("not_json", lambda event: orjson.dumps(event | {"office_id": "?"}).replace(b'"?"', b"NaN")),
    ("not_an_object", lambda event: orjson.dumps([event])),
    ("unknown_type", lambda event: orjson.dumps(event | {"type": "button"})),
    ("missing_field", lambda event: orjson.dumps(_without(event, "type"))),
    ("missing_field", lambda event: orjson.dumps(_without(event, "office_id"))),
    ("missing_field", lambda event: orjson.dumps(event | {"ts": None})),
    ("bad_value", lambda event: orjson.dumps(event | {"ts": -1})),
    ("bad_value", lambda event: orjson.dumps(event | {"ts": "yesterday"})),
    ("bad_value", lambda event: orjson.dumps(event | {"event_id": "a\tb"})),
    ("bad_value", lambda event: orjson.dumps(event | {"office_id": 7})),
    ("too_large", lambda event: orjson.dumps(event | {"note": "x" * TOO_LONG})),
)


def spoil(event: Event, number: int, chance: random.Random) -> tuple[bytes, str]:
    """Return a bad line made from an event, with an id of its own, and the reason why it is bad."""
    reason, way = chance.choice(_WAYS)
    return way(event | {"event_id": f"bad-{number}"}), reason


def _without(event: Event, name: str) -> Event:
    return {key: value for key, value in event.items() if key != name}
