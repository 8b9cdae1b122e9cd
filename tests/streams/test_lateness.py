"""What comes too late or from the future, decided from the log alone."""

import random

import numpy as np
import pytest

from streams.events import SHIFT
from streams.lateness import LEAD_MS, timely
from tests.reference.companies import START_MS
from tests.streams.feeding import decoded
from tests.streams.happenings import answer, press, sale, shift

T = START_MS
HORIZON_MS = 1000


def judged(events, append_ms=None, clock_ms=0, horizon_ms=HORIZON_MS):
    """What becomes of events that were appended when they happened, or at other instants."""
    appended = np.array([event["ts"] for event in events] if append_ms is None else append_ms, np.int64)
    return timely(decoded(events).rows, appended, clock_ms, horizon_ms)


def reasons(result):
    """Positions and reasons of the rejects."""
    return [(reject.position, reject.reason) for reject in result.rejects]


def test_an_event_may_be_as_late_as_the_horizon():
    """At the horizon is in time, a millisecond further is too late."""
    result = judged([sale(T), sale(T - 1000), sale(T - 1001)])
    assert reasons(result) == [(2, "too_late")]
    assert result.rows["position"].tolist() == [0, 1]
    assert result.clock_ms == T
    assert result.late == 1


def test_an_event_may_be_five_minutes_ahead():
    """At 5 min ahead of its append time is good, a millisecond further is in the future."""
    assert LEAD_MS == 300_000
    result = judged([sale(T + LEAD_MS), sale(T + LEAD_MS + 1)], [T, T])
    assert reasons(result) == [(1, "in_the_future")]
    assert result.clock_ms == T


def test_shifts_may_be_planned_ahead():
    """A shift has no future too far; nor does it move the clock beyond its append time."""
    result = judged([shift(T + 10**10)], [T])
    assert result.rejects == []
    assert result.clock_ms == T
    assert result.rows["kind"].tolist() == [SHIFT]


def test_a_shift_may_be_too_late():
    """Only the future is free."""
    assert reasons(judged([shift(T - 1001)], clock_ms=T)) == [(0, "too_late")]


def test_the_clock_is_the_lesser_of_instant_and_append_time():
    """A fast device clock moves nobody; neither does a slow broker's."""
    assert judged([sale(T + 60_000)], [T]).clock_ms == T
    assert judged([sale(T)], [T + 60_000]).clock_ms == T


def test_an_event_is_measured_against_those_before_it():
    """Not against itself, nor against those after it in the same batch, whatever their kind."""
    events = [answer(T), press(T + 5000), answer(T + 3999), press(T + 4000)]
    assert reasons(judged(events)) == [(2, "too_late")]
    assert reasons(judged(events, clock_ms=T + 1001)) == [(0, "too_late"), (2, "too_late")]


def test_what_is_refused_moves_no_clock():
    """An event of the future leaves the clock where it was for those that follow."""
    result = judged([sale(T + 10**9), sale(T - 500)], [T, T], clock_ms=T)
    assert reasons(result) == [(0, "in_the_future")]
    assert result.clock_ms == T


def test_the_future_comes_first():
    """An event that is both reported as one of the future: the contract's order of reasons."""
    assert reasons(judged([sale(T)], [T - LEAD_MS - 1], clock_ms=T + 5000)) == [(0, "in_the_future")]


def test_nothing_has_no_time():
    """A batch without events keeps the clock."""
    result = judged([], clock_ms=77)
    assert result.rows.size == 0
    assert result[1:] == ([], 77, 0)


@pytest.mark.parametrize("seed", range(5))
def test_the_cut_into_batches_changes_nothing(seed):
    """The log read in batches of any size refuses the same events, and leaves the same clock."""
    chance = random.Random(seed)
    events = [
        chance.choice((press, answer))(T + number * 100 + chance.choice((0, 0, -900, -1500, -5000, 200_000, 400_000)))
        for number in range(120)
    ]
    append_ms = [T + number * 100 for number in range(120)]
    refused, clock_ms = naive(events, append_ms)
    assert {reason for _, reason in refused} == {"too_late", "in_the_future"}
    for size in (1, 7, 120):
        found, late, clock = [], 0, 0
        for start in range(0, 120, size):
            batch = judged(events[start : start + size], append_ms[start : start + size], clock)
            found += [(start + position, reason) for position, reason in reasons(batch)]
            clock = batch.clock_ms
            late += batch.late
        assert (found, clock) == (refused, clock_ms)
        assert late > 0


def naive(events, append_ms):
    """Refused events and the clock, one event after another."""
    refused, clock_ms = [], 0
    for position, (event, appended) in enumerate(zip(events, append_ms, strict=True)):
        if event["ts"] > appended + 300_000:
            refused.append((position, "in_the_future"))
        elif event["ts"] < clock_ms - HORIZON_MS:
            refused.append((position, "too_late"))
        else:
            clock_ms = max(clock_ms, min(event["ts"], appended))
    return refused, clock_ms


def test_what_is_in_time_stays_as_it_is():
    """Every field of the rows, in their order; where nothing is refused they are the very same rows."""
    events = [press(T), sale(T + 10**9), answer(T, answer="no"), sale(T + 5, amount_minor=-7)]
    rows = decoded(events).rows
    result = timely(rows, np.full(4, T, np.int64), 0, HORIZON_MS)
    assert (result.rows == rows[[0, 2, 3]]).all()
    assert reasons(result) == [(1, "in_the_future")]
    assert timely(result.rows, np.full(4, T, np.int64), 0, HORIZON_MS).rows is result.rows


def test_a_reject_says_where_it_lay():
    """By the position of its message, of which others may be gone already."""
    rows = decoded([sale(T), sale(T + 10**9), sale(T - 2000)]).rows
    rows["position"] = [3, 5, 8]
    result = timely(rows, np.full(9, T, np.int64), 0, HORIZON_MS)
    assert reasons(result) == [(5, "in_the_future"), (8, "too_late")]
    assert all(reject.detail for reject in result.rejects)
