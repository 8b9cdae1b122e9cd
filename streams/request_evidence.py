"""What the indices of service requests rest on: each request with its stages, when it was due, and what of it counts when.

The engine has decided (:mod:`kernels.requests`); its tables are read here, and put together with the events that they know by id.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np

from kernels.layout import (
    CANCELLED,
    FAR_MS,
    MARKS,
    NONE,
    NOT_GIVEN,
    OPENED,
    OPENED_MARK,
    REQUEST_BEGIN,
    REQUESTS,
    RESOLVED,
    STAGES,
    TARGET_MARKS,
    TARGETS,
)
from streams import request_targets
from streams.evidence import Evidence
from streams.index import Index
from streams.names import Entity
from streams.score_evidence import counts

Listed = dict[str, Any]

OPEN, OVERDUE = "requests_open", "requests_overdue"
NOW: Final = {  # they tell of now, and of no window
    OPEN: "Requests that are open now.",
    OVERDUE: "Requests that are open now, and late for a target.",
}
REQUEST_COUNTERS: Final = frozenset(range(REQUEST_BEGIN, REQUEST_BEGIN + 2 * OPENED_MARK + 1))
REASONS: Final = ("outside_window", "not_reached", "no_target", "not_due", "never_due")
_STAGES: Final = ("opened", "first_response", "on_site", "resolved", "cancelled")


class _Mark(NamedTuple):
    """What of a request counts at an instant of its own."""

    ts_ms: int | None  # None for not at all
    due_ms: int | None  # None for no target
    amount: int
    employee: int


class _Request(NamedTuple):
    """A request that was opened, as the tables have it."""

    row: int
    priority: int  # entity or -1
    is_open: bool
    is_overdue: bool


def requests(evidence: Evidence, index: Index, scope: str, entity: int, office: int, begin_ms: int) -> dict[str, Any]:
    """The requests that an index counts, and others of now or of the window that it does not, each with the reason.

    Parameters
    ----------
    entity, office
        Whose, and where: numbers of entities.
    """
    counter = next(counter for counter in index.base if counter in REQUEST_COUNTERS)
    number = (counter - REQUEST_BEGIN) // 2
    counted, left_out = [], []
    for request in _requests(evidence, office):
        mark = _mark(evidence, request.row, number)
        if not _is_of(evidence, request, mark, scope, entity):
            continue
        listed = _listed(evidence, request, office)
        if TARGET_MARKS <= number < TARGET_MARKS + TARGETS:
            listed["due"] = mark.due_ms
        if mark.ts_ms is not None and mark.ts_ms >= begin_ms:
            adds = {REQUEST_BEGIN + 2 * number: 1}
            if number != OPENED_MARK:
                adds[REQUEST_BEGIN + 2 * number + 1] = mark.amount
            counted.append(listed | {"at": mark.ts_ms, "counts": counts(index, adds)})
        elif request.is_open or any(each["ts"] >= begin_ms for each in listed["stages"]):
            left_out.append(listed | {"reason": _reason(evidence, request, mark, number)})
    return {"requests": counted, "requests_left_out": left_out}


def explain_now(evidence: Evidence, index: Index, entity: Entity) -> dict[str, Any]:
    """The requests of an office or priority that are open now, with the value of an index of now, and its formula."""
    number, office = evidence.entity(entity), evidence.entity(("office", entity[1], ""))
    listed: list[Listed] = []
    if number is not None and office is not None:
        for request in _requests(evidence, office):
            if request.is_open and (entity[0] == "office" or request.priority == number):
                adds = request.is_overdue if index.name == OVERDUE else True
                counted = {"dues": _dues(evidence, request), "counts": {"numerator": int(adds), "base": 1}}
                listed.append(_listed(evidence, request, office) | counted)
    value = sum(each["counts"]["numerator"] for each in listed)
    what = "overdue" if index.name == OVERDUE else "open"
    text = f"{what} {value:,} of {len(listed):,} open" if listed else "no value: none is open"
    return {
        "value": value if listed else None,
        "base": len(listed),
        "formula": {"words": index.help, "text": text, "numerator": [], "denominator": None, "scale": 1},
        "requests": listed,
    }


def _dues(evidence: Evidence, request: _Request) -> dict[str, int]:
    """When the targets of a request are due, by stage."""
    marks = (_mark(evidence, request.row, TARGET_MARKS + at) for at in range(TARGETS))
    pairs = zip(request_targets.STAGES, marks, strict=True)
    return {stage: mark.due_ms for stage, mark in pairs if mark.due_ms is not None}


def _requests(evidence: Evidence, office: int) -> Iterator[_Request]:
    """The requests of an office that were opened, in the order of their openings."""
    tables = evidence.partition.tables
    used = tables.requests[: tables.sizes[REQUESTS]]
    opened_ms = tables.stages["ts_ms"][OPENED : STAGES * used.size : STAGES]
    rows = np.flatnonzero((used["office"] == office) & (opened_ms != NOT_GIVEN))
    for row in rows[np.argsort(opened_ms[rows], kind="stable")].tolist():
        request = used[row]
        yield _Request(row, int(request["priority"]), bool(request["open"]), bool(request["overdue"]))


def _mark(evidence: Evidence, row: int, number: int) -> _Mark:
    mark = evidence.partition.tables.marks[MARKS * row + number]
    ts_ms, due_ms = int(mark["ts_ms"]), int(mark["due_ms"])
    return _Mark(
        None if ts_ms == NOT_GIVEN else ts_ms,
        None if due_ms == FAR_MS else due_ms,
        int(mark["amount"]),
        int(mark["employee"]),
    )


def _is_of(evidence: Evidence, request: _Request, mark: _Mark, scope: str, entity: int) -> bool:
    if scope == "office":
        return True
    if scope == "priority":
        return request.priority == entity
    if mark.ts_ms is None:  # of nobody yet: whose it would be
        return int(evidence.partition.tables.stages[STAGES * request.row + OPENED]["employee"]) == entity
    return mark.employee == entity


def _listed(evidence: Evidence, request: _Request, office: int) -> Listed:
    tables, entities = evidence.partition.tables, evidence.partition.names.entities
    stages = []
    name = ""
    for number, stage in enumerate(_STAGES):
        held = tables.stages[STAGES * request.row + number]
        if held["ts_ms"] == NOT_GIVEN:
            continue
        start = int(held["id_start"])
        event_id = tables.id_bytes[start : start + int(held["id_length"])].tobytes()
        kept, row = evidence.event_of(office, event_id)
        name = evidence.request_ids[int(row["first_ms"]), int(row["second_ms"])]
        employee = int(held["employee"])
        stages.append(
            {
                "stage": stage,
                "ts": int(held["ts_ms"]),
                "event_id": event_id.decode(),
                "employee_id": None if employee == NONE else entities[employee][2],
                "place": evidence.place(kept, row),
            }
        )
    return {
        "request_id": name,
        "priority": None if request.priority == NONE else entities[request.priority][2],
        "open": request.is_open,
        "overdue": request.is_overdue,
        "stages": stages,
    }


def _reason(evidence: Evidence, request: _Request, mark: _Mark, number: int) -> str:
    """Why a request does not count."""
    if mark.ts_ms is not None:
        return "outside_window"
    if not TARGET_MARKS <= number < TARGET_MARKS + TARGETS:
        return "not_reached"
    if mark.due_ms is None:
        return "no_target"
    stages = evidence.partition.tables.stages
    ended = any(stages[STAGES * request.row + stage]["ts_ms"] != NOT_GIVEN for stage in (RESOLVED, CANCELLED))
    return "never_due" if ended else "not_due"
