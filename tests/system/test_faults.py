"""Nothing is lost, nothing is counted twice: a company under load, what may happen to it, and the truth afterwards.

Companies go on from fault to fault, so that what one of them has spoilt may show after another. KQI_TEST_FAULTS=long
lets everything strike more often (`make faults`); KQI_TEST_SEED=n repeats a run with its seed, as far as processes and
clocks let themselves be repeated.
"""

import os
import time

import pytest

from tests.system import checkpoint_faults, faults
from tests.system.company import Company
from tests.system.network import Condition

pytestmark = pytest.mark.kafka

LONG = os.environ.get("KQI_TEST_FAULTS") == "long"
SEED = int(os.environ.get("KQI_TEST_SEED") or time.time())
# How each company lives, and what strikes it: the fault, how often in short, how often in the long form.
COMPANIES = {
    "long ago": {"workers": 2},
    "checkpoints": {"workers": 2},
    "live": {"workers": 2, "live": True},
    "behind a network": {"workers": 2, "proxied": True},
}
SPOILT = (
    checkpoint_faults.damaged,
    checkpoint_faults.truncated,
    checkpoint_faults.of_another_version,
    checkpoint_faults.missing,
)
FAULTS = [
    ("long ago", faults.kill, 3, 50),
    ("long ago", faults.stop, 2, 20),
    ("long ago", faults.storm, 5, 60),
    ("live", faults.kill_broker, 1, 10),
    ("live", faults.fill_disk, 1, 10),
    ("live", faults.freeze_broker, 1, 10),
    ("live", faults.restart_brokers, 1, 10),
    ("live", faults.freeze_worker, 1, 10),
    *(("checkpoints", checkpoint_faults.die_when(step), 1, 10) for step in checkpoint_faults.STEPS),
    *(("checkpoints", checkpoint_faults.spoil(how), 1, 20) for how in SPOILT),
    *(("behind a network", faults.disturb(each), 1, 5) for each in Condition if each is not Condition.WHOLE),
]


@pytest.fixture(scope="module")
def companies(cluster):
    """Return a function from the name of a company to the one that lives; no two of them live at a time."""
    living = {}

    def end():
        for company in living.values():
            company.__exit__(None, None, None)
        living.clear()

    def company(name):
        if name not in living or living[name].broken:
            end()
            living[name] = Company(cluster, SEED, **COMPANIES[name]).__enter__()
        return living[name]

    yield company
    end()


@pytest.mark.parametrize(
    ("company", "fault", "short", "long"),
    [pytest.param(*each, id=f"{each[0]}-{each[1].__name__}") for each in FAULTS],
)
def test_nothing_is_lost_and_nothing_is_counted_twice(companies, company, fault, short, long):
    """After a fault the service answers again, and all that it has told is right to the last survey."""
    company = companies(company)
    company.broken = True  # until it is known that it is not: who is spoilt must not tell of other faults
    try:
        fault(company, long if LONG else short)
    finally:
        company.cluster.mend()
    differences = company.differences()
    assert not differences, "\n".join(differences)
    company.broken = False
