"""Rolling windows against the obvious version."""

import random

import numpy as np
import pytest

from kernels import layout
from kernels.events import ABANDONED_CALL, ANSWERED_CALL, INBOUND, OTHER_DIRECTION
from kernels.layout import NONE, REVENUE_HIGH, REVENUE_LOW, SALE, SURVEY_CODES, VISIT
from kernels.windows import BUCKETS, _add, in_reach
from tests.kernels import naive
from tests.kernels.machine import Machine, rules

T = 10**12
WINDOWS = [(1, 7, 180), (100, 101, 99), (15, 60, 43_200), (1,)]


def totals(machine, window):
    """The counters of a window that are not zero: {(entity, counter): sum}."""
    held = machine.totals[:, window]
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
    assert not machine.totals.any()


def test_calls_are_counted_by_their_flags():
    """Every counter of a call, for its office, its employee and its queue."""
    machine = Machine(rules(15), employees=2)
    machine.advance(T)
    machine.calls(
        (T, 5000, 1, 2, 900, 700, INBOUND, ANSWERED_CALL),
        (T, 25_000, 1, NONE, 90, 70, INBOUND, ANSWERED_CALL),
        (T, 4000, NONE, 2, 0, 0, INBOUND, ABANDONED_CALL),
        (T, 40_000, NONE, NONE, 1, 0, INBOUND, ABANDONED_CALL),
        (T, 3000, 1, NONE, 9, 7, OTHER_DIRECTION, ANSWERED_CALL),
        (T, 30_000, NONE, NONE, 2, 2, OTHER_DIRECTION, ABANDONED_CALL),
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
    held = machine.totals[:, 0]
    counted = [[int(held[entity, getattr(layout, name)]) for name in names] for entity in range(3)]
    assert counted == [
        [6, 4, 2, 3, 1, 1, 1, 30_000, 1002, 779],
        [3, 2, 2, 3, 1, 0, 0, 30_000, 999, 777],
        [2, 2, 1, 1, 1, 0, 1, 5000, 900, 700],
    ]
    machine.advance(T + 10**9)
    assert not machine.totals.any()


def test_sales_are_counted_by_their_sign():
    """Every sale is an event, positive ones are sales and tickets, and all of them are revenue."""
    machine = Machine(rules(15))
    machine.advance(T)
    machine.facts(SALE, (T, 500, 0, 1), (T, 0, 0, 1), (T, -200, 0, NONE), (T, 2**40))
    held = machine.totals[:, 0]
    names = ("SALE_EVENTS", "SALES", "REVENUE_LOW", "REVENUE_HIGH", "TICKETS_LOW", "TICKETS_HIGH")
    counted = [[int(held[entity, getattr(layout, name)]) for name in names] for entity in range(2)]
    assert counted == [[4, 2, 300, 256, 500, 256], [2, 1, 500, 0, 500, 0]]


@pytest.mark.parametrize("seed", range(3))
def test_halves_of_a_sum_stay_in_place(seed):
    """The low half lies in 0 .. 2**32 - 1 after every step, both are exact beyond 64 bits, and no other sum is touched."""
    chance = random.Random(seed)
    machine = Machine(rules(15, 60))
    edges = (-1, 1, -(2**63), 2**63 - 1, 2**32, 2**32 - 1, -(2**32), -(2**32) - 1, chance.getrandbits(40))
    amounts = [chance.choice(edges) for _ in range(500)]
    total = 0
    low, high = REVENUE_LOW - SURVEY_CODES, REVENUE_HIGH - SURVEY_CODES
    held = machine.tables.fact_sums[1, 1]
    for amount in amounts:
        _add(machine.tables, 1, REVENUE_LOW, 1, amount, 1)
        total += amount
        assert 0 <= held[low] < 2**32
        assert int(held[high]) * 2**32 + int(held[low]) == total
    assert np.count_nonzero(machine.tables.fact_sums) <= 2
    for amount in chance.sample(amounts, len(amounts)):
        _add(machine.tables, 1, REVENUE_LOW, 1, amount, -1)
    assert not machine.tables.fact_sums.any()


@pytest.mark.parametrize("seed", range(3))
def test_amounts_of_any_size_leave_as_they_came(seed):
    """Revenue, tickets and visitors are exact across both halves in every window while facts come and leave."""
    chance = random.Random(seed)
    machine = Machine(rules(1, 7), employees=1)
    edges = (2**32 - 1, 2**32, 2**32 + 1, 2**31, 2**63 - 1, 1)
    now_ms = T
    for _ in range(60):
        now_ms += chance.randrange(20_000)
        machine.advance(now_ms)
        amounts = [chance.choice((-1, 1)) * chance.choice(edges) for _ in range(3)]
        machine.facts(SALE, *((now_ms - chance.randrange(5000), amount, 0, 1) for amount in amounts))
        machine.facts(VISIT, *((now_ms - chance.randrange(5000), amount) for amount in amounts))
        facts = machine.tables.facts[: machine.size("FACTS")]
        for window, bucket_ms in enumerate(machine.rules.bucket_ms.tolist()):
            held = facts[facts["ts_ms"] // bucket_ms > now_ms // bucket_ms - 60]
            sales = held["amount"][held["kind"] == SALE].tolist()
            visitors = held["amount"][held["kind"] == VISIT].tolist()
            expected = [sum(sales), sum(each for each in sales if each > 0), sum(visitors)]
            assert [whole(machine, 0, window, name) for name in ("REVENUE", "TICKETS", "VISITORS")] == expected
            assert [whole(machine, 1, window, name) for name in ("REVENUE", "TICKETS", "VISITORS")] == [
                *expected[:2],
                0,
            ]
    machine.advance(T + 10**9)
    assert not machine.totals.any()


def whole(machine, entity, window, name):
    """A sum put together from its halves."""
    low, high = (int(machine.totals[entity, window, getattr(layout, f"{name}_{half}")]) for half in ("LOW", "HIGH"))
    assert 0 <= low < 2**32
    return high * 2**32 + low


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
                    assert in_reach(machine.tables, ts_ms) == held


def test_a_leap_costs_one_round_of_the_calendar():
    """After a leap of years the calendars are empty, and a later round of the ring finds nothing of the one before."""
    machine = Machine(rules(1, 60), offices=1)
    machine.advance(T)
    machine.facts(VISIT, *((T - number * 1000, 1) for number in range(3000)))
    machine.sellers(*((T - number * 2000, f"s{number}", 0, 0) for number in range(1000)))
    machine.advance(T + 10 * 365 * 86_400_000)
    assert not machine.totals.any()
    now_ms = machine.size("NOW_MS")
    for _ in range(200):
        now_ms += 60_000
        machine.advance(now_ms)
        machine.facts(VISIT, (now_ms, 1))
    assert machine.totals[0, :, layout.VISITS].tolist() == [1, 60]
    in_calendar = int((machine.tables.fact_calendar != NONE).sum())
    assert in_calendar <= 60 + 2


def test_time_does_not_run_backwards():
    """An earlier instant moves nothing."""
    machine = Machine(rules(1))
    machine.advance(T)
    machine.facts(VISIT, (T, 1))
    begin_ms = machine.tables.window_begin_ms.copy()
    machine.advance(T - 10**6)
    assert (machine.tables.window_begin_ms == begin_ms).all()
    assert machine.size("NOW_MS") == T
    assert totals(machine, 0) == {(0, layout.VISITS): 1, (0, layout.VISITORS_LOW): 1}


@pytest.mark.parametrize("minutes", WINDOWS)
def test_a_window_begins_where_its_first_bucket_does(minutes):
    """At instant 0 and at every other."""
    machine = Machine(rules(*minutes))
    buckets_ms = machine.rules.bucket_ms.tolist()
    assert machine.tables.window_begin_ms.tolist() == [-59 * bucket_ms for bucket_ms in buckets_ms]
    for now_ms in (1, T, T + 777_777, T + 5_555_555):
        machine.advance(now_ms)
        expected = [(now_ms // bucket_ms - 59) * bucket_ms for bucket_ms in buckets_ms]
        assert machine.tables.window_begin_ms.tolist() == expected


def test_what_leaves_one_window_stays_in_the_others():
    """Surveys and facts of all kinds, the oldest of which lie in the longest window only."""
    machine = Machine(rules(1, 7, 60))
    machine.advance(T)
    ages_ms = [0, 59_000, 61_000, 400_000, 430_000, 3_500_000]
    machine.facts(VISIT, *((T - age_ms, 1) for age_ms in ages_ms))
    machine.sellers(*((T - age_ms, f"s{age_ms}", 0) for age_ms in ages_ms))
    machine.customers(*((T - age_ms, f"c{age_ms}", 0) for age_ms in ages_ms))
    code = layout.survey_code(layout.PERSONNEL, layout.YES, 0)
    for counter in (layout.VISITS, code):
        assert machine.totals[0, :, counter].tolist() == [2, 4, 6]
    machine.advance(T + 60_000)
    for counter in (layout.VISITS, code):
        assert machine.totals[0, :, counter].tolist() == [0, 3, 6]
    assert machine.totals[1, :, code].tolist() == [0, 3, 6]
