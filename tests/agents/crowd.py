"""Partitions full of employees who did something of everything, without the events that would have led there."""

import time

import numpy as np

from kernels.layout import CALLS, OFFERED, SALE_EVENTS, SURVEY_CODES, VISITS
from streams.engine import Engine
from streams.partition import Partition
from tests.streams.feeding import Feed, caught_up_clock
from tests.streams.happenings import call

EMPLOYEES_AN_OFFICE = 20
LONG_AGO_MS = 1_600_000_000_000


def crowd(engine: Engine, employees: int, partitions: int = 1, *, seed: int = 0) -> list[Partition]:
    """Return partitions of so many employees each, in offices of twenty, with a value in every series of theirs.

    Their names are known from calls of so long ago that no window holds them; their counters are made up. The windows
    stand at the present.
    """
    chance = np.random.default_rng(seed)
    made = []
    for number in range(partitions):
        feed = Feed(clock=caught_up_clock(time.time_ns() // 1_000_000))
        feed.engine = engine
        feed.partition = engine.new_partition()
        feed.step(
            call(
                LONG_AGO_MS, office_id=f"office-{number}-{each // EMPLOYEES_AN_OFFICE}", employee_id=f"employee-{each}"
            )
            for each in range(employees)
        )
        surveys, facts = feed.partition.tables.survey_counts, feed.partition.tables.fact_sums
        surveys[...] = chance.integers(1, 50, surveys.shape)
        facts[...] = chance.integers(1, 50, facts.shape)
        facts[..., OFFERED - SURVEY_CODES] += 100  # more than were answered in time or abandoned
        totals = engine.evaluation.totals(feed.partition)
        assert totals[..., (CALLS, SALE_EVENTS, VISITS)].all()
        made.append(feed.partition)
    return made
