"""Structs to rows: what the library decoder took becomes what the scanner would have made of it.

The texts that rows point to are put end to end, as UTF-8.
"""

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from kernels import layout
from kernels.events import ABANDONED_CALL, ANSWERED_CALL, EVENT_ROW, INBOUND, OTHER_DIRECTION, OTHER_DISPOSITION
from streams import events, peer_ratings
from streams.members import SEPARATOR
from streams.structs import Group
from streams.times import times_ms

_NO_QUESTION = -1
_QUESTION = {"personnel": layout.PERSONNEL, "office": layout.OFFICE, "loyalty": layout.LOYALTY, None: _NO_QUESTION}
_ANSWER = {"yes": layout.YES, "no": layout.NO, "hard_to_say": layout.HARD_TO_SAY}
_TARGET = {"survey": layout.SURVEY_TARGET, "force_majeure": layout.FORCE_MAJEURE_TARGET}
_SCOPE = {"panel": layout.PANEL_SCOPE, "office": layout.OFFICE_SCOPE}
_METRIC = {"nps": layout.NPS, "csat": layout.CSAT, "ces": layout.CES}
_STAGE = {
    "opened": layout.OPENED,
    "first_response": layout.FIRST_RESPONSE,
    "on_site": layout.ON_SITE,
    "resolved": layout.RESOLVED,
    "cancelled": layout.CANCELLED,
}
_SHIFT = {"work": layout.WORK, "break": layout.BREAK, "training": layout.TRAINING, "leave": layout.LEAVE}
_OCCASION = {"regular": 0, "leaving": 1}
_DIRECTION = {"inbound": INBOUND, "outbound": OTHER_DIRECTION, "internal": OTHER_DIRECTION}
_DISPOSITION = {
    "answered": ANSWERED_CALL,
    "abandoned": ABANDONED_CALL,
    "no_answer": OTHER_DISPOSITION,
    "busy": OTHER_DISPOSITION,
    "failed": OTHER_DISPOSITION,
}
# The fields of a row that point to text, by kind: every event's, then those of some. (A kind that has no index is known by its id.)
_TEXTS = {"id": "event_id", "office": "office_id"}
_MORE_TEXTS: dict[int, dict[str, str]] = {
    events.SELLER_PRESS: {"place": "panel_id", "employee": "employee_id"},
    events.CUSTOMER_PRESS: {"place": "panel_id"},
    events.VERDICT: {"place": "target_id"},
    events.CALL: {"place": "queue", "employee": "employee_id"},
    events.SALE: {"employee": "employee_id", "place": "category"},
    events.REQUEST: {"employee": "employee_id", "place": "priority"},
    events.SHIFT: {"employee": "employee_id"},
}
_WITH_CLIENTS = (events.CALL, events.SALE, events.RATING, events.REQUEST)


