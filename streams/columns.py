"""Columns of events: what the kernels take, one set for each kind, numbers only.

A column set is a NamedTuple of arrays of one length, so that any of them can be cut by a mask. Ids lie in a shared
buffer that their starts and lengths point into.
"""

from collections.abc import Sequence
from itertools import repeat
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from kernels import layout
from kernels.identity import hash_ids
from streams import events
from streams.decode import Group
from streams.names import Names
from streams.times import times_ms

Integers = NDArray[np.int64]
Numbers = NDArray[np.int32]
Codes = NDArray[np.int8]

_QUESTION = {None: layout.PERSONNEL, "personnel": layout.PERSONNEL, "office": layout.OFFICE, "loyalty": layout.LOYALTY}
_ANSWER = {"yes": layout.YES, "no": layout.NO, "hard_to_say": layout.HARD_TO_SAY}
_TARGET = {"survey": layout.SURVEY_TARGET, "force_majeure": layout.FORCE_MAJEURE_TARGET}
_SCOPE = {None: layout.PANEL_SCOPE, "panel": layout.PANEL_SCOPE, "office": layout.OFFICE_SCOPE}
_DISPOSITION = {"answered": 1, "abandoned": 2, "no_answer": 0, "busy": 0, "failed": 0}


class Ids(NamedTuple):
    """Event ids, hashed with their office as the seed."""

    hashes: NDArray[np.uint64]  # (n, 2)
    starts: Integers  # in the buffer of the batch
    lengths: Integers


class SellerColumns(NamedTuple):
    """Seller presses."""

    ts_ms: Integers
    hashes: NDArray[np.uint64]
    id_starts: Integers
    id_lengths: Integers
    panels: Numbers
    employees: Numbers
    hold_ms: Integers
    questions: Codes


class CustomerColumns(NamedTuple):
    """Customer presses."""

    ts_ms: Integers
    hashes: NDArray[np.uint64]
    id_starts: Integers
    id_lengths: Integers
    panels: Numbers
    answers: Codes


class VerdictColumns(NamedTuple):
    """Verdicts; an end that is not given is :data:`kernels.layout.NOT_GIVEN`."""

    ts_ms: Integers
    hashes: NDArray[np.uint64]
    id_starts: Integers
    id_lengths: Integers
    targets: Codes
    target_hashes: NDArray[np.uint64]
    reliable: Codes
    from_ms: Integers
    to_ms: Integers
    scopes: Codes


class FactColumns(NamedTuple):
    """Calls, sales and visits; see :data:`kernels.layout.FACT_ROW`."""

    ts_ms: Integers
    hashes: NDArray[np.uint64]
    offices: Numbers
    employees: Numbers
    queues: Numbers
    amounts: Integers
    handle_ms: Integers
    talk_ms: Integers
    flags: Codes


class OtherColumns(NamedTuple):
    """Events whose indices do not exist yet: known by their ids, so that duplicates are told."""

    ts_ms: Integers
    hashes: NDArray[np.uint64]


Columns = TypeVar("Columns", SellerColumns, CustomerColumns, VerdictColumns, FactColumns, OtherColumns)
AnyColumns = SellerColumns | CustomerColumns | VerdictColumns | FactColumns | OtherColumns


def cut(columns: Columns, mask: NDArray[np.bool_]) -> Columns:
    """The rows that ``mask`` names."""
    same: Any = type(columns)
    return same(*(column[mask] for column in columns))  # type: ignore[no-any-return]


class Batch(NamedTuple):
    """The columns of one kind in one batch, and the bytes that its ids lie in."""

    kind: int
    columns: AnyColumns
    id_data: NDArray[np.uint8]

    def cut(self, mask: NDArray[np.bool_]) -> "Batch":
        """The events that ``mask`` names."""
        columns: Any = self.columns
        return self._replace(columns=cut(columns, mask))


class Limits(NamedTuple):
    """Thresholds of the configuration that calls are judged by on arrival, milliseconds."""

    service_level_ms: int
    short_abandon_ms: int


def _hashed(texts: Sequence[str], offices: Numbers) -> tuple[Ids, NDArray[np.uint8]]:
    data = "".join(texts).encode()
    if len(data) == sum(map(len, texts)):
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    else:
        lengths = np.fromiter(map(len, map(str.encode, texts)), np.int64, len(texts))
    ends = np.cumsum(lengths)
    buffer = np.frombuffer(data, np.uint8)
    return Ids(hash_ids(buffer, ends, offices), ends - lengths, lengths), buffer


def _codes(table: dict[Any, int], values: Sequence[Any]) -> Codes:
    return np.fromiter(map(table.__getitem__, values), np.int8, len(values))


def _milliseconds(values: Sequence[float | None]) -> Integers:
    """Seconds as whole milliseconds, half to even; None is 0."""
    seconds = np.nan_to_num(np.array(values, np.float64))
    return np.rint(seconds * 1000).astype(np.int64)


def _integers(values: Sequence[int | None], absent: int) -> Integers:
    given = [absent if value is None else value for value in values] if None in values else values
    return np.array(given, np.int64)


