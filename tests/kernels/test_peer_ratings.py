"""Counters of ratings between departments."""

import random

import numpy as np

from kernels import layout
from kernels.peer_ratings import GIVEN, SUM
from kernels.storage import with_peer_groups
from tests.kernels.machine import Machine, fact, rules

T = 10**9
MINUTE_MS = 60_000
WINDOWS = (15, 60)


def machine(groups=3):
    """A machine with groups and two employees."""
    made = Machine(rules(*WINDOWS), employees=2)
    made.tables = with_peer_groups(made.tables, groups)
    return made


def scored(ts_ms, group, score, text):
    """A score, as if it were an event of its own."""
    return fact(layout.PEER_RATING, ts_ms, score, text, queue=group)


def sums(machine):
    """How many and how much of each group in each window."""
    return machine.tables.peer_sums[: machine.size("PEER_GROUPS")].tolist()


def by_hand(given, now_ms, groups=3):
    """The same, from a list of (instant, group, score)."""
    expected = np.zeros((groups, len(WINDOWS), 2), int)
    for window, minutes in enumerate(WINDOWS):
        bucket_ms = minutes * 1000
        for ts_ms, group, score in given:
            if now_ms // bucket_ms - 60 < ts_ms // bucket_ms and ts_ms <= now_ms and group != layout.NONE:
                expected[group, window, GIVEN] += 1
                expected[group, window, SUM] += score
    return expected.tolist()


def test_scores_come_and_go():
    """In any order, before and after sweeps, as time goes on, the sums are those of the windows; in the end there is nothing."""
    chance = random.Random(4)
    held = machine()
    given = []
    now_ms = T
    for step in range(40):
        now_ms += chance.choice((0, 20_000, 5 * MINUTE_MS, 11 * MINUTE_MS))
        held.advance(now_ms)
        some = [
            (now_ms - chance.randrange(70 * MINUTE_MS), chance.choice((0, 1, 2, layout.NONE)), chance.randint(0, 10))
            for _ in range(chance.randrange(6))
        ]
        given += some
        held.apply(*(scored(*each, f"{step}-{number}") for number, each in enumerate(some)))
        if chance.random() < 0.3:
            held.sweep()
        assert sums(held) == by_hand(given, now_ms)
    held.advance(now_ms + 70 * MINUTE_MS)
    assert not np.any(sums(held))


def test_a_repeat_counts_once_with_all_behind_it():
    """What stands behind a rating is admitted and refused with it."""
    held = machine()
    held.advance(T)
    rows = [
        scored(T, 0, 1, "r"),
        fact(layout.SCORED, T, 7, "any", queue=1),
        fact(layout.SCORED, T, 4, "any", queue=2),
        fact(layout.VOTED, T, 0, "any", employee=1),
        fact(layout.VOTED, T, 0, "any", employee=2),
    ]
    assert held.apply(*rows) == 0
    assert held.apply(*rows) == 1
    assert sums(held) == [[[1, 1]] * 2, [[1, 7]] * 2, [[1, 4]] * 2]
    assert held.totals[:, :, layout.PEER_VOTES].tolist() == [[0, 0], [1, 1], [1, 1]]
    held.advance(T + 16 * MINUTE_MS)
    assert sums(held) == [[[0, 0], [1, 1]], [[0, 0], [1, 7]], [[0, 0], [1, 4]]]
    assert held.totals[:, :, layout.PEER_VOTES].tolist() == [[0, 0], [0, 1], [0, 1]]


def test_new_groups_have_nothing():
    """Those that were there keep their sums, however many come."""
    held = machine(1)
    held.advance(T)
    held.apply(scored(T, 0, 9, "a"))
    for groups in (2, 500):
        held.tables = with_peer_groups(held.tables, groups)
        assert sums(held) == [[[1, 9]] * 2] + [[[0, 0]] * 2] * (groups - 1)
