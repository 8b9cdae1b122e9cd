"""Service requests: their marks in the windows and what is open now, against the reference and by hand."""

import random

import numpy as np
import pytest

from kernels import layout
from kernels.layout import MARKS, NONE, STAGES
from kernels.windows import BUCKETS
from tests.kernels.machine import Machine, retention, rules, stage
from tests.reference.requests import requests

T = 1_800_000_000_000
MINUTE_MS = 60_000
STAGE_NAMES = ("opened", "first_response", "on_site", "resolved", "cancelled")
WHAT = ("response", "resolution", "first_response", "on_site", "resolved", "opened")  # in the order of the marks
WITHIN_MS = (MINUTE_MS, 20 * MINUTE_MS, 300 * MINUTE_MS)  # first response, on site, resolved
TARGETS = [
    {"priority": "critical", "stage": name, "within": f"{within_ms // MINUTE_MS}m", "objective": 0.8}
    for name, within_ms in zip(STAGE_NAMES[1:4], WITHIN_MS, strict=True)
]
PRIORITY = 5  # the entity, behind two offices and three employees


def as_reference(event, request):
    """The same event as the reference reads it."""
    given = {"type": "request", "office_id": event["office"], "request_id": request, "ts": event["ts_ms"]}
    given |= {"event_id": event["text"], "stage": STAGE_NAMES[event["code"]]}
    given |= {"priority": "critical" if event["place"] == PRIORITY else "other"}
    return given | ({"employee_id": event["employee_entity"]} if event["employee_entity"] != NONE else {})


def machine_of(*minutes):
    """A machine with two offices, three employees and a priority."""
    return Machine(rules(*minutes), offices=2, employees=4)


def counted(machine):
    """What every mark counts, {(entity, window, what): (how many, sum)}, where there are any."""
    sums = machine.totals[:, :, layout.REQUEST_BEGIN :]
    found = {}
    for (entity, window), row in zip(np.ndindex(sums.shape[:2]), sums.reshape(-1, sums.shape[2]).tolist(), strict=True):
        for at, what in enumerate(WHAT):
            pair = row[2 * at], row[2 * at + 1] if what != "opened" else 0
            if any(pair):
                found[entity, window, what] = pair
    return found


def open_now(machine):
    """How many requests are open, and how many of them overdue, {entity: (open, overdue)}, where there are any."""
    return {entity: tuple(pair) for entity, pair in enumerate(machine.requests_now.tolist()) if any(pair)}


