"""Records found in their bytes: all of them, and nothing outside of them, whatever they are damaged to."""

import random
import struct
import types

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels import checksum, record_batches
from kernels.record_batches import DAMAGED, find_plain, find_records
from tests.stored import (
    CONTROL,
    LOG_APPEND_TIME,
    TRANSACTIONAL,
    Record,
    crc32c,
    encode,
    record_bytes,
    records_bytes,
    varint,
)

BASE_MS = 1_700_000_000_000
some_bytes = st.none() | st.binary(max_size=200)
headers = st.lists(st.tuples(st.binary(max_size=5), some_bytes), max_size=3).map(tuple)


@st.composite
def stored_records(draw):
    """Draw records with ascending offsets and times before and after the base."""
    steps = draw(st.lists(st.integers(1, 300), max_size=20))
    deltas = np.cumsum(steps, dtype=int) - 1
    return [
        Record(
            int(delta), BASE_MS + draw(st.integers(-(2**40), 2**40)), draw(some_bytes), draw(some_bytes), draw(headers)
        )
        for delta in deltas
    ]


def find(content, rows, first_offset=0, *, kernel=find_records, around=b""):
    """Return the records that the kernel finds, as a list, or DAMAGED.

    `rows` are (begin, end, count, base offset, last delta, base ms, own times); `around` surrounds the content.
    """
    buffer = np.frombuffer(around + content + around, np.uint8)
    table = np.array([(begin + len(around), end + len(around), *others) for begin, end, *others in rows], np.int64)
    out = [np.full(sum(row[2] for row in rows), -99, np.int64) for _ in range(6)]
    found = kernel(buffer, table.reshape(-1, 7), first_offset, *out)
    if found == DAMAGED:
        return DAMAGED
    offsets, times_ms, *places = (column[:found].tolist() for column in out)
    key_starts, key_lengths, starts, lengths = places
    for begin, length in (*zip(key_starts, key_lengths, strict=True), *zip(starts, lengths, strict=True)):
        assert length >= -1
        assert len(around) <= begin <= begin + max(length, 0) <= len(around) + len(content)
    keys, values = (
        [None if length < 0 else buffer[begin : begin + length].tobytes() for begin, length in zip(*each, strict=True)]
        for each in ((key_starts, key_lengths), (starts, lengths))
    )
    return list(zip(offsets, times_ms, keys, values, strict=True))


def row(content, count, last_delta, base=0, *, begin=0, own_times=1):
    """Return the row of records that are the whole content."""
    return begin, begin + len(content), count, base, last_delta, BASE_MS, own_times


@settings(deadline=None)
@given(st.lists(stored_records(), min_size=1, max_size=3), st.integers(0, 2000), st.booleans())
def test_finds_what_was_written(sets, first_offset, own_times):
    """Of several sets in one buffer, with anything between them, each record from the first wanted on is found."""
    content, rows, expected = b"", [], []
    for number, records in enumerate(sets):
        base = number * 10_000
        written = records_bytes(records, BASE_MS)
        last_delta = records[-1].delta if records else 0
        rows.append(row(written, len(records), last_delta + number, base, begin=len(content), own_times=own_times))
        content += written + b"\xff" * 61
        expected += [
            (base + each.delta, each.time_ms if own_times else BASE_MS, each.key, each.value)
            for each in records
            if base + each.delta >= first_offset
        ]
    assert find(content, rows, first_offset) == expected


def test_no_records_at_all():
    """Nothing was stored, or compaction took it."""
    assert find(b"", []) == []
    assert find(b"", [row(b"", 0, 5)]) == []


WHOLE = Record(3, BASE_MS - 70, b"key", b"value", ((b"h", b"x"), (b"", None)))


