"""From a broker's answer to partition batches, without a broker: here, and by aiokafka where it is left to it."""

import struct
from itertools import pairwise
from types import SimpleNamespace

import pytest
from aiokafka.consumer.fetcher import READ_COMMITTED, READ_UNCOMMITTED, FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException, UnsupportedCodecError
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition
from hypothesis import given, settings
from hypothesis import strategies as st

from agents import records, stored
from agents.records import Fetched, FetchedEnd, readable_end
from tests.stored import (
    ABORT,
    CODECS,
    COMMIT,
    CONTROL,
    LOG_APPEND_TIME,
    TRANSACTIONAL,
    Record,
    encode,
    record_bytes,
)

PRESSES = TopicPartition("presses", 3)


def simple(base, count, *, value=b"value", deltas=None, **options):
    """Return the bytes of records stored together, with keys that tell their offsets and times from 1000 on."""
    some = [
        Record(delta, 1000 + index, b"key %d" % (base + delta), value)
        for index, delta in enumerate(range(count) if deltas is None else deltas)
    ]
    return encode(some, base, **options)


def marker(base, key, producer):
    """Return the marker of a transaction's end."""
    return encode([Record(0, 0, key, b"\0" * 6)], base, attributes=CONTROL | TRANSACTIONAL, producer=producer)


def aiokafka_records(answer, position=0, aborted=None, crc=True, isolation=READ_COMMITTED):
    """Return aiokafka's reader of an answer."""
    return PartitionRecords(PRESSES, MemoryRecords(answer), aborted, position, None, None, crc, isolation)


def fetched(answer, *, brings=True, end=1000, **options):
    """Return what takes the place of aiokafka's reader; it has the bytes only if the answer `brings` them."""
    state = SimpleNamespace(highwater=FetchedEnd.of(end + 1, answer) if brings else end + 1, lso=end)
    fetches = Fetched({"presses"})
    fetches[PRESSES] = FetchResult(
        PRESSES,
        assignment=SimpleNamespace(state_value=lambda _: state),
        partition_records=aiokafka_records(answer, **options),
        backoff=0,
    )
    assert type(state.highwater) is int  # the bytes are not kept by what outlives them
    return fetches[PRESSES]._partition_records


def taken(reader):
    """Return all batches of a reader; check what holds for all of them."""
    out = []
    for batch in reader:
        assert reader.next_fetch_offset == batch.next_offset
        assert batch.keys.size == batch.values.size == len(batch.offsets) == len(batch.append_ms)
        assert not batch.values.buffer.flags.writeable  # what kernels are compiled for
        out.append(batch)
    for one, following in pairwise(out):
        assert following.base_offset == one.next_offset
    return out


@pytest.fixture(params=["here", "by aiokafka"])
def batches(request, monkeypatch):
    """Return a function: what comes out of an answer of these parts, unpacked in each of the two ways."""
    if request.param == "here":  # and nowhere else
        monkeypatch.setattr(records.BatchedRecords, "_batches_of_aiokafka", None)

    def take(*parts, **options):
        return taken(fetched(b"".join(parts), brings=request.param == "here", **options))

    return take


def columns(batches):
    """Return the records of batches: offset, time, key and value of each."""
    return [
        each
        for batch in batches
        for each in zip(
            batch.offsets.tolist(), batch.append_ms.tolist(), batch.keys.all(), batch.values.all(), strict=True
        )
    ]


def test_columns_are_parallel(batches):
    """Each record has its offset, time, key and value, and a tombstone stays one."""
    (batch,) = batches(simple(10, 2), simple(12, 1, value=None), position=10)
    assert (batch.topic, batch.partition, batch.base_offset, batch.next_offset, batch.high_watermark) == (
        "presses",
        3,
        10,
        13,
        1000,
    )
    assert columns([batch]) == [
        (10, 1000, b"key 10", b"value"),
        (11, 1001, b"key 11", b"value"),
        (12, 1000, b"key 12", None),
    ]


def test_records_behind_the_end_prove_that_it_is_further(batches):
    """What was appended between the broker's look for the end and its reading is there."""
    assert [batch.high_watermark for batch in batches(simple(0, 3), simple(3, 4), end=5)] == [7]


def test_log_append_time_is_that_of_the_stored_batch(batches):
    """With LogAppendTime all records stored together have the broker's one time, which is the batch's greatest."""
    (batch,) = batches(simple(0, 3, attributes=LOG_APPEND_TIME), simple(3, 1))
    assert batch.append_ms.tolist() == [1002, 1002, 1002, 1000]


