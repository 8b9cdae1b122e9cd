"""When a batch is taken for lost, and when a log is."""

import pytest
from faust.types import TP

from agents.losses import LogLostError, Losses

PRESSES = TP("presses", 0)


def checks(losses, count, *, awaited, position, dropped=0):
    """Return how many of some checks say that the partition has to be read again."""
    return sum(
        losses.check({PRESSES: awaited}, {PRESSES: position}, {PRESSES: dropped}) == [PRESSES] for _ in range(count)
    )


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
    """As long as the gate drops nothing, the batch may be in a queue behind a slow one."""
    assert checks(Losses(), 300, awaited=5, position=9) == 100


def test_a_log_that_brings_something_else_is_lost():
    """Three times read again and each time something else: the log does not have it, and that is said."""
    losses = Losses()
    assert checks(losses, 3, awaited=500, position=10, dropped=4) == 1  # dropped before it was read again
    assert checks(losses, 3, awaited=500, position=10, dropped=5) == 1
    assert checks(losses, 1, awaited=500, position=500, dropped=5) == 0  # just sought
    assert checks(losses, 3, awaited=500, position=10, dropped=6) == 1
    with pytest.raises(LogLostError, match="The log of presses, partition 0, does not have the offset 500 "):
        checks(losses, 3, awaited=500, position=10, dropped=7)


def test_partitions_that_were_let_go_are_forgotten():
    """What was watched in one assignment does not count in the next."""
    losses = Losses()
    checks(losses, 2, awaited=5, position=9)
    assert losses.check({}, {}, {}) == []
    assert checks(losses, 2, awaited=5, position=9) == 0