@pytest.mark.parametrize(
    ("what", "content"),
    {
        "cut off": record_bytes(WHOLE, BASE_MS)[:-1],
        "with something behind": record_bytes(WHOLE, BASE_MS) + b"\0",
        "shorter than its length": varint(30) + record_bytes(WHOLE, BASE_MS)[1:],
        "longer than its length": varint(8) + record_bytes(WHOLE, BASE_MS)[1:],
        "of no length": varint(0),
        "of a negative length": varint(-8) + b"\0" * 7,
        "a length without an end": b"\xff" * 30,
        "a length beyond all numbers": varint(2**63 - 1) + b"\0" * 20,
        "a key beyond its end": varint(8) + b"\0\0" + varint(3) + varint(9) + b"\0" * 4,
        "a key of any length": varint(16) + b"\0\0" + varint(3) + varint(2**62) + b"\0" * 4,
        "a value beyond its end": varint(8) + b"\0\0" + varint(3) + varint(-1) + varint(4) + b"\0" * 3,
        "a value up to its end": varint(8) + b"\0\0" + varint(3) + varint(-1) + varint(3) + b"\0" * 3,
        "fewer headers than said": varint(7) + b"\0\0" + varint(3) + varint(-1) * 2 + varint(1) + b"\0",
        "headers less than none": varint(6) + b"\0\0" + varint(3) + varint(-1) * 2 + varint(-1),
        "a header without a name": varint(8) + b"\0\0" + varint(3) + varint(-1) * 2 + varint(1) + varint(-1) + b"\0",
        "a header beyond its end": varint(8) + b"\0\0" + varint(3) + varint(-1) * 2 + varint(1) + b"\0" + varint(1),
        "an offset before the first": record_bytes(WHOLE._replace(delta=-1), BASE_MS),
        "an offset behind the last": record_bytes(WHOLE._replace(delta=4), BASE_MS),
    }.items(),
)
def test_damaged(what, content):
    """What the format does not allow is not read."""
    assert find(content, [row(content, 1, 3)], around=b"\x01" * 99) == DAMAGED


def test_offsets_have_to_ascend():
    """No two records have one offset."""
    twice = record_bytes(WHOLE, BASE_MS) * 2
    assert find(twice, [row(twice, 2, 3)]) == DAMAGED
    assert find(twice, [row(twice, 1, 3)]) == DAMAGED  # a record more than said
    assert find(twice[: len(twice) // 2], [row(twice[: len(twice) // 2], 2, 3)]) == DAMAGED  # one less


def with_bounds_checked(function, *parts):
    """Return a kernel, and the ones that it is made of, compiled so that reading outside of the buffer is an error."""
    if not hasattr(function, "py_func"):  # nothing is compiled: numpy itself checks
        return function
    own = {part.py_func.__name__: with_bounds_checked(part) for part in parts}
    variables = function.py_func.__globals__ | own
    return numba.njit(boundscheck=True)(types.FunctionType(function.py_func.__code__, variables))


@pytest.fixture(scope="module")
def checked():
    """Return `find_records` with its bounds checked."""
    return with_bounds_checked(find_records, record_batches._varint)


def test_damage_is_never_followed_outside(checked):
    """Whatever random damage makes of records, only their own bytes are read, and decide what comes out."""
    chance = random.Random(1)
    outcomes = set()
    for _ in range(20_000):
        records = [
            Record(
                delta,
                BASE_MS + chance.randrange(-300, 300),
                chance.choice([None, b"", b"key", b"k" * 70]),
                chance.choice([None, b"", b"value", b"v" * 200]),
                chance.choice([(), ((b"h", None), (b"name", b"x" * 9))]),
            )
            for delta in range(chance.randrange(1, 4))
        ]
        content = bytearray(records_bytes(records, BASE_MS))
        for _ in range(chance.randrange(1, 4)):
            content[chance.randrange(len(content))] = chance.choice([0, 1, 127, 128, 255, chance.randrange(256)])
        del content[len(content) - chance.choice([0, 0, 0, chance.randrange(len(content))]) :]
        rows = [row(content, chance.choice([len(records), len(records), 1, 5]), 3)]
        found = find(bytes(content), rows, kernel=checked)
        for around in (b"\0" * 80, b"\x7f" * 80, b"\xff" * 80):
            assert find(bytes(content), rows, around=around) == found
        outcomes.add(found == DAMAGED)
    assert outcomes == {True, False}


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 4))
def test_any_bytes_are_read_in_bounds(checked, content, count):
    """Bytes that never were records are read within their bounds, too."""
    assert find(content, [row(content, count, 3)], kernel=checked) == find(
        content, [row(content, count, 3)], around=b"\x02" * 70
    )


