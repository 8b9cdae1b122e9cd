"""Rolling windows against the obvious version."""

import random

import numpy as np
import pytest

from kernels import layout
from kernels.layout import CALL, NONE, SALE, VISIT
from kernels.windows import BUCKETS, _add, in_reach
from tests.kernels import naive
from tests.kernels.machine import Machine, rules

T = 10**12
WINDOWS = [(1, 7, 180), (100, 101, 99), (15, 60, 43_200), (1,)]


def totals(machine, window):
    """The counters of a window that are not zero: {(entity, counter): sum}."""
    held = machine.tables.totals[:, window]
    return {(int(entity), int(counter)): int(held[entity, counter]) for entity, counter in np.argwhere(held)}


def sums(amount):
    """The halves of an amount."""
    return amount & 0xFFFFFFFF, amount >> 32


def visits(ts_ms, office, count):
    """What a visit adds, as `naive.windows` takes it."""
    low, high = sums(count)
    parts = ((layout.VISITS, 1), (layout.VISITORS_LOW, low), (layout.VISITORS_HIGH, high))
    return [(ts_ms, office, counter, value) for counter, value in parts]


@pytest.mark.parametrize("minutes", WINDOWS)
@pytest.mark.parametrize("seed", range(3))
def test_windows_hold_their_buckets(minutes, seed):
    """Facts come in any order while time goes on in steps of all sizes, edges of buckets among them."""
    chance = random.Random(seed)
    machine = Machine(rules(*minutes), offices=3, panels=3)
    buckets_ms = machine.rules.bucket_ms.tolist()
    happened = []
    now_ms = T
    machine.advance(now_ms)
    for step in range(80):
        bucket_ms = chance.choice(buckets_ms)
        now_ms = max(
            now_ms, (now_ms // bucket_ms + chance.choice((0, 1, 1, 5, 61))) * bucket_ms + chance.choice((-1, 0, 1))
        )
        machine.advance(now_ms)
        facts = []
        for _ in range(chance.randrange(6)):
            bucket_ms = chance.choice(buckets_ms)
            edge_ms = (now_ms // bucket_ms - chance.choice((0, 1, 59, 60, 61))) * bucket_ms + chance.choice((-1, 0, 1))
            facts.append((min(now_ms, edge_ms), chance.randrange(1, 9), chance.randrange(3)))
        if facts:
            machine.facts(VISIT, *facts)
        for ts_ms, count, office in facts:
            happened += visits(ts_ms, office, count)
        if step % 5 == 0:
            machine.sweep()
        for window, bucket in enumerate(buckets_ms):
            assert totals(machine, window) == naive.windows(happened, bucket, now_ms)


@pytest.mark.parametrize("minutes", WINDOWS)
def test_surveys_leave_as_they_came(minutes):
    """Surveys of two employees, settled before and after, are counted by employee and office and leave with their buckets."""
    machine = Machine(rules(*minutes), employees=2)
    happened = []
    for number in range(40):
        ts_ms = T + number * 45_000
        machine.advance(ts_ms + 2)
        machine.sellers((ts_ms, f"s{number}", 0, number % 2, number % 3))
        machine.customers((ts_ms + 1, f"c{number}", 0, number % 3))
        code = layout.survey_code(number % 3, number % 3, 0)
        happened += [(ts_ms, 0, code, 1), (ts_ms, 1 + number % 2, code, 1)]
        for window, bucket_ms in enumerate(machine.rules.bucket_ms.tolist()):
            assert totals(machine, window) == naive.windows(happened, bucket_ms, ts_ms + 2)
    machine.advance(T + 10**11)
    assert not machine.tables.totals.any()


def test_calls_are_counted_by_their_flags():
    """Every counter of a call, for its office, its employee and its queue."""
    machine = Machine(rules(15), employees=2)
    machine.advance(T)
    offered, answered, in_time = layout.CALL_OFFERED, layout.CALL_ANSWERED, layout.CALL_IN_TIME
    machine.facts(
        CALL,
        (T, 5000, 0, 1, 2, 900, 700, offered | answered | in_time),
        (T, 25_000, 0, 1, NONE, 90, 70, offered | answered),
        (T, 4000, 0, NONE, 2, 0, 0, offered | layout.CALL_ABANDONED_SHORT),
        (T, 40_000, 0, NONE, NONE, 1, 0, offered | layout.CALL_ABANDONED_LATE),
        (T, 3000, 0, 1, NONE, 9, 7, answered | in_time),
        (T, 3000, 0, NONE, NONE, 2, 2, layout.CALL_ABANDONED_LATE),
    )
    names = (
        "CALLS",
        "OFFERED",
        "ANSWERED_INBOUND",
        "ANSWERED",
        "ANSWERED_IN_TIME",
        "ABANDONED_LATE",
        "ABANDONED_SHORT",
    )
    names += ("WAIT_MS", "HANDLE_MS", "TALK_MS")
    held = machine.tables.totals[:, 0]
    counted = [[int(held[entity, getattr(layout, name)]) for name in names] for entity in range(3)]
    assert counted == [
        [6, 4, 2, 3, 1, 1, 1, 30_000, 1002, 779],
        [3, 2, 2, 3, 1, 0, 0, 30_000, 999, 777],
        [2, 2, 1, 1, 1, 0, 1, 5000, 900, 700],
    ]
    machine.advance(T + 10**9)
    assert not machine.tables.totals.any()


def test_sales_are_counted_by_their_sign():
    """Every sale is an event, positive ones are sales and tickets, and all of them are revenue."""
    machine = Machine(rules(15))
    machine.advance(T)
    machine.facts(SALE, (T, 500, 0, 1), (T, 0, 0, 1), (T, -200, 0, NONE), (T, 2**40))
    held = machine.tables.totals[:, 0]
    names = ("SALE_EVENTS", "SALES", "REVENUE_LOW", "REVENUE_HIGH", "TICKETS_LOW", "TICKETS_HIGH")
    counted = [[int(held[entity, getattr(layout, name)]) for name in names] for entity in range(2)]
    assert counted == [[4, 2, 300, 256, 500, 256], [2, 1, 500, 0, 500, 0]]


@pytest.mark.parametrize("seed", range(3))
def test_halves_of_a_sum_stay_in_place(seed):
    """The low half lies in 0 .. 2**32 - 1 after every step, and both are exact beyond 64 bits."""
    chance = random.Random(seed)
    counters = np.zeros(2, np.int64)
    amounts = [
        chance.choice((-1, 1, -(2**63), 2**63 - 1, 2**32, -(2**32) - 1, chance.getrandbits(40))) for _ in range(500)
    ]
    total = 0
    for amount in amounts:
        _add(counters, 0, 1, amount, 1)
        total += amount
        assert 0 <= counters[0] < 2**32
        assert int(counters[1]) * 2**32 + int(counters[0]) == total
    for amount in amounts[::-1]:
        _add(counters, 0, 1, amount, -1)
    assert not counters.any()


@pytest.mark.parametrize("minutes", WINDOWS)
def test_reach_is_that_of_any_window(minutes):
    """An instant is in reach while one of the windows holds it."""
    machine = Machine(rules(*minutes))
    for now_ms in (T, T + 777_777, T + 5_555_555):
        machine.advance(now_ms)
        for bucket_ms in machine.rules.bucket_ms.tolist():
            for ago in (59, 60, 61):
                for ts_ms in (edge + (now_ms // bucket_ms - ago) * bucket_ms for edge in (-1, 0, 1)):
                    held = any(ts_ms // each > now_ms // each - BUCKETS for each in machine.rules.bucket_ms.tolist())
                    assert in_reach(machine.tables, machine.rules, ts_ms) == held


def test_a_leap_costs_one_round_of_the_calendar():
    """After a leap of years the calendars are empty, and a later round of the ring finds nothing of the one before."""
    machine = Machine(rules(1, 60), offices=1)
    machine.advance(T)
    machine.facts(VISIT, *((T - number * 1000, 1) for number in range(3000)))
    machine.sellers(*((T - number * 2000, f"s{number}", 0, 0) for number in range(1000)))
    machine.advance(T + 10 * 365 * 86_400_000)
    assert not machine.tables.totals.any()
    now_ms = machine.size("NOW_MS")
    for _ in range(200):
        now_ms += 60_000
        machine.advance(now_ms)
        machine.facts(VISIT, (now_ms, 1))
    assert machine.tables.totals[0, :, layout.VISITS].tolist() == [1, 60]
    in_calendar = int((machine.tables.fact_calendar != NONE).sum())
    assert in_calendar <= 60 + 2


def test_time_does_not_run_backwards():
    """An earlier instant moves nothing."""
    machine = Machine(rules(1))
    machine.advance(T)
    machine.facts(VISIT, (T, 1))
    low = machine.tables.window_low.copy()
    machine.advance(T - 10**6)
    assert (machine.tables.window_low == low).all()
    assert machine.size("NOW_MS") == T
    assert totals(machine, 0) == {(0, layout.VISITS): 1, (0, layout.VISITORS_LOW): 1}
