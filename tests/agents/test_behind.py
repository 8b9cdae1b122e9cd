"""When a worker says that it is behind: after a while, once a minute, and when it has caught up."""

from faust.types import TP

from agents.behind import AFTER_S, SAID_AGAIN_S, WORTH_SAYING, Behind
from agents.transport import Progress

PRESSES, CALLS = TP("kqi.presses", 3), TP("kqi.calls", 1)


def at(lag, other=0):
    """Return how far two partitions are that lack so many messages."""
    return {PRESSES: Progress(100, 100 + lag, 10), CALLS: Progress(5, 5 + other, 10)}


def test_a_worker_that_is_behind_says_so():
    """With the whole amount, and the place of the most; again after a minute, and the end of it."""
    behind = Behind()
    looks = [(0, at(WORTH_SAYING, 7)), (AFTER_S - 1, at(WORTH_SAYING, 7)), (AFTER_S, at(WORTH_SAYING, 7))]
    *none, first = [behind.update(partitions, now_s) for now_s, partitions in looks]
    assert none == [None, None]
    assert first.sentence == "20,007 messages are not read yet, 20,000 of them of kqi.presses, partition 3"
    assert first.fields == {"topic": "kqi.presses", "partition": 3, "offset": 100, "count": 20_007}
    assert behind.update(at(0, WORTH_SAYING), AFTER_S + SAID_AGAIN_S - 1) is None
    assert behind.update(at(0, WORTH_SAYING), AFTER_S + SAID_AGAIN_S).fields["topic"] == "kqi.calls"
    assert behind.update(at(1), 100).sentence == "caught up, after 100 s"
    assert behind.update(at(1), 101) is None


def test_what_passes_is_not_said():
    """A few messages, or many for a moment, are how a worker lives."""
    behind = Behind()
    lags = [WORTH_SAYING - 1, WORTH_SAYING, 0, WORTH_SAYING, WORTH_SAYING]
    assert [behind.update(at(lag), 9.0 * number) for number, lag in enumerate(lags)] == [None] * 5


def test_partitions_that_are_shared_out_are_no_news():
    """While nothing is assigned nothing is known; then it goes on."""
    behind = Behind()
    assert behind.update(at(WORTH_SAYING), 0) is None
    assert behind.update({}, 5) is None
    assert behind.update(at(WORTH_SAYING), AFTER_S) is not None
