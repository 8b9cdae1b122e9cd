"""Structs to rows: what the library decoder took becomes what the scanner would have made of it.

The texts that rows point to are put end to end, as UTF-8.
"""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels import layout
from kernels.events import ABANDONED_CALL, ANSWERED_CALL, EVENT_ROW, INBOUND, OTHER_DIRECTION, OTHER_DISPOSITION
from streams import events
from streams.structs import Group
from streams.times import times_ms

_NO_QUESTION = -1
_QUESTION = {"personnel": layout.PERSONNEL, "office": layout.OFFICE, "loyalty": layout.LOYALTY, None: _NO_QUESTION}
_ANSWER = {"yes": layout.YES, "no": layout.NO, "hard_to_say": layout.HARD_TO_SAY}
_TARGET = {"survey": layout.SURVEY_TARGET, "force_majeure": layout.FORCE_MAJEURE_TARGET}
_SCOPE = {"panel": layout.PANEL_SCOPE, "office": layout.OFFICE_SCOPE}
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
    events.SALE: {"employee": "employee_id"},
}


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
    if kind == events.SELLER_PRESS:
        rows["amount"] = _column(group, "hold_ms")
        rows["code"] = _codes(_QUESTION, _column(group, "question"))
    elif kind == events.CUSTOMER_PRESS:
        rows["code"] = _codes(_ANSWER, _column(group, "answer"))
    elif kind == events.VERDICT:
        rows["code"] = _codes(_TARGET, _column(group, "target"))
        rows["flag"] = _column(group, "reliable")
        rows["first_ms"] = _ends(_column(group, "from_"))
        rows["second_ms"] = _ends(_column(group, "to"))
        rows["scope"] = _codes(_SCOPE, _column(group, "scope"))
    elif kind == events.CALL:
        rows["amount"] = _milliseconds(_column(group, "wait_s"))
        rows["second_ms"] = _milliseconds(_column(group, "talk_s"))
        rows["first_ms"] = (
            rows["second_ms"] + _milliseconds(_column(group, "hold_s")) + _milliseconds(_column(group, "wrap_s"))
        )
        rows["code"] = _codes(_DISPOSITION, _column(group, "disposition"))
        rows["flag"] = _codes(_DIRECTION, _column(group, "direction"))
    elif kind == events.SALE:
        rows["amount"] = _column(group, "amount_minor")
    elif kind == events.VISIT:
        rows["amount"] = _column(group, "count")
    return rows


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
