"""Time at work against counting every millisecond, and the order that spans are kept in."""

import random

import numpy as np
import pytest

from kernels.layout import WORK_CODES
from kernels.work import AT_WORK, OFF, ON_CALL, SPAN_ROW, measure_work, merge_spans

NOW_MS = 60
BEGINS_MS = (0, 20, 45, 60)


def spans_of(*spans):
    """Spans (employee, start, end, kind), in order."""
    rows = np.zeros(len(spans), SPAN_ROW)
    for row, (employee, start_ms, end_ms, kind) in zip(rows, sorted(spans), strict=True):
        row["employee"], row["start_ms"], row["end_ms"], row["kind"] = employee, start_ms, end_ms, kind
    return rows


def measured(spans, offices):
    """Times by entity, (windows, WORK_CODES), as the kernel has them; offices follow the employees among the entities."""
    employees = len(offices)
    rows = np.arange(1, employees + max(offices) + 2, dtype=np.int32)
    office_rows = rows[[employees + office for office in offices]]
    sums = np.full((rows.size + 1, len(BEGINS_MS), WORK_CODES), 7, np.int64)
    measure_work(spans, rows, office_rows, np.array(BEGINS_MS, np.int64), NOW_MS, sums)
    assert not sums[0].any()
    return sums[1:].tolist()


def counted(spans, offices):
    """The same, millisecond by millisecond."""
    times = [[[0] * WORK_CODES for _ in BEGINS_MS] for _ in range(len(offices) + max(offices) + 1)]
    for employee, office in enumerate(offices):
        own = [span for span in spans.tolist() if span[2] == employee]
        for window, begin_ms in enumerate(BEGINS_MS):
            found = [0, 0, 0]
            for ms in range(begin_ms, NOW_MS):
                of = [kind for start_ms, end_ms, _, kind in own if start_ms <= ms < end_ms]
                available = AT_WORK in of and OFF not in of
                found[0] += available
                found[1] += of.count(ON_CALL)
                found[2] += available and ON_CALL not in of
            if found[0]:
                times[employee][window] = found
                times[len(offices) + office][window] = [
                    a + b for a, b in zip(times[len(offices) + office][window], found, strict=True)
                ]
    return times


def some_spans(chance, count, employees):
    """Random spans, before the windows and after now among them."""
    kinds = (AT_WORK, AT_WORK, OFF, ON_CALL, ON_CALL)
    starts = [chance.randrange(-30, 70) + 30 for _ in range(count)]
    return spans_of(
        *(
            (chance.randrange(employees), start, start + chance.randrange(1, 40), chance.choice(kinds))
            for start in starts
        )
    )


@pytest.mark.parametrize("seed", range(60))
def test_times_are_those_of_every_millisecond(seed):
    """Of employees and offices in every window, whatever overlaps whatever."""
    chance = random.Random(seed)
    spans = some_spans(chance, chance.choice((0, 1, 3, 8, 25)), 3)
    assert measured(spans, [0, 1, 0]) == counted(spans, [0, 1, 0])


def test_times_by_hand():
    """Work 10-50, off 20-30, calls 15-25 and 40-55: available 30, productive 25, idle 10-15 and 30-40."""
    spans = spans_of((0, 10, 50, AT_WORK), (0, 20, 30, OFF), (0, 15, 25, ON_CALL), (0, 40, 55, ON_CALL))
    employee, office = measured(spans, [0])
    assert employee == office == [[30, 25, 15], [20, 20, 10], [5, 10, 0], [0, 0, 0]]


@pytest.mark.parametrize("seed", range(20))
def test_merged_spans_stand_in_order_without_those_that_ended(seed):
    """As if all had been sorted and looked through at once."""
    chance = random.Random(seed)
    some, others = (some_spans(chance, chance.choice((0, 1, 9)), 3) for _ in range(2))
    since_ms = chance.choice((-50, 30, 60))
    merged = np.empty(some.size + others.size, SPAN_ROW)
    merged = merged[: merge_spans(some, others, merged, since_ms)]
    order = [(employee, start_ms) for start_ms, _, employee, _ in merged.tolist()]
    assert order == sorted(order)
    kept = [span for span in [*some.tolist(), *others.tolist()] if span[1] >= since_ms]
    assert sorted(merged.tolist()) == sorted(kept)