def test_starts_in_the_middle_of_what_was_stored_together(batches):
    """Records before the position came along only because they were stored with later ones."""
    (batch,) = batches(simple(0, 10), position=7)
    assert (batch.base_offset, batch.next_offset) == (7, 10)
    assert batch.offsets.tolist() == [7, 8, 9]
    assert list(batch.keys.all()) == [b"key 7", b"key 8", b"key 9"]


def test_compaction_holes_are_passed_over(batches):
    """Holes before, inside, after and instead of records move the position on."""
    (batch,) = batches(simple(10, 0, deltas=[1, 4], last=19), simple(30, 0, deltas=[0], last=39), position=5)
    assert (batch.base_offset, batch.next_offset) == (5, 40)
    assert batch.offsets.tolist() == [11, 14, 30]


def test_a_batch_without_records_moves_the_position_on(batches):
    """Where only a hole is left, an empty batch says so: else nobody would know that the end is reached."""
    for hole in (simple(10, 0, deltas=[1], last=19), encode([], 10, last=19)):
        (batch,) = batches(hole, position=15)
        assert (batch.base_offset, batch.next_offset) == (15, 20)
        assert (batch.offsets.size, batch.append_ms.size, batch.keys.size, batch.values.size) == (0, 0, 0, 0)


def test_nothing_new_is_no_batch(batches):
    """What ends before the position says nothing."""
    assert batches(simple(10, 3), position=13) == []


def test_the_last_one_may_be_cut_off(batches):
    """Brokers cut an answer off anywhere; what is not whole comes again."""
    whole, more = simple(0, 3), simple(3, 2)
    for size in range(len(more)):
        (batch,) = batches(whole, more[:size])
        assert (batch.next_offset, batch.values.size) == (3, 3)


def test_control_records_are_passed_over(batches):
    """Markers of transactions are no records, but have offsets."""
    (batch,) = batches(simple(0, 2), marker(2, COMMIT, 1), simple(3, 1), marker(4, ABORT, 1))
    assert batch.offsets.tolist() == [0, 1, 3]
    assert batch.next_offset == 5


def test_aborted_transactions_are_passed_over(batches):
    """What a producer took back does not count, while what others wrote between, and it wrote later, does."""
    parts = (
        simple(0, 2, producer=7, attributes=TRANSACTIONAL),
        simple(2, 1),
        simple(3, 1, producer=8, attributes=TRANSACTIONAL),
        marker(4, ABORT, 7),
        simple(5, 1, producer=7, attributes=TRANSACTIONAL),
        marker(6, COMMIT, 7),
        marker(7, COMMIT, 8),
    )
    (batch,) = batches(*parts, aborted=[(7, 0)])
    assert (batch.offsets.tolist(), batch.next_offset) == ([2, 3, 5], 8)
    (batch,) = batches(*parts, aborted=[(7, 0)], isolation=READ_UNCOMMITTED)
    assert (batch.offsets.tolist(), batch.next_offset) == ([0, 1, 2, 3, 5], 8)


def test_a_marker_that_compaction_took_ends_nothing():
    """Compaction leaves of a marker an empty batch for as long as its producer is known."""
    (batch,) = taken(fetched(simple(0, 1) + encode([], 1, last=1, attributes=CONTROL | TRANSACTIONAL, producer=7)))
    assert (batch.offsets.tolist(), batch.next_offset) == ([0], 2)


def test_is_cut_at_a_number_of_records(batches, monkeypatch):
    """A batch holds MAX_RECORDS at most, inside of what was stored together too."""
    monkeypatch.setattr(stored, "MAX_RECORDS", 4)
    for parts in ([simple(0, 10), simple(10, 1)], [simple(0, 8), simple(8, 4)], [simple(0, 3), simple(3, 3)]):
        found = batches(*parts)
        assert max(batch.values.size for batch in found) <= 4
        assert [offset for offset, *_ in columns(found)] == list(range(found[-1].next_offset))
    assert [batch.next_offset for batch in batches(simple(0, 9, deltas=range(0, 18, 2)))] == [7, 15, 17]


def test_is_cut_at_a_number_of_bytes(batches, monkeypatch):
    """A batch ends with the record that reaches MAX_BYTES, even when a single one is larger."""
    monkeypatch.setattr(stored, "MAX_BYTES", 1000)
    assert [batch.values.size for batch in batches(simple(0, 5, value=b"x" * 400))] == [3, 2]
    assert [batch.values.size for batch in batches(*[simple(at, 1, value=b"x" * 2000) for at in range(3)])] == [1, 1, 1]


