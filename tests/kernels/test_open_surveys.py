"""Surveys that wait: the earliest first, whatever came between."""

import random
from itertools import pairwise

import pytest

from kernels.open_surveys import MOST_LEFT_BEHIND
from tests.kernels.machine import Machine, retention

T = 10**12
PANELS = 100
PAUSE_MS = 60_000  # longer than an answer window


@pytest.mark.parametrize("seed", range(6))
def test_sweeps_at_any_time_leave_open_surveys_in_order(seed):
    """The earliest come first, in line and in the heap, whichever rows went away and came."""
    chance = random.Random(seed)
    machine = Machine(panels=40)
    open_since = {}
    for number in range(12):
        for panel in chance.sample(range(40), 15):
            open_since[panel] = T + number * 50_000 + chance.randrange(20_000)
            machine.sellers((open_since[panel], f"s{number}-{panel}", panel))
        oldest_ms = T + number * 50_000 - chance.randrange(150_000)
        machine.sweep(retention(press_ms=oldest_ms))
        machine.waiting()
        open_since = {panel: ts_ms for panel, ts_ms in open_since.items() if ts_ms >= oldest_ms}
        assert {panel for panel in range(40) if "undecided" in machine.roles(panel).values()} == set(open_since)


def test_the_line_does_not_wander():
    """However many were taken out of it, it begins anew, and who waits keeps their place."""
    machine = Machine(panels=PANELS)
    begins = []
    for number in range(MOST_LEFT_BEHIND // PANELS * 2):
        at_ms = T + number * PAUSE_MS
        machine.sellers(*((at_ms + panel, f"{number}-{panel}", panel) for panel in range(PANELS)))
        machine.advance(at_ms + PAUSE_MS // 2 + 1 + PANELS // 2)  # half of them have become silent
        assert sorted(machine.waiting()["ts_ms"] - at_ms) == list(range(PANELS // 2 + 1, PANELS))
        begins.append(machine.size("OPEN_BEGIN"))
    assert max(begins) <= MOST_LEFT_BEHIND + PANELS
    assert any(later < earlier for earlier, later in pairwise(begins))
