"""The way of a batch as benchmarks take it, and the stopwatches on it."""

import time
from types import SimpleNamespace

import pytest

from benchmarks import pipeline as p
from benchmarks.pipeline import STAGES, Pipeline, Stage, StageTimer, fetch, stored, stored_presses
from benchmarks.workload import generate


def test_stored_records_come_out_as_they_went_in():
    """Keys, values and offsets."""
    batch = fetch(stored("presses", 7, [b"a", b"b"], [b"1", b"2"]))
    assert (list(batch.keys.all()), list(batch.values.all()), batch.offsets.tolist()) == (
        [b"a", b"b"],
        [b"1", b"2"],
        [7, 8],
    )


def test_wrong_counts_are_noticed():
    """A result that lacks one message, or was made of another workload, fails."""
    workload, other = (generate(200, employees=10, offices=2, days=1.0, seed=seed) for seed in (1, 2))
    whole, short = Pipeline(), Pipeline()
    whole.feed_all(stored_presses(workload))
    whole.check_surveys(workload)
    with pytest.raises(AssertionError, match="counts of surveys"):
        whole.check_surveys(other)
    short.feed_all(stored_presses(workload, 1))
    with pytest.raises(AssertionError, match="counts of surveys"):
        short.check_surveys(workload)


def test_every_stage_takes_time():
    """All of them are on the way: a function that was renamed or is called from elsewhere would be missed."""
    timer, workload = StageTimer(), generate(200, employees=10, offices=2)
    with timer.watching():
        Pipeline().feed_all(stored_presses(workload))
    assert {stage.name for stage in STAGES} == {name for name, seconds in timer.seconds.items() if seconds > 0}


def test_a_stage_within_a_stage_counts_once():
    """The time of the inner one is not the outer one's, and functions are put back."""
    module = SimpleNamespace(inner=lambda: time.sleep(0.05), outer=lambda: (module.inner(), time.sleep(0.01)))
    stages = [Stage("outer", "", ((module, "outer"),)), Stage("inner", "", ((module, "inner"),))]
    timer, before = StageTimer(), module.inner
    with timer.watching(stages):
        module.outer()
    assert module.inner is before
    assert timer.seconds["inner"] >= 0.05 > timer.seconds["outer"] >= 0.01


def test_functions_of_stages_exist():
    """The table names what there is."""
    for stage in STAGES:
        for module, name in stage.functions:
            assert callable(getattr(module, name))
    assert set(p.KERNELS) <= {stage.name for stage in STAGES}
