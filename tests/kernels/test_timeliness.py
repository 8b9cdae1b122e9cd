"""What comes too late or from the future, one event after another."""

import random

import numpy as np
import pytest

from kernels.events import EVENT_ROW
from kernels.timeliness import IN_THE_FUTURE, IN_TIME, LEAD_MS, SHIFT, TOO_LATE, judge_times

T = 10**12
HORIZON_MS = 1000
SALE = 4


def rows_of(instants, kinds=None, positions=None):
    """Events at instants."""
    rows = np.zeros(len(instants), EVENT_ROW)
    rows["ts_ms"] = instants
    rows["kind"] = SALE if kinds is None else kinds
    rows["position"] = np.arange(len(instants)) if positions is None else positions
    return rows


def judged(instants, append_ms, clock_ms=0, horizon_ms=HORIZON_MS, **others):
    """What is judged of each, the clock after them, and how many lie behind."""
    verdicts = np.full(len(instants), 77, np.int8)
    clock_ms, behind = judge_times(
        rows_of(instants, **others), np.array(append_ms, np.int64), clock_ms, horizon_ms, verdicts
    )
    return verdicts.tolist(), clock_ms, behind


def naive(instants, kinds, append_ms, clock_ms):
    """The obvious version of `judged`."""
    verdicts, behind = [], 0
    for ts_ms, kind, appended_ms in zip(instants, kinds, append_ms, strict=True):
        if kind != SHIFT and ts_ms - appended_ms > 300_000:
            verdicts.append(IN_THE_FUTURE)
        elif clock_ms - ts_ms > HORIZON_MS:
            verdicts.append(TOO_LATE)
        else:
            verdicts.append(IN_TIME)
            behind += clock_ms > ts_ms
            clock_ms = max(clock_ms, min(ts_ms, appended_ms))
    return verdicts, clock_ms, behind


@pytest.mark.parametrize("seed", range(10))
def test_a_random_log(seed):
    """Every edge a millisecond either side, shifts and slow brokers among them."""
    chance = random.Random(seed)
    instants, kinds, append_ms = [], [], []
    for number in range(300):
        append_ms.append(T + number * 100 + chance.choice((0, 0, -5000, 7000)))
        edge = chance.choice((0, -HORIZON_MS, LEAD_MS, 10 * LEAD_MS)) + chance.choice((-1, 0, 1))
        instants.append(append_ms[-1] + edge)
        kinds.append(chance.choice((SALE, SALE, SHIFT)))
    clock_ms = chance.choice((0, T, T + 10_000))
    assert judged(instants, append_ms, clock_ms, kinds=kinds) == naive(instants, kinds, append_ms, clock_ms)


def test_an_event_has_the_append_time_of_its_message():
    """By its place in the batch, of which others may have been refused before."""
    append_ms = [0, T, 0, T + 10**9, 0]
    assert judged([T, T + 10**9], append_ms, positions=[1, 3])[0] == [IN_TIME, IN_TIME]
    assert judged([T, T + 10**9], append_ms, positions=[3, 1])[0] == [IN_TIME, IN_THE_FUTURE]


def test_the_greatest_instants_do_not_overflow():
    """Neither the latest event nor the longest horizon."""
    latest_ms = 2**53 - 1
    assert judged([latest_ms], [latest_ms]) == ([IN_TIME], latest_ms, 0)
    assert judged([0], [T], clock_ms=T, horizon_ms=2**62) == ([IN_TIME], T, 1)
    assert judged([], [], clock_ms=5) == ([], 5, 0)


@pytest.mark.parametrize("appended_ms", [2**63 - 1, 2**63 - LEAD_MS])
def test_append_times_are_whatever_senders_give(appended_ms):
    """Where the sender's time is the log's, the greatest there is makes no event one of the future."""
    assert judged([T, T + 1], [appended_ms, appended_ms]) == ([IN_TIME, IN_TIME], T + 1, 0)
    assert judged([T], [-(2**63)]) == ([IN_THE_FUTURE], 0, 0)