@pytest.mark.parametrize("compression", CODECS)
def test_large_ones_are_cut_whatever_they_are_packed_in(batches, monkeypatch, compression):
    """What is compressed counts with the size that it unfolds to."""
    monkeypatch.setattr(stored, "MAX_BYTES", 10_000)
    parts = [simple(at, 5, value=b"x" * 1000, compression=compression) for at in range(0, 100, 5)]
    found = batches(*parts)
    assert len(found) >= 10
    assert [offset for offset, *_ in columns(found)] == list(range(100))


def test_small_ones_become_one_batch(batches):
    """Records that were stored one by one, compressed or not, are handed on together."""
    for compression in CODECS:
        (batch,) = batches(*[simple(at, 1, compression=compression) for at in range(50)])
        assert batch.offsets.tolist() == list(range(50))


def test_a_damaged_record_raises(batches):
    """A checksum that does not fit is an error, not a record; the position stays with what came before."""
    damaged = bytearray(simple(0, 3))
    damaged[-2] ^= 1
    with pytest.raises(CorruptRecordException):
        batches(bytes(damaged))


@pytest.mark.parametrize("compression", CODECS)
def test_damage_under_a_right_checksum_raises(compression):
    """So is what cannot be unpacked, although the checksum fits; what came before it is not skipped."""
    body = CODECS[compression][1](record_bytes(Record(0, 0, b"k", b"v"), 0))
    for bad in (body[:-1], body + b"\1", b"\xff" * 40, b""):
        reader = fetched(simple(0, 5) + encode([Record(0, 0, None, None)], 5, compression=compression, body=bad))
        with pytest.raises(CorruptRecordException):
            taken(reader)
        assert reader.next_fetch_offset in (0, 5)


def test_a_count_that_cannot_be_raises():
    """The number of records is checked against their bytes before room is made for them."""
    for count in (-1, 2, 2**31 - 1):
        whole = bytearray(encode([Record(0, 0, None, None)]))
        whole[57:61] = struct.pack(">i", count)
        with pytest.raises(CorruptRecordException):
            taken(fetched(bytes(whole), crc=False))


def test_a_length_that_cannot_be_raises():
    """A header says how long it is at least."""
    for length in (-1, 0, 13, 48):
        whole = bytearray(simple(0, 3))
        whole[8:12] = struct.pack(">i", length)
        with pytest.raises(CorruptRecordException):
            taken(fetched(bytes(whole)))


def test_too_much_to_be_placed_raises(monkeypatch):
    """Places in a buffer are 32-bit numbers: what unfolds to more bytes than they can count is an error."""
    monkeypatch.setattr(stored, "LARGEST_BYTES", 100_000)
    assert len(taken(fetched(simple(0, 1, value=b"x" * 90_000, compression="zstd")))) == 1
    with pytest.raises(CorruptRecordException):
        taken(fetched(simple(0, 1, value=b"x" * 100_000, compression="zstd")))


def test_older_formats_are_left_to_aiokafka():
    """A log that was begun long ago comes in the formats of its time, up to where the newer one begins and behind it."""
    parts, expected = [], []
    for base, magic, compression in ((0, 0, 0), (2, 1, 0), (4, 1, 1), (6, 2, 0), (8, 1, 3)):
        if magic == 2:
            parts.append(simple(base, 2))
            expected += [(base + each, 1000 + each, b"key %d" % (base + each), b"value") for each in range(2)]
            continue
        builder = LegacyRecordBatchBuilder(magic, compression, 2**20)
        for each in range(2):
            builder.append(base + each if magic == 0 else each, 500, b"key", b"%d" % (base + each))
            expected.append((base + each, 500 if magic else -1, b"key", b"%d" % (base + each)))
        old = bytearray(builder.build())
        if magic and compression:
            old[0:8] = struct.pack(">q", base + 1)  # the broker's offset is that of the last one inside
        elif magic:
            second = len(old) // 2
            old[0:8], old[second : second + 8] = struct.pack(">q", base), struct.pack(">q", base + 1)
        parts.append(bytes(old))
    assert columns(taken(fetched(b"".join(parts)))) == expected
    assert columns(taken(fetched(b"".join(parts[3:]), position=7))) == expected[7:]


def test_an_unknown_compression_is_left_to_aiokafka():
    """Which says what it is."""
    with pytest.raises(UnsupportedCodecError):
        taken(fetched(simple(0, 2) + simple(2, 1, attributes=5)))


