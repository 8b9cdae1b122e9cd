"""Messages in one buffer."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streams.messages import Messages, detached

values = st.lists(st.none() | st.binary(max_size=20), max_size=10)


@given(values, st.integers(0, 10), st.integers(0, 10))
def test_they_are_what_they_were(some, begin, end):
    """Each is there, null ones and empty ones are told apart, and a cut is one of a list."""
    messages = Messages.of(some)
    assert messages.size == len(some)
    assert list(messages.all()) == [messages.at(position) for position in range(len(some))] == some
    assert list(messages.cut(begin, end).all()) == some[begin:end]
    assert not messages.buffer.flags.writeable


@given(values, st.integers(0, 10), st.integers(0, 10))
def test_detached_they_are_the_same(some, begin, end):
    """Detached from what else lay in the buffer, they are the same and no others are kept."""
    messages = Messages.of([b"before", *some, b"behind"])
    keys, others = messages.cut(begin + 1, end + 1), messages.cut(begin + 1, begin + 2)
    first, second = detached(keys, others)
    assert list(first.all()) == list(keys.all())
    assert list(second.all()) == list(others.all())
    assert first.buffer is second.buffer
    assert not first.buffer.flags.writeable
    assert not np.shares_memory(first.buffer, messages.buffer)
    assert first.buffer.size <= sum(map(len, filter(None, [*first.all(), *second.all()])))


def test_nothing_detached():
    """There may be nothing to keep."""
    (nothing,) = detached(Messages.of([None, b""]))
    assert (list(nothing.all()), nothing.buffer.size) == ([None, b""], 0)


def test_some_of_them():
    """Few or many, in the order asked for, from a cut as well."""
    some = [b"one", None, b"", b"four", b"\xff" * 300]
    messages = Messages.of(some)
    for positions in ([], [4], [1, 0], [4, 3, 2, 1, 0]):
        assert messages.some(np.array(positions, np.int32)) == [some[position] for position in positions]
    assert messages.cut(1, 4).some(np.array([0, 2])) == [None, b"four"]
