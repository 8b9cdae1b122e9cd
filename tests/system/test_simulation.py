"""Simulated workers: whatever happens to them, what they hold and what they have published follows from the log alone.

`KQI_TEST_FAULTS=long` tries 20,000 schedules instead of 200; `KQI_TEST_SEED=7` begins with the one of that seed.
"""

import asyncio
import os
from collections import Counter

import pytest

from streams.fates import FATES, fates
from streams.outputs import OUTCOMES
from tests.system.schedules import schedule, told
from tests.system.second_lives import LIVES
from tests.system.simulation import Simulation, run, shrunk

COUNT = 20_000 if os.environ.get("KQI_TEST_FAULTS") == "long" else 200
FIRST = int(os.environ.get("KQI_TEST_SEED", "0"))
PARTS = 8


@pytest.mark.parametrize("part", range(PARTS))
def test_random_schedules(part):
    """Crashes, restores, damaged checkpoints, partitions that move, disorder and repeats change nothing in the end."""
    for seed in range(FIRST + part, FIRST + COUNT, PARTS):
        failing = schedule(seed)
        if run(failing):
            small = shrunk(failing, run)
            pytest.fail("\n".join([told(small), *run(small)]))


def test_random_schedules_reach_what_they_are_for():
    """Some dozens of them meet every outcome, most reasons and fates, restored states, and surveys told and withdrawn."""
    met = Counter()
    for seed in range(60):
        simulation = Simulation(schedule(seed))
        asyncio.run(simulation.run())
        broker = simulation.broker
        met.update({survey["outcome"] for survey in broker.surveys.values()})
        met.update({reason for reason, _ in broker.dead_letters.values()})
        met.update(fate for state in simulation.states for fate, count in fates(state).items() if count)
        met["restored"] += any(worker.product.holdings.restored for worker in simulation.workers)
        met["without checkpoints"] += not any(broker.stored.values())
    wanted = {
        *OUTCOMES,
        *FATES,
        "in_the_future",
        "too_late",
        "not_json",
        "wrong_topic",
        "restored",
        "without checkpoints",
    }
    assert wanted <= {what for what, count in met.items() if count > 1}, met


@pytest.mark.parametrize("name", LIVES)
def test_what_was_told_before_a_crash_is_corrected(name):
    """Nothing that a worker told shortly before its end stays on the topic if it turns out otherwise."""
    assert run(LIVES[name]) == []