class Texts:
    """Texts to be put behind a buffer."""

    def __init__(self, start: int) -> None:
        self._end = start
        self._parts: list[bytes] = []

    def add(self, texts: Sequence[str | None]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Take texts: their starts in the buffer, and their lengths in bytes. One that is None has the length 0."""
        given = [text or "" for text in texts] if None in texts else texts
        joined = "".join(given)  # type: ignore[arg-type]  # none of them is None
        encoded = joined.encode()
        sized: Iterable[Any] = given if len(encoded) == len(joined) else map(str.encode, given)  # type: ignore[arg-type]
        lengths = np.fromiter(map(len, sized), np.int64, len(given))
        ends = self._end + np.cumsum(lengths)
        self._end += len(encoded)
        self._parts.append(encoded)
        return np.where(lengths > 0, ends - lengths, 0), lengths

    def joined(self) -> NDArray[np.uint8]:
        """All of them."""
        return np.frombuffer(b"".join(self._parts), np.uint8)


def to_rows(kind: int, group: Group, texts: Texts) -> NDArray[np.void]:
    """Make rows of the events of one kind, (n,) EVENT_ROW, without numbers of names; `position` is that in the group's batch."""
    rows = np.zeros(len(group.events), EVENT_ROW)
    rows["kind"] = kind
    rows["position"] = group.positions
    rows["ts_ms"] = group.ts_ms
    rows["office"] = rows["place"] = rows["employee"] = layout.NONE
    for name, attribute in (_TEXTS | _MORE_TEXTS.get(kind, {})).items():
        rows[f"{name}_start"], rows[f"{name}_length"] = texts.add(_column(group, attribute))
    if kind in _WITH_CLIENTS:
        rows["target_high"], rows["target_low"] = texts.add(_column(group, "client_id"))
    _FILLED_BY[kind](rows, group, texts)
    return rows


# The fields of one kind ----------------------------------------------------------------------------------------------


def _seller_press(rows: NDArray[np.void], group: Group, _: Texts) -> None:
    rows["amount"] = _column(group, "hold_ms")
    rows["code"] = _codes(_QUESTION, _column(group, "question"))


def _customer_press(rows: NDArray[np.void], group: Group, _: Texts) -> None:
    rows["code"] = _codes(_ANSWER, _column(group, "answer"))


def _verdict(rows: NDArray[np.void], group: Group, _: Texts) -> None:
    rows["code"] = _codes(_TARGET, _column(group, "target"))
    rows["flag"] = _column(group, "reliable")
    rows["first_ms"] = _ends(_column(group, "from_"))
    rows["second_ms"] = _ends(_column(group, "to"))
    rows["scope"] = _codes(_SCOPE, _column(group, "scope"))


def _call(rows: NDArray[np.void], group: Group, _: Texts) -> None:
    talk_ms, hold_ms, wrap_ms = (_milliseconds(_column(group, name)) for name in ("talk_s", "hold_s", "wrap_s"))
    rows["amount"] = _milliseconds(_column(group, "wait_s"))
    rows["second_ms"] = talk_ms
    rows["first_ms"] = talk_ms + hold_ms + wrap_ms
    rows["code"] = _codes(_DISPOSITION, _column(group, "disposition"))
    rows["flag"] = _codes(_DIRECTION, _column(group, "direction"))


def _sale(rows: NDArray[np.void], group: Group, _: Texts) -> None:
    margins = _column(group, "margin_minor")
    rows["amount"] = _column(group, "amount_minor")
    rows["first_ms"] = [margin or 0 for margin in margins]
    rows["code"] = [margin is not None for margin in margins]


def _visit(rows: NDArray[np.void], group: Group, _: Texts) -> None:
    rows["amount"] = _column(group, "count")


def _request(rows: NDArray[np.void], group: Group, texts: Texts) -> None:
    rows["code"] = _codes(_STAGE, _column(group, "stage"))
    rows["first_ms"], rows["second_ms"] = texts.add(_column(group, "request_id"))


def _rating(rows: NDArray[np.void], group: Group, texts: Texts) -> None:
    rows["amount"] = _column(group, "score")
    rows["code"] = _codes(_METRIC, _column(group, "metric"))
    rows["flag"] = _codes(_OCCASION, _column(group, "occasion"))
    members = [SEPARATOR.join(dict.fromkeys(employees or ())) for employees in _column(group, "employee_ids")]
    rows["first_ms"], rows["second_ms"] = texts.add(members)


def _shift(rows: NDArray[np.void], group: Group, _: Texts) -> None:
    rows["code"] = _codes(_SHIFT, _column(group, "kind"))
    rows["first_ms"] = times_ms(_column(group, "end_ts"))


def _peer_rating(rows: NDArray[np.void], group: Group, texts: Texts) -> None:
    ratings = cast("list[events.PeerRating]", group.events)
    rows["amount"] = list(map(peer_ratings.is_flagged, ratings))
    rows["place_start"], rows["place_length"] = texts.add(list(map(peer_ratings.departments, ratings)))
    members = [SEPARATOR.join(peer_ratings.members_of(each)) for each in ratings]
    rows["first_ms"], rows["second_ms"] = texts.add(members)


_FILLED_BY: Final[dict[int, Callable[[NDArray[np.void], Group, Texts], None]]] = {
    events.SELLER_PRESS: _seller_press,
    events.CUSTOMER_PRESS: _customer_press,
    events.VERDICT: _verdict,
    events.CALL: _call,
    events.SALE: _sale,
    events.VISIT: _visit,
    events.RATING: _rating,
    events.REQUEST: _request,
    events.SHIFT: _shift,
    events.PEER_RATING: _peer_rating,
}


# Columns -------------------------------------------------------------------------------------------------------------


def _column(group: Group, attribute: str) -> list[Any]:
    return list(map(attrgetter(attribute), group.events))


def _codes(table: dict[Any, int], values: Sequence[Any]) -> NDArray[np.int8]:
    return np.fromiter(map(table.__getitem__, values), np.int8, len(values))


def _milliseconds(seconds: Sequence[float]) -> NDArray[np.int64]:
    """Seconds as whole milliseconds, half to even."""
    return np.rint(np.array(seconds, np.float64) * 1000).astype(np.int64)


def _ends(values: Sequence[int | str | None]) -> NDArray[np.int64]:
    """Ends of force majeures, those that are not given as NOT_GIVEN."""
    times = times_ms(values)
    return np.where(times < 0, layout.NOT_GIVEN, times)
