"""From fetched bytes to partition batches, without a broker."""

from itertools import pairwise
from types import SimpleNamespace

import pytest
from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition

from agents import records
from agents.records import Fetched, readable_end

PRESSES = TopicPartition("presses", 3)
CONTROL, LOG_APPEND_TIME = 0x20, 0x08


def stored(base, count, *, value=b"value", deltas=None, last=None, attributes=0, producer=-1, transaction=False):
    """Return the bytes of records stored together: at `base` + deltas, their end at `last` where compaction took it."""
    builder = DefaultRecordBatchBuilder(2, 0, transaction, producer, 0, 0, 2**30)
    for index, delta in enumerate(deltas or range(count)):
        builder.append(delta, 1000 + index, b"key %d" % (base + delta), value, [])
    data = bytearray(builder.build())
    data[0:8] = base.to_bytes(8, "big")
    data[22] |= attributes
    if last is not None:
        data[23:27] = (last - base).to_bytes(4, "big")
    return bytes(data)


def batches(*parts, position=0, aborted=None, crc=False, end=1000):
    """Return what comes out of a fetch of these bytes, with the position after each batch."""
    fetched = PartitionRecords(
        PRESSES, MemoryRecords(b"".join(parts)), aborted, position, None, None, crc, READ_COMMITTED
    )
    state = SimpleNamespace(highwater=end + 1, lso=end)
    fetches = Fetched({"presses"})
    fetches[PRESSES] = FetchResult(
        PRESSES, assignment=SimpleNamespace(state_value=lambda _: state), partition_records=fetched, backoff=0
    )
    out = []
    for batch in fetches[PRESSES]._partition_records:
        assert fetches[PRESSES]._partition_records.next_fetch_offset == batch.next_offset
        out.append(batch)
    for one, following in pairwise(out):
        assert following.base_offset == one.next_offset
    return out


def test_columns_are_parallel():
    """Each record has its offset, time, key and value, and a tombstone stays one."""
    (batch,) = batches(stored(10, 2), stored(12, 1, value=None), position=10)
    assert (batch.topic, batch.partition, batch.base_offset, batch.next_offset, batch.high_watermark) == (
        "presses",
        3,
        10,
        13,
        1000,
    )
    assert batch.offsets.tolist() == [10, 11, 12]
    assert batch.append_ms.tolist() == [1000, 1001, 1000]
    assert batch.keys == [b"key 10", b"key 11", b"key 12"]
    assert batch.values == [b"value", b"value", None]


def test_log_append_time_is_that_of_the_stored_batch():
    """With LogAppendTime all records stored together have the broker's one time, which is the batch's greatest."""
    (batch,) = batches(stored(0, 3, attributes=LOG_APPEND_TIME), stored(3, 1))
    assert batch.append_ms.tolist() == [1002, 1002, 1002, 1000]


def test_starts_in_the_middle_of_what_was_stored_together():
    """Records before the position came along only because they were stored with later ones."""
    (batch,) = batches(stored(0, 10), position=7)
    assert (batch.base_offset, batch.next_offset) == (7, 10)
    assert batch.offsets.tolist() == [7, 8, 9]
    assert batch.keys == [b"key 7", b"key 8", b"key 9"]


def test_compaction_holes_are_passed_over():
    """Holes before, inside, after and instead of records move the position on."""
    (batch,) = batches(stored(10, 0, deltas=[1, 4], last=19), stored(30, 0, deltas=[0], last=39), position=5)
    assert (batch.base_offset, batch.next_offset) == (5, 40)
    assert batch.offsets.tolist() == [11, 14, 30]


def test_a_batch_without_records_moves_the_position_on():
    """Where only a hole is left, an empty batch says so: else nobody would know that the end is reached."""
    (batch,) = batches(stored(10, 0, deltas=[1], last=19), position=15)
    assert (batch.base_offset, batch.next_offset) == (15, 20)
    assert (len(batch.offsets), len(batch.append_ms), batch.keys, batch.values) == (0, 0, [], [])


def test_control_records_are_passed_over():
    """Markers of transactions are no records, but have offsets."""
    (batch,) = batches(stored(0, 2), stored(2, 1, attributes=CONTROL), stored(3, 1), stored(4, 1, attributes=CONTROL))
    assert batch.offsets.tolist() == [0, 1, 3]
    assert batch.next_offset == 5


def test_aborted_transactions_are_passed_over():
    """What a producer took back does not count, while what others wrote between does."""
    (batch,) = batches(
        stored(0, 2, producer=7, transaction=True),
        stored(2, 1),
        stored(3, 1, producer=8, transaction=True),
        aborted=[(7, 0)],
    )
    assert batch.offsets.tolist() == [2, 3]


def test_is_cut_at_a_number_of_records(monkeypatch):
    """A batch holds MAX_RECORDS at most, give or take a chunk, inside of what was stored together too."""
    monkeypatch.setattr(records, "MAX_RECORDS", 4)
    monkeypatch.setattr(records, "CHUNK_RECORDS", 2)
    assert [len(batch.values) for batch in batches(stored(0, 10), stored(10, 1))] == [4, 4, 3]
    assert [len(batch.values) for batch in batches(stored(0, 8), stored(8, 4))] == [4, 4, 4]


def test_is_cut_at_a_number_of_bytes(monkeypatch):
    """A batch ends with the chunk that reaches MAX_BYTES."""
    monkeypatch.setattr(records, "MAX_BYTES", 1000)
    monkeypatch.setattr(records, "CHUNK_RECORDS", 2)
    out = batches(stored(0, 5, value=b"x" * 400))
    assert [len(batch.values) for batch in out] == [4, 1]


def test_a_damaged_record_raises():
    """A checksum that does not fit is an error, not a record."""
    damaged = bytearray(stored(0, 3))
    damaged[-2] ^= 1
    with pytest.raises(CorruptRecordException):
        batches(bytes(damaged), crc=True)


def test_other_topics_stay_as_they_are():
    """Only batch topics come as batches."""
    fetches = Fetched({"presses"})
    other = TopicPartition("other", 0)
    fetched = PartitionRecords(other, MemoryRecords(stored(0, 2)), None, 0, None, None, True, READ_COMMITTED)
    fetches[other] = FetchResult(other, assignment=None, partition_records=fetched, backoff=0)
    assert [record.offset for record in fetches[other]._partition_records] == [0, 1]


@pytest.mark.parametrize(
    ("highwater", "stable", "end"), [(None, None, -1), (8, None, 8), (8, -1, 8), (8, 5, 5), (0, 0, 0)]
)
def test_the_readable_end(highwater, stable, end):
    """It is the last stable offset where the broker tells it, else the high watermark."""
    assert readable_end(SimpleNamespace(highwater=highwater, lso=stable)) == end
