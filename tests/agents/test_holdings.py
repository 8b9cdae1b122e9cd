"""How partitions are taken over: whose states are kept, and from where on logs count as read."""

import asyncio
from types import SimpleNamespace

import pytest
from faust.types import TP

from agents.checkpoints import Restored
from agents.fetching import LogStart
from agents.holdings import Holdings
from agents.told_log import Heard
from streams.configuration import configure
from streams.engine import Engine

TOPICS = {"kqi.presses": "presses", "kqi.verdicts": "verdicts"}


class Checkpoints:
    """Has one of each partition, and remembers which were asked for."""

    def __init__(self, engine):
        self.asked = []
        self._engine = engine

    async def keep(self, numbers):
        """Do nothing: nobody else writes any."""

    async def restore(self, numbers):
        """Tell of presses up to offset 7, and of surveys up to 5."""
        self.asked += sorted(numbers)
        return {number: Restored(self._engine.new_partition(), {"presses": 7}, 5) for number in numbers}


class ToldLog:
    """Has nothing, and remembers from where it was read."""

    def __init__(self):
        self.starts = []

    async def read(self, starts):
        """Tell nothing."""
        self.starts.append(dict(starts))
        return {number: Heard({}, 9) for number in starts}


@pytest.fixture
def holdings():
    """Return the holdings of a worker that is alone."""
    engine = Engine(configure())
    telemetry = SimpleNamespace(restore_seconds=SimpleNamespace(set=lambda _: None))
    outputs = SimpleNamespace(told_until={})
    return Holdings(engine, TOPICS, outputs, ToldLog(), Checkpoints(engine), telemetry)


def logs(end=20, committed=12, numbers=(0,)):
    """Return what is known of partitions."""
    return {TP(topic, number): LogStart(0, end, committed) for topic in TOPICS for number in numbers}


def test_a_state_is_kept_once_it_has_begun(holdings):
    """A checkpoint is read once, however often partitions are shared out."""

    async def live():
        for _ in range(3):
            await holdings.hold({0})
            await holdings.begin(logs())

    asyncio.run(live())
    assert holdings._checkpoints.asked == [0]
    assert holdings._told_log.starts == [{0: 5}, {0: 9}, {0: 9}]


def test_a_state_that_never_began_is_restored_again(holdings):
    """What others told since its checkpoint was not read back yet: from where on, only the checkpoint knows."""

    async def live():
        await holdings.hold({0})  # and others come, before it begins
        await holdings.hold({0, 1})
        await holdings.begin(logs(numbers=(0, 1)))

    asyncio.run(live())
    assert holdings._checkpoints.asked == [0, 0, 1]
    assert holdings._told_log.starts == [{0: 5, 1: 5}]


@pytest.mark.parametrize(("committed", "mark"), [(12, 12), (20, 20), (21, 0), (None, 0)])
def test_what_was_committed_beyond_the_end_is_of_another_log(holdings, committed, mark):
    """Nothing of the log that there is now has been told; and nobody waits for offsets that may never come."""

    async def live():
        await holdings.hold({0})
        await holdings.begin(logs(committed=committed))

    asyncio.run(live())
    assert holdings.owned[0].marks == dict.fromkeys(TOPICS.values(), mark)


def test_everything_can_be_told_anew(holdings):
    """Nothing is taken for published any more."""

    async def live():
        await holdings.hold({0})
        before = holdings.owned[0].published
        holdings.tell_all_anew()
        assert holdings.owned[0].published is not before

    asyncio.run(live())
