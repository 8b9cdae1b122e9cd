"""Whatever comes in, the indices are those of what counts of it, and everything else is counted and lies where it can be found.

KQI_TEST_FAULTS=long lets more come in (`make faults`); KQI_TEST_SEED=n repeats a run with its seed.
"""

import os
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.system import inputs
from tests.system.company import Company
from tests.system.poison import KINDS
from tests.topics import PARTITIONS

pytestmark = pytest.mark.kafka

LONG = os.environ.get("KQI_TEST_FAULTS") == "long"
SEED = int(os.environ.get("KQI_TEST_SEED") or time.time())
# What comes in, how much of it in short, how much in the long form.
INPUTS = [
    (inputs.duplicates, 10_000, 1_000_000),
    (inputs.disorder, 10_000, 1_000_000),
    (inputs.out_of_time, 100, 10_000),
    (inputs.all_poison, 5, 200),
]
NAMES_MAX = 200
FLOOD_EVENT_BYTES = 900  # of memory for each event of a flood: a new employee with indices takes 4,000
MARGIN_BYTES = 128 * 2**20


@pytest.fixture(scope="module")
def company(cluster):
    """Return a quiet company of one worker that shows all there is."""
    with Company(cluster, SEED, workers=0, quiet=True) as company:
        company.start_worker(metrics_max_series=10**8, names_max=10**6)
        yield company


@pytest.mark.parametrize(("come", "short", "long"), [pytest.param(*each, id=each[0].__name__) for each in INPUTS])
def test_all_that_comes_in_is_judged_right(company, come, short, long):
    """Surveys, series, dead letters and the clock are right to the last one, and the worker's counts are those of the truth."""
    assert not company.broken, "by what came before"
    before = told(company.truth)
    effect = come(company, long if LONG else short)
    assert company.differences() == []
    after = told(company.truth)
    assert after.duplicates - before.duplicates >= effect.duplicates
    assert after.rejects - before.rejects >= effect.rejects
    assert after.misrouted - before.misrouted >= effect.misrouted
    seen = company.wait_until_read()
    assert seen("kqi_worker_duplicate_events_total") == after.duplicates
    assert seen("kqi_worker_misrouted_events_total") == after.misrouted
    assert {reason: seen("kqi_worker_dead_letters_total", reason=reason) for reason in after.rejects} == after.rejects


def told(truth):
    """Return what has been found in the log so far."""
    duplicates = sum(truth.fates[partition, "duplicate"] for partition in range(PARTITIONS))
    return inputs.Effect(duplicates, Counter(truth.rejects.values()), len(truth.astray))


def test_there_are_fifty_kinds_of_poison():
    """At the least."""
    assert len(KINDS) >= 50


def test_a_flood_of_new_names_is_bounded(cluster):
    """Memory and series are, offices and surveys are exact, and so is everyone who is shown; the service goes on."""
    number = 1_000_000 if LONG else 10_000
    with Company(cluster, SEED, workers=0, quiet=True) as company:
        worker = company.start_worker(names_max=NAMES_MAX)
        company.require_answer()
        before_bytes = resident_bytes(worker)
        inputs.flood(company, number)
        grown_bytes = resident_bytes(worker) - before_bytes
        company.require_answer()
        assert company.differences() == []
        seen = worker.scrape()
        named = {(each["office"], each.get("employee"), each.get("queue")) for each in map(dict, labels_of(seen))}
        flooded = [each for each in named if each[0] in company.truth.flooded and each[1:] != (None, None)]
        assert 0 < len(flooded) <= PARTITIONS * NAMES_MAX
        nameless = seen("kqi_worker_nameless_events_total")
        assert number - PARTITIONS * NAMES_MAX <= nameless <= number
        assert "has no room for more employees and queues of office flooded" in worker.output
        assert grown_bytes < MARGIN_BYTES + FLOOD_EVENT_BYTES * number


def labels_of(seen):
    """Return the labels of all series of indices."""
    return [labels for _, labels in seen.indices]


def resident_bytes(worker):
    """Return how much memory a worker takes."""
    (line,) = [each for each in Path(f"/proc/{worker.pid}/status").read_text().splitlines() if each.startswith("VmRSS")]
    return int(line.split()[1]) * 1024
