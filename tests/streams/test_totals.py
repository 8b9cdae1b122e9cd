"""Counters as rows, and whose have changed."""

import random

import numpy as np

from kernels.layout import (
    COUNTERS,
    REQUEST_BEGIN,
    REQUEST_CODES,
    SCORE_BEGIN,
    SCORE_CODES,
    SURVEY_CODES,
    WORK_BEGIN,
    WORK_CODES,
)
from streams.totals import Counters, KeptCounters

WINDOWS = 2


def counters(entities, rows):
    """Counters that are all zero."""
    return Counters(
        np.zeros((entities, SURVEY_CODES, WINDOWS), np.int32),
        np.zeros((entities, WINDOWS, SCORE_BEGIN - SURVEY_CODES), np.int64),
        np.zeros(entities, np.int32),
        np.zeros((rows, WINDOWS, SCORE_CODES), np.int32),
        np.zeros(entities, np.int32),
        np.zeros((rows, WINDOWS, REQUEST_CODES), np.int64),
        np.zeros(entities, np.int32),
        np.zeros((rows, WINDOWS, WORK_CODES), np.int64),
    )


def changed(kept, now):
    """Whose differ, checked: before and now are told of these alone."""
    found, before, after = kept.take(now, np.zeros(now.score_rows.size, np.bool_))
    assert before.shape == after.shape == (found.size, WINDOWS, COUNTERS)
    assert np.array_equal(after, now.totals(found))
    assert (before != after).any(axis=(1, 2)).all()
    return found.tolist()


def test_a_row_has_every_counter_in_its_place():
    """Those of surveys turned round, scores, requests and time at work from their own rows, zeros for who has none."""
    held = counters(3, 2)
    held.survey_counts[1, 5, 1] = 7
    held.fact_sums[2, 0, 3] = 2**40
    held.score_rows[1] = 1
    held.score_counts[1, 0, 2] = 9
    held.request_rows[2] = 1
    held.request_sums[1, 1, 4] = 2**50
    held.work_rows[0] = 1
    held.work_sums[1, 0, 2] = 2**40
    totals = held.totals()
    assert totals.shape == (3, WINDOWS, COUNTERS)
    assert totals[1, 1, 5] == 7
    assert totals[2, 0, SURVEY_CODES + 3] == 2**40
    assert totals[1, 0, SCORE_BEGIN + 2] == 9
    assert totals[2, 1, REQUEST_BEGIN + 4] == 2**50
    assert totals[0, 0, WORK_BEGIN + 2] == 2**40
    assert np.count_nonzero(totals) == 5
    assert np.array_equal(held.totals(np.array([2, 1])), totals[[2, 1]])


def test_any_counter_that_differs_is_found():
    """As it changes, of old and of new entities, those with scores or requests and those without."""
    chance = random.Random(1)
    kept = KeptCounters()
    now = counters(4, 3)
    now.score_rows[2], now.score_rows[0] = 1, 2
    now.request_rows[0], now.request_rows[3] = 1, 2
    assert changed(kept, now) == []
    for _ in range(40):
        entity = chance.randrange(4)
        table = chance.choice((now.survey_counts, now.fact_sums, now.score_counts, now.request_sums))
        if table is now.score_counts:
            entity = chance.choice((0, 2))
            table[now.score_rows[entity], 1, chance.randrange(SCORE_CODES)] += 1
        elif table is now.request_sums:
            entity = chance.choice((0, 3))
            table[now.request_rows[entity], 1, chance.randrange(REQUEST_CODES)] -= 1
        else:
            table[entity, chance.randrange(table.shape[1]), chance.randrange(table.shape[2])] -= 1
        assert changed(kept, now) == [entity]
        assert changed(kept, now) == []
    more = counters(9, 5)
    for old, new in zip(now, more, strict=True):
        new[: old.shape[0]] = old
    more.score_rows[7], more.score_counts[3, 0, 0] = 3, 1
    more.fact_sums[8, 0, 0] = 1
    assert changed(kept, more) == [7, 8]


def test_others_are_told_with_those_that_differ():
    """As before and as now, which is the same."""
    kept = KeptCounters()
    now = counters(4, 3)
    now.fact_sums[1, 0, 0] = 5
    assert changed(kept, now) == [1]
    now.fact_sums[3, 1, 2] = 7
    found, before, after = kept.take(now, np.array([False, True, False, False]))
    assert found.tolist() == [1, 3]
    assert before[0].tolist() == after[0].tolist() == now.totals(np.array([1]))[0].tolist()
    assert before[1].sum() == 0
    assert after[1].sum() == 7
