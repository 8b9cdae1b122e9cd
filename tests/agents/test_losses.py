"""When a batch is taken for lost, and when a log is."""

import pytest
from faust.types import TP

from agents.losses import LogLostError, Losses

PRESSES = TP("presses", 0)


def checks(losses, count, *, awaited, position):
    """Return how many of some checks say that the partition has to be read again."""
    return sum(losses.check({PRESSES: awaited}, {PRESSES: position}) == [PRESSES] for _ in range(count))


def test_nothing_is_lost_where_the_reader_stands_at_the_next_batch():
    """A partition that waits for records is not behind."""
    assert checks(Losses(), 100, awaited=5, position=5) == 0


def test_a_batch_without_progress_is_lost_at_the_third_check():
    """Two checks are given to it to arrive; then it is read again, every third check."""
    losses = Losses()
    assert [checks(losses, 1, awaited=5, position=9) for _ in range(6)] == [0, 0, 1, 0, 0, 1]


def test_progress_begins_the_count_anew():
    """A slow partition that moves is not lost."""
    losses = Losses()
    assert sum(checks(losses, 2, awaited=offset, position=99) for offset in range(20)) == 0


def test_a_batch_that_only_waits_is_never_hopeless():
    """As long as the reader stands behind the batch, it may be in a queue after a slow one."""
    assert checks(Losses(), 300, awaited=5, position=9) == 100


def test_a_log_that_begins_anew_is_lost():
    """Where the reader stands before the offset three times after it was sent there, the log does not have it."""
    losses = Losses()
    assert checks(losses, 3, awaited=500, position=10) == 1  # it was not sent there yet
    assert checks(losses, 3, awaited=500, position=10) == 1
    assert checks(losses, 1, awaited=500, position=500) == 0  # just sought
    assert checks(losses, 3, awaited=500, position=0) == 1
    with pytest.raises(LogLostError, match="The log of presses, partition 0, does not have the offset 500 "):
        checks(losses, 3, awaited=500, position=10)


def test_partitions_that_were_let_go_are_forgotten():
    """What was watched in one assignment does not count in the next."""
    losses = Losses()
    checks(losses, 2, awaited=5, position=9)
    assert losses.check({}, {}) == []
    assert checks(losses, 2, awaited=5, position=9) == 0