def _ends(values: Sequence[int | str | None]) -> Integers:
    times = times_ms(values)
    return np.where(times < 0, layout.NOT_GIVEN, times)


def _flags(directions: Sequence[str], dispositions: Sequence[str], wait_ms: Integers, limits: Limits) -> Codes:
    code = _codes(_DISPOSITION, dispositions)
    offered = _codes({"inbound": 1, "outbound": 0, "internal": 0}, directions) == 1
    answered = code == _DISPOSITION["answered"]
    abandoned = code == _DISPOSITION["abandoned"]
    short = wait_ms < limits.short_abandon_ms
    flags = (
        (offered, layout.CALL_OFFERED),
        (answered, layout.CALL_ANSWERED),
        (answered & (wait_ms <= limits.service_level_ms), layout.CALL_IN_TIME),
        (abandoned & ~short, layout.CALL_ABANDONED_LATE),
        (abandoned & short, layout.CALL_ABANDONED_SHORT),
    )
    total = np.zeros(len(wait_ms), np.int8)
    for condition, flag in flags:
        total |= np.where(condition, np.int8(flag), np.int8(0))
    return total


class _Reader:
    """Fields of the events of one group, and the numbers of their names."""

    def __init__(self, group: Group, names: Names) -> None:
        self.group = group
        self.names = names
        self.count = len(group.events)
        self.office_names: list[str] = self.field("office_id")
        self.office_numbers = names.offices.numbers(self.office_names, self.count)
        # An office is an entity from its first event on.
        self.offices = names.entities.numbers(zip(repeat("office"), self.office_names, repeat("")), self.count)
        self.ids, self.id_data = _hashed(self.field("event_id"), self.office_numbers)

    def field(self, name: str) -> list[Any]:
        return list(map(attrgetter(name), self.group.events))

    def panels(self) -> Numbers:
        return self.names.panels.numbers(zip(self.office_names, self.field("panel_id"), strict=True), self.count)

    def entities(self, scope: Any, field: str) -> Numbers:
        return self.names.entities.numbers(zip(repeat(scope), self.office_names, self.field(field)), self.count)


def _facts(read: _Reader, **columns: Any) -> FactColumns:
    nobody = np.full(read.count, layout.NONE, np.int32)
    nothing = np.zeros(read.count, np.int64)
    given = {
        "employees": nobody,
        "queues": nobody,
        "handle_ms": nothing,
        "talk_ms": nothing,
        "flags": np.zeros(read.count, np.int8),
        **columns,
    }
    return FactColumns(ts_ms=read.group.ts_ms, hashes=read.ids.hashes, offices=read.offices, **given)


def _sellers(read: _Reader) -> SellerColumns:
    return SellerColumns(
        read.group.ts_ms,
        *read.ids,
        panels=read.panels(),
        employees=read.entities("employee", "employee_id"),
        hold_ms=np.array(read.field("hold_ms"), np.int64),
        questions=_codes(_QUESTION, read.field("question")),
    )


def _customers(read: _Reader) -> CustomerColumns:
    return CustomerColumns(
        read.group.ts_ms, *read.ids, panels=read.panels(), answers=_codes(_ANSWER, read.field("answer"))
    )


def _verdicts(read: _Reader) -> VerdictColumns:
    targets, _ = _hashed(read.field("target_id"), read.office_numbers)
    return VerdictColumns(
        read.group.ts_ms,
        *read.ids,
        targets=_codes(_TARGET, read.field("target")),
        target_hashes=targets.hashes,
        reliable=np.array(read.field("reliable"), np.int8),
        from_ms=_ends(read.field("from_")),
        to_ms=_ends(read.field("to")),
        scopes=_codes(_SCOPE, read.field("scope")),
    )


def _calls(read: _Reader, limits: Limits) -> FactColumns:
    wait_ms = _milliseconds(read.field("wait_s"))
    talk_ms = _milliseconds(read.field("talk_s"))
    return _facts(
        read,
        employees=read.entities("employee", "employee_id"),
        queues=read.entities("queue", "queue"),
        amounts=wait_ms,
        handle_ms=talk_ms + _milliseconds(read.field("hold_s")) + _milliseconds(read.field("wrap_s")),
        talk_ms=talk_ms,
        flags=_flags(read.field("direction"), read.field("disposition"), wait_ms, limits),
    )


def to_columns(kind: int, group: Group, names: Names, limits: Limits) -> Batch:
    """Columns of the events of one kind; new names are given numbers."""
    read = _Reader(group, names)
    columns: AnyColumns
    if kind == events.SELLER_PRESS:
        columns = _sellers(read)
    elif kind == events.CUSTOMER_PRESS:
        columns = _customers(read)
    elif kind == events.VERDICT:
        columns = _verdicts(read)
    elif kind == events.CALL:
        columns = _calls(read, limits)
    elif kind == events.SALE:
        columns = _facts(
            read,
            employees=read.entities("employee", "employee_id"),
            amounts=np.array(read.field("amount_minor"), np.int64),
        )
    elif kind == events.VISIT:
        columns = _facts(read, amounts=_integers(read.field("count"), 1))
    else:
        columns = OtherColumns(read.group.ts_ms, read.ids.hashes)
    return Batch(kind, columns, read.id_data)