def reference(events, bucket_ms, now_ms):
    """The same of both from the reference."""
    found = requests(events, now_ms, {"request_targets": TARGETS})
    marks, now = {}, {}
    for each in found:
        entities = [each["office_id"], *([PRIORITY] if each["priority"] else [])]
        for entity in entities if each["open"] else []:
            before = now.get(entity, (0, 0))
            now[entity] = before[0] + 1, before[1] + each["overdue"]
        for mark in each["marks"]:
            for window, width_ms in enumerate(bucket_ms):
                if mark["ts"] < (now_ms // width_ms - BUCKETS + 1) * width_ms:
                    continue
                for entity in entities + ([mark["employee_id"]] if "employee_id" in mark else []):
                    count, total = marks.get((entity, window, mark["what"]), (0, 0))
                    marks[entity, window, mark["what"]] = count + 1, total + mark["amount"]
    return marks, now


@pytest.mark.parametrize("seed", range(4))
def test_counts_are_those_of_the_reference(seed):
    """Whatever the order of stages, as time passes and tables are swept, over leaps and round the ring of the calendar."""
    chance = random.Random(seed)
    machine = machine_of(15, 60, 480)
    happened = []
    now_ms = T
    for step in range(120):
        now_ms += chance.choice((0, 1, 900, MINUTE_MS, 7 * MINUTE_MS, 61 * MINUTE_MS if step % 20 == 0 else 0))
        machine.advance(now_ms)
        events = []
        for number in range(chance.randrange(5)):
            ts_ms = now_ms - int(chance.choice((0, 0, 5000, MINUTE_MS, 4e6, 2e7)) * chance.random()) // 1000 * 1000
            request = step // 20, chance.randrange(6)
            office = chance.randrange(2)
            event = stage(
                ts_ms,
                f"{chance.choice('azé')}{step}-{number}",
                request,
                chance.choice((0, 0, 1, 2, 3, 4)),
                office=office,
                employee=chance.choice((NONE, 2, 3, 4)),
                priority=chance.choice((PRIORITY, PRIORITY, NONE)),
            )
            events.append(event)
            happened.append(as_reference(event, request))
        machine.apply(*events)
        machine.set_dues(*WITHIN_MS)
        machine.decide(now_ms)
        if step % 7 == 0:
            machine.sweep(retention(request_ms=now_ms - 24 * 60 * MINUTE_MS))
        assert (counted(machine), open_now(machine)) == reference(happened, machine.rules.bucket_ms.tolist(), now_ms)
    machine.advance(now_ms + 10**8)
    marks, now = reference(happened, machine.rules.bucket_ms.tolist(), now_ms + 10**8)
    assert (counted(machine), open_now(machine)) == (marks, now) == ({}, now)
    machine.sweep(retention(request_ms=now_ms + 10**7))
    assert machine.size("REQUESTS") == sum(now.get(office, (0, 0))[0] for office in range(2))
    assert (counted(machine), open_now(machine)) == ({}, now)


def test_a_request_is_one_row_however_many_events():
    """With its stages and marks; its id is of its office, and the ids of events are kept as long as they are needed."""
    machine = machine_of()
    for number, code in enumerate((0, 1, 1, 3, 0)):
        machine.apply(stage(T - number, f"id-{number}", "r", code, priority=PRIORITY))
    assert (machine.size("REQUESTS"), machine.size("STAGE_ROWS"), machine.size("MARK_ROWS")) == (1, STAGES, MARKS)
    machine.apply(stage(T, "id-5", "r", 0, office=1))
    assert machine.size("REQUESTS") == 2
    machine.sweep(retention())
    stages = machine.tables.stages[:STAGES]
    assert [machine.text(each) for each in stages] == ["id-4", "id-2", "", "id-3", ""]
    assert stages["ts_ms"].tolist() == [T - 4, T - 2, layout.NOT_GIVEN, T - 3, layout.NOT_GIVEN]


def test_targets_are_looked_at_when_one_is_due():
    """Until then time passes without a look at any request."""
    machine = machine_of()
    machine.advance(T)
    machine.apply(stage(T, "a", "r", 0, priority=PRIORITY), stage(T + 5, "b", "s", 0, priority=PRIORITY))
    machine.set_dues(*WITHIN_MS)
    machine.decide(T)
    assert machine.size("NEXT_DUE_MS") == T + MINUTE_MS
    machine.advance(T + MINUTE_MS)
    assert not [key for key in counted(machine) if key[2] == "first_response"]
    machine.advance(T + MINUTE_MS + 1)
    assert counted(machine)[0, 0, "first_response"] == (1, 0)
    assert machine.size("NEXT_DUE_MS") == T + 5 + MINUTE_MS
    assert open_now(machine) == {0: (2, 1), PRIORITY: (2, 1)}


def test_who_has_no_request_takes_nothing():
    """Neither a row nor counters."""
    machine = machine_of()
    machine.facts(layout.SALE, (T, 100))
    assert (machine.size("REQUESTS"), machine.size("REQUEST_ROWS")) == (0, 1)
    machine.apply(stage(T, "a", "r", 0, employee=3, priority=PRIORITY))
    assert (machine.size("REQUESTS"), machine.size("REQUEST_ROWS")) == (1, 4)
    assert not machine.tables.request_sums[0].any()
    assert not machine.tables.request_now[0].any()
