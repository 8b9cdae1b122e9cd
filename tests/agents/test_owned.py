"""A partition that a worker owns: what is read again, quietly, and what waits until that is done."""

import numpy as np

from agents.gate import PartitionBatch
from agents.owned import Owned, cut
from streams.clock import WallClock
from streams.configuration import configure
from streams.engine import Engine
from streams.messages import Messages


def batch(topic, first, count):
    """Return a batch of so many records from an offset on, whose values are their offsets."""
    offsets = np.arange(first, first + count)
    both = Messages.of([b"k%d" % offset for offset in offsets])
    keys, values = (both._replace(starts=both.starts + cut, lengths=both.lengths - cut) for cut in (0, 1))
    return PartitionBatch(topic, 0, first, first + count, 100, offsets, offsets, keys, values)


def taken(owned, each):
    """Hand a batch to a partition and apply what it lets through; return the offsets, by topic, in order."""
    found = []
    for part in owned.parts(each, each.topic):
        found.append((part.topic, part.offsets.tolist()))
        owned.next_offsets[part.topic] = part.next_offset
    return found


def owned_with(**marks):
    """Return a partition with these marks, to be read from its beginning."""
    owned = Owned(0, Engine(configure()).new_partition(), WallClock())
    for topic in ("presses", "verdicts"):
        owned.start(topic, 0, marks.get(topic, 0))
    return owned


def test_a_batch_is_cut_at_an_offset():
    """The parts have all records between them, and follow each other without a gap."""
    first, second = cut(batch("presses", 10, 5), 12)
    assert (first.base_offset, first.next_offset, second.base_offset, second.next_offset) == (10, 12, 12, 15)
    assert (list(first.values.all()), list(second.values.all())) == ([b"10", b"11"], [b"12", b"13", b"14"])
    assert [*first.offsets, *second.offsets] == [*first.append_ms, *second.append_ms] == list(range(10, 15))
    assert [list(part.keys.all()) for part in (first, second)] == [[b"k10", b"k11"], [b"k12", b"k13", b"k14"]]


def test_a_batch_is_not_cut_at_its_ends():
    """Where the offset does not lie inside, the batch stays whole."""
    whole = batch("presses", 10, 5)
    for offset in (0, 10, 15, 16):
        assert cut(whole, offset) == [whole]


def test_a_batch_with_holes_is_cut():
    """A mark in a hole of a compacted log parts the records before it from those behind it."""
    sparse = batch("presses", 10, 5)._replace(offsets=np.array([10, 11, 20, 21, 22]), next_offset=23)
    assert [part.offsets.tolist() for part in cut(sparse, 15)] == [[10, 11], [20, 21, 22]]


def test_nothing_waits_without_marks():
    """A group that has committed nothing takes everything as it comes."""
    owned = owned_with()
    assert not owned.is_quiet
    assert taken(owned, batch("verdicts", 0, 3)) == [("verdicts", [0, 1, 2])]


def test_what_lies_behind_a_mark_waits_for_the_other_topic():
    """Everything before both marks comes before anything behind one of them, and each topic stays in order."""
    owned = owned_with(presses=4, verdicts=2)
    assert taken(owned, batch("verdicts", 0, 3)) == [("verdicts", [0, 1])]
    assert taken(owned, batch("verdicts", 3, 2)) == []
    assert taken(owned, batch("presses", 0, 3)) == [("presses", [0, 1, 2])]
    assert owned.is_quiet
    assert taken(owned, batch("presses", 3, 3)) == [
        ("presses", [3]),
        ("presses", [4, 5]),
        ("verdicts", [2]),
        ("verdicts", [3, 4]),
    ]
    assert not owned.is_quiet
    assert taken(owned, batch("verdicts", 5, 1)) == [("verdicts", [5])]


def test_a_new_assignment_reads_again_what_waited():
    """What waits when the partition is assigned anew is read again from where its topic has got to."""
    owned = owned_with(presses=4, verdicts=2)
    taken(owned, batch("verdicts", 0, 3))
    assert [owned.start(topic, 0, mark) for topic, mark in (("presses", 4), ("verdicts", 2))] == [0, 2]
    assert taken(owned, batch("verdicts", 2, 1)) == []
    assert taken(owned, batch("presses", 0, 4)) == [("presses", [0, 1, 2, 3]), ("verdicts", [2])]


def test_marks_beyond_the_end_of_a_log_hold_nothing_back():
    """Once everything has been read, what comes is new, even where a log was made anew and is shorter than its mark."""
    owned = owned_with(presses=40)
    taken(owned, batch("presses", 0, 3))
    assert owned.is_quiet
    taken(owned, batch("verdicts", 0, 2))
    assert owned.is_quiet
    owned.caught_up()
    assert not owned.is_quiet
    assert [part.offsets.tolist() for part in owned.released()] == [[0, 1]]
    assert taken(owned, batch("presses", 3, 1)) == [("presses", [3])]


def test_what_waited_comes_before_what_follows_it():
    """When nothing has to wait any more, what did comes first, so that its topic stays in order."""
    owned = owned_with(presses=40)
    taken(owned, batch("verdicts", 0, 2))
    owned.caught_up()
    assert taken(owned, batch("verdicts", 2, 1)) == [("verdicts", [0, 1]), ("verdicts", [2])]


def test_what_waits_does_not_hold_on_to_what_it_came_with():
    """Waiting may take long: only the messages themselves are kept, not the buffer that they share with many others."""
    owned = owned_with(presses=4, verdicts=1000)
    whole = batch("verdicts", 0, 1003)
    apart = batch("verdicts", 1003, 2)
    apart = apart._replace(keys=Messages.of([None, b"k"]), values=Messages.of([b"v", None]))
    taken(owned, whole)
    taken(owned, apart)
    assert [list(part.values.all()) for part in owned.waiting] == [[b"1000", b"1001", b"1002"], [b"v", None]]
    assert [list(part.keys.all()) for part in owned.waiting] == [[b"k1000", b"k1001", b"k1002"], [None, b"k"]]
    for part in owned.waiting:
        for kept in (part.offsets, part.append_ms, *part.keys, *part.values):
            assert kept.nbytes < 30
            assert kept.base is None or kept.base.nbytes < 30
            assert not np.shares_memory(kept, whole.values.buffer)


def test_no_more_waits_than_may(monkeypatch):
    """A batch that would have to wait has no room where enough waits; one that need not is taken, and so is the rest then."""
    monkeypatch.setattr("agents.owned.MOST_WAITING_BYTES", 1000)
    owned = owned_with(verdicts=5)
    first = 0
    while owned.has_room(each := batch("presses", first, 5), "presses"):
        assert taken(owned, each) == []
        first += 5
    assert 5 <= first < 100
    assert owned.has_room(batch("verdicts", 0, 5), "verdicts")
    released = taken(owned, batch("verdicts", 0, 5))
    assert [offset for topic, offsets in released if topic == "presses" for offset in offsets] == list(range(first))
    assert owned.has_room(each, "presses")
