"""The rig itself is tested: mistakes put into the product must be noticed by the simulation.

`KQI_TEST_FAULTS=long` tries all of them; otherwise some are drawn anew each time, by a seed that a failure names and
`KQI_TEST_SEED` sets.
"""

import os
import random

import pytest

from tests.system.mutants import MUTANTS, attempt, mistaken

LONG = os.environ.get("KQI_TEST_FAULTS") == "long"
SEED = int(os.environ.get("KQI_TEST_SEED") or random.randrange(10**6))
DRAWN = MUTANTS if LONG else random.Random(SEED).sample(MUTANTS, 4)


def test_there_are_enough():
    """In every part of the product, and no two are the same."""
    assert len({mutant[:3] for mutant in MUTANTS}) == len(MUTANTS) >= 50
    assert {mutant.path.split("/")[0] for mutant in MUTANTS} == {"kernels", "streams", "agents"}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.path}: {mutant.breaks}")
def test_mutants_follow_the_product(mutant):
    """Each mistake can be made: its text is there, once, and what comes of it is a program."""
    compile(mistaken(mutant), mutant.path, "exec")


def test_the_product_passes():
    """What catches mutants takes a copy without a mistake for good."""
    outcome = attempt(schedules=30)
    assert not outcome.is_caught, outcome.by


@pytest.mark.parametrize("mutant", DRAWN, ids=lambda mutant: f"{mutant.path}: {mutant.breaks}")
def test_mutants_are_caught(mutant):
    """None of the mistakes goes unnoticed."""
    assert attempt(mutant).is_caught, f"{mutant} was not noticed (drawn with KQI_TEST_SEED={SEED})"
