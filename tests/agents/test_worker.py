"""A worker by itself: what becomes of it when a state breaks, and for how long it may send."""

from types import SimpleNamespace

import pytest

from agents.gate import Gate
from agents.metrics import refresh_gauges
from agents.owned import Owned
from agents.worker import Worker
from streams.clock import WallClock
from streams.configuration import configure


class Batches:
    """As much of the transport as is asked for."""

    unconfirmed_s = 0.0

    def __init__(self):
        self.gate = Gate()
        self.fail = self.gate.fail

    def progress(self):
        """Nothing has been read."""
        return {}


@pytest.fixture
def worker():
    """Return a worker that owns a partition."""
    made = Worker(configure(), 1)
    made.app = SimpleNamespace(batches=Batches())
    made.holdings.owned = {0: Owned(0, made.engine.new_partition(), WallClock())}
    made.assigned = True
    return made


def test_a_broken_state_is_told_to_nobody(worker, monkeypatch):
    """Half of a step may have been done: nothing is told, stored or delivered any more, and the worker ends, whoever it happens to."""
    worker.pass_time()
    assert worker.outputs._is_member()

    def fails(*_arguments, **_options):
        raise MemoryError("no room for tables")

    with monkeypatch.context() as broken:
        broken.setattr(worker.engine, "step", fails)
        with pytest.raises(MemoryError):
            worker.pass_time()  # a scrape's, perhaps, which tells nobody but its client
    with pytest.raises(MemoryError, match="no room for tables"):
        worker.pass_time()
    assert worker.app.batches.gate.failed
    assert not worker.outputs._is_member()


@pytest.mark.parametrize(("unconfirmed_s", "may_send"), [(0, True), (7.5, True), (7.6, False), (15, False)])
def test_nothing_is_sent_that_might_arrive_too_late(worker, unconfirmed_s, may_send):
    """After 15 s of silence others have taken over; a message may be under way for half of that."""
    worker.app.batches.unconfirmed_s = unconfirmed_s
    assert worker.outputs._is_member() is may_send
    assert worker.confirmed
    assert worker.outputs._patience_s == 7.5


@pytest.mark.parametrize(("unconfirmed_s", "in_touch"), [(0, 1), (16, 0)])
def test_who_restores_is_in_touch(worker, unconfirmed_s, in_touch):
    """The group knows it, whatever it has to read: nobody is to look for a broker that is away."""
    worker.assigned = False
    worker.app.batches.unconfirmed_s = unconfirmed_s
    refresh_gauges(worker)
    assert worker.telemetry.in_touch._value.get() == in_touch