def test_bytes_of_another_answer_are_not_used():
    """Where the bytes that came along are not as many as aiokafka has, they are not those of this answer."""
    reader = records.BatchedRecords(aiokafka_records(simple(0, 3)), 100, simple(0, 4))
    assert columns(taken(reader)) == columns(taken(fetched(simple(0, 3))))


def test_other_topics_stay_as_they_are():
    """Only batch topics come as batches."""
    fetches = Fetched({"presses"})
    other = TopicPartition("other", 0)
    some = PartitionRecords(other, MemoryRecords(simple(0, 2)), None, 0, None, None, True, READ_COMMITTED)
    fetches[other] = FetchResult(other, assignment=None, partition_records=some, backoff=0)
    assert [record.offset for record in fetches[other]._partition_records] == [0, 1]


@pytest.mark.parametrize(
    ("highwater", "stable", "end"), [(None, None, -1), (8, None, 8), (8, -1, 8), (8, 5, 5), (0, 0, 0)]
)
def test_the_readable_end(highwater, stable, end):
    """It is the last stable offset where the broker tells it, else the high watermark."""
    assert readable_end(SimpleNamespace(highwater=highwater, lso=stable)) == end


some_bytes = st.none() | st.binary(max_size=300)
PRODUCERS = [-1, 7, 8]


@st.composite
def answers(draw):
    """Draw an answer as brokers give it, where reading starts, and which transactions were aborted."""
    parts, aborted = [], []
    base = draw(st.integers(0, 10))
    for _ in range(draw(st.integers(1, 6))):
        producer = draw(st.sampled_from(PRODUCERS))
        if producer >= 0 and draw(st.booleans()):
            parts.append(marker(base, draw(st.sampled_from([ABORT, COMMIT])), producer))
            last = base
        else:
            deltas = sorted(draw(st.sets(st.integers(0, 30), max_size=12)))
            some = [
                Record(
                    delta,
                    draw(st.integers(-1, 2000)),
                    draw(some_bytes),
                    draw(some_bytes),
                    tuple(draw(st.lists(st.tuples(st.sampled_from([b"", b"name"]), some_bytes), max_size=2))),
                )
                for delta in deltas
            ]
            last = base + max(deltas, default=0) + draw(st.integers(0, 3))
            attributes = draw(st.sampled_from([0, LOG_APPEND_TIME])) | (TRANSACTIONAL if producer >= 0 else 0)
            compression = draw(st.sampled_from(list(CODECS))) if deltas else "none"  # as brokers leave it
            parts.append(
                encode(some, base, last=last, attributes=attributes, compression=compression, producer=producer)
            )
            if producer >= 0 and draw(st.booleans()):
                aborted.append((producer, base))
        if len(parts) == 1:
            position = draw(st.integers(0, last + 1))
        base = last + 1 + draw(st.integers(0, 3))
    return b"".join(parts), position, aborted


@settings(max_examples=300, deadline=None)
@given(answers(), st.integers(1, 20), st.integers(1, 1000), st.sampled_from([READ_COMMITTED, READ_UNCOMMITTED]))
def test_the_same_as_aiokafka_finds(answer_and_more, most_records, most_bytes, isolation):
    """Whatever brokers answer, both ways give what aiokafka itself reads, and end where it ends."""
    answer, position, aborted = answer_and_more
    options = {"position": position, "aborted": aborted, "isolation": isolation}
    reference = aiokafka_records(answer, **options)
    expected = [(each.offset, each.timestamp, each.key, each.value) for each in reference]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stored, "MAX_RECORDS", most_records)
        patch.setattr(stored, "MAX_BYTES", most_bytes)
        for brings in (True, False):
            found = taken(fetched(answer, brings=brings, **options))
            assert columns(found) == expected
            assert found[0].base_offset == position if found else reference.next_fetch_offset == position
            assert not found or found[-1].next_offset == reference.next_fetch_offset


@pytest.mark.parametrize("compression", range(5))
def test_what_aiokafka_writes_is_read(compression):
    """The writer that aiokafka has, with every compression, is understood."""
    builder = DefaultRecordBatchBuilder(2, compression, 0, -1, 0, 0, 2**30)
    for number in range(1000):
        key = None if number % 3 else b"key %d" % number
        value = None if number % 5 == 0 else b"value %d" % number * (number % 50)
        builder.append(number, 5000 - number, key, value, [("name", b"x")] * (number % 3))
    answer = bytes(builder.build())
    expected = [(each.offset, each.timestamp, each.key, each.value) for each in aiokafka_records(answer)]
    assert len(expected) == 1000
    assert columns(taken(fetched(answer))) == expected