def plain(answer, begin=0, *, records=10**9, size=10**9, checks=True, room=50, kernel=find_plain):
    """Return the rows that the kernel finds, where it stops, and the records and bytes that it counts."""
    stored = np.full((room, 7), -99, np.int64)
    found, *others = kernel(np.frombuffer(answer, np.uint8), begin, records, size, checks, stored)
    return stored[:found].tolist(), *others


def plain_as_documented(answer, begin=0, *, records=10**9, size=10**9, checks=True, room=50):
    """Return the same by the book."""
    rows, at, count, total = [], begin, 0, 0
    while len(rows) < room and len(answer) - at >= 61:
        base, length, _, magic, crc, attributes, last, base_ms, greatest_ms, _, _, _, number = struct.unpack_from(
            ">qiibIhiqqqhii", answer, at
        )
        end = at + 12 + length
        own = length - 49
        if own < 0 or end > len(answer) or magic != 2 or attributes & 0x37 or not 0 <= 7 * number <= own:
            break
        if rows and (count + number > records or total + own > size):
            break
        if checks and crc32c(answer[at + 21 : end]) != crc:
            break
        own_times = not attributes & LOG_APPEND_TIME
        rows.append([at + 61, end, number, base, last, base_ms if own_times else greatest_ms, int(own_times)])
        at, count, total = end, count + number, total + own
    return rows, at, count, total


def some_answer(chance):
    """Return an answer of a few stored batches, most of them plain."""
    parts = []
    for number in range(chance.randrange(5)):
        some = [Record(each, chance.randrange(-5, 2**40), b"k", b"v" * each) for each in range(chance.randrange(4))]
        attributes = chance.choice([0, 0, 0, LOG_APPEND_TIME, CONTROL, TRANSACTIONAL])
        compression = chance.choice(["none", "none", "none", "lz4"])
        base = number * 10 + chance.choice([0, 2**40])
        parts.append(encode(some, base, attributes=attributes, compression=compression))
    return b"".join(parts)[: chance.choice([10**9, 10**9, chance.randrange(300)])]


def test_plain_ones_are_found():
    """What can be read at once is told from what cannot, up to a number of records, of bytes, and the room."""
    chance = random.Random(2)
    most = 0
    for _ in range(1000):
        answer = some_answer(chance)
        limits = {"records": chance.choice([1, 4, 10**9]), "size": chance.choice([1, 40, 10**9])}
        limits["room"] = chance.choice([2, 50])
        expected = plain_as_documented(answer, **limits)
        assert plain(answer, **limits) == expected
        most = max(most, len(expected[0]))
    assert most >= 3


def test_damaged_headers_are_read_in_bounds():
    """Whatever is damaged, the kernel stops where it is not what it should be, and reads nothing outside of the answer."""
    chance = random.Random(3)
    checked = with_bounds_checked(find_plain, record_batches._integer, checksum.checksum)
    stopped = 0
    for _ in range(3000):
        answer = bytearray(some_answer(chance) or encode([]))
        for _ in range(chance.randrange(3)):
            answer[chance.randrange(len(answer))] = chance.choice([0, 1, 127, 128, 255])
        checks = chance.choice([True, False])
        expected = plain_as_documented(bytes(answer), checks=checks)
        assert plain(bytes(answer), checks=checks, kernel=checked) == expected
        stopped += expected[1] < len(answer)
    assert 300 < stopped < 2700
