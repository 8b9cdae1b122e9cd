"""What time at work rests on: the shifts and calls of whoever was available, and what of each lies in the window."""

from collections.abc import Iterator
from operator import itemgetter
from typing import Any, Final

from kernels.layout import AVAILABLE_MS, BREAK, IDLE_MS, LEAVE, NONE, PRODUCTIVE_MS, TRAINING, WORK
from streams import events
from streams.evidence import Evidence, Fact
from streams.index import Index

Listed = dict[str, Any]

WORK_COUNTERS: Final = frozenset((AVAILABLE_MS, PRODUCTIVE_MS, IDLE_MS))
_KINDS: Final = {WORK: "work", BREAK: "break", TRAINING: "training", LEAVE: "leave"}


def work_evidence(
    evidence: Evidence, index: Index, office: int, employee: int | None, window: int
) -> dict[str, list[Listed]]:
    """The times of employees, and the shifts and calls that they were found by.

    Shifts that overlap count once, so no shift adds anything by itself: who draws them on a line finds the times.

    Parameters
    ----------
    office, employee
        Entities: of whom, all of an office for no employee.
    window
        Its place among the evidence's.
    """
    told: dict[str, list[Listed]] = {"time_at_work": [], "shifts": [], "calls": []}
    partition = evidence.partition
    begin_ms, now_ms = int(partition.tables.window_begin_ms[window]), evidence.now.now_ms
    totals = evidence.engine.evaluation.totals(partition)[:, window]
    for number, (scope, office_id, name) in enumerate(partition.names.entities):
        of_office = scope == "employee" and office_id == partition.names.entities[office][1]
        if of_office and employee in (None, number) and totals[number, AVAILABLE_MS] > 0:
            times = {"available_ms": AVAILABLE_MS, "productive_ms": PRODUCTIVE_MS, "idle_ms": IDLE_MS}
            counts = {each: int(totals[number, counter]) for each, counter in times.items()}
            told["time_at_work"].append({"employee_id": name, **counts})
    for kind, part in ((events.SHIFT, "shifts"), (events.CALL, "calls")):
        for fact, starts_ms, ends_ms in _spans(evidence, kind, office):
            start_ms, end_ms = max(starts_ms, begin_ms), min(ends_ms, now_ms)
            available = fact.employee != NONE and totals[fact.employee, AVAILABLE_MS] > 0
            if start_ms < end_ms and available and employee in (None, fact.employee):
                told[part].append(_listed(fact, index, start_ms, end_ms))
    for part, keys in (
        ("time_at_work", ("employee_id",)),
        ("shifts", ("employee_id", "from")),
        ("calls", ("employee_id", "from")),
    ):
        told[part].sort(key=itemgetter(*keys))
    return told


def _spans(evidence: Evidence, kind: int, office: int) -> Iterator[tuple[Fact, int, int]]:
    """Shifts, or the work on calls, with their ends."""
    for fact in evidence.facts(kind, office):
        if kind == events.SHIFT:
            yield fact, fact.ts_ms, int(fact.row["first_ms"])
        else:
            answered_ms = fact.ts_ms + int(fact.row["amount"])
            yield fact, answered_ms, answered_ms + int(fact.row["first_ms"])


def _listed(fact: Fact, index: Index, start_ms: int, end_ms: int) -> Listed:
    told: Listed = {"event_id": fact.event_id, "ts": fact.ts_ms, "employee_id": fact.employee_id}
    if fact.row["kind"] == events.SHIFT:
        told["kind"] = _KINDS[int(fact.row["code"])]
    else:
        weights = {"numerator": index.numerator, "base": index.base}
        told["counts"] = {part: (end_ms - start_ms) * of.get(PRODUCTIVE_MS, 0) for part, of in weights.items()}
    return told | {"from": start_ms, "to": end_ms, "place": fact.place}
