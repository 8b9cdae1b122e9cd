"""Moments in order of time, and finding the first of them since an instant; what signs are is held against the report."""

import random

import numpy as np
import pytest

from kernels.moments import MOMENT_ROW, first_since, order_moments
from tests.kernels.machine import Machine, seller

T = 1_000_000


def moments_of(instants, rows=None):
    """Return moments of some instants, of rows 0, 1, ... if not told."""
    moments = np.zeros(len(instants), MOMENT_ROW)
    moments["ts_ms"] = instants
    moments["row"] = range(len(instants)) if rows is None else rows
    return moments


@pytest.mark.parametrize("seed", range(20))
def test_moments_of_each_entity_stand_in_order(seed):
    """Presses by (instant, id), facts by instant and then as they came; those of other entities stay what they are."""
    chance = random.Random(seed)
    machine = Machine(panels=40, employees=1)
    instants = [T + chance.randrange(chance.choice((1, 5, 1000))) for _ in range(40)]
    ids = [f"{chance.choice('abc')}{chance.choice(('', 'x', 'yy'))}{number % 7}" for number in range(40)]
    ids = [f"{each}{number}" for number, each in enumerate(ids)]
    machine.apply(*(seller(ts_ms, each, panel) for panel, (ts_ms, each) in enumerate(zip(instants, ids, strict=True))))
    if seed % 4 == 0:
        instants.sort()
    ends = np.array(sorted([0, 40, *(chance.randrange(41) for _ in range(3))]), np.int64)
    presses, facts = moments_of(machine.tables.presses["ts_ms"][:40]), moments_of(instants)
    begin, end = sorted(chance.sample(range(5), 2))
    order_moments(machine.tables, begin, end, ends, presses, ends, facts, np.zeros(40, MOMENT_ROW))
    expected_presses, expected_facts = list(range(40)), list(range(40))
    for entity in range(begin, end):
        own = slice(*ends[entity : entity + 2])
        rows = machine.tables.presses["ts_ms"].tolist()
        expected_presses[own] = sorted(expected_presses[own], key=lambda row: (rows[row], ids[row].encode()))
        expected_facts[own] = sorted(expected_facts[own], key=lambda row: instants[row])
    assert presses["row"].tolist() == expected_presses
    assert facts["row"].tolist() == expected_facts


@pytest.mark.parametrize("seed", range(20))
def test_the_first_since_an_instant(seed):
    """From wherever one looks, up to an end; there may be none."""
    chance = random.Random(seed)
    instants = sorted(chance.randrange(30) for _ in range(chance.randrange(20)))
    moments = moments_of(instants)
    for begin in range(len(instants) + 1):
        for end in range(begin, len(instants) + 1):
            for ts_ms in range(-1, 32):
                right = next((at for at in range(begin, end) if instants[at] >= ts_ms), end)
                assert first_since(moments, begin, end, ts_ms) == right
