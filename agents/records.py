"""From what aiokafka fetched of a partition to `PartitionBatch`es, a few dozen nanoseconds per record.

aiokafka keeps the position of each partition, checks that a fetch still belongs to it and hands out its records one
by one; here the hand-out alone is replaced, by one object for many records.
"""

from collections.abc import Collection, Iterator
from itertools import chain, islice
from operator import attrgetter
from typing import Any

import numpy as np
from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException
from numpy.typing import NDArray

from agents.gate import PartitionBatch

# A batch is cut at the first of these. Brokers may ignore the size that a fetch asks for, and compressed records
# unfold, so the sizes are counted here. They bound the memory, and how long one step of the application takes.
MAX_RECORDS = 16_384
MAX_BYTES = 8 * 2**20
CHUNK_RECORDS = 1024  # how often the sizes are looked at: a fraction of MAX_RECORDS, large enough to cost nothing

_LOG_APPEND_TIME = 1
_timestamp = attrgetter("timestamp")


class Fetched(dict[Any, Any]):
    """In place of `Fetcher._records`: results for the given topics come out as `PartitionBatch`es."""

    def __init__(self, topics: Collection[str]) -> None:
        super().__init__()
        self._topics = topics

    def __setitem__(self, partition: Any, result: Any) -> None:
        if partition.topic in self._topics and isinstance(result, FetchResult):
            state = result._assignment.state_value(partition)  # noqa: SLF001 - set from the same answer of the broker
            result._partition_records = BatchedRecords(result._partition_records, readable_end(state))  # noqa: SLF001
        super().__setitem__(partition, result)


class BatchedRecords(PartitionRecords):  # type: ignore[misc]
    """The records of one fetch of one partition, as an iterator of `PartitionBatch`es.

    `next_fetch_offset` is at every batch handed out where that batch ends, as aiokafka expects it of its own class.
    """

    _base_offset: int  # of the batch being filled, like what follows
    _bytes: int
    _keys: list[bytes | None]
    _values: list[bytes | None]
    _offsets: list[NDArray[np.int64]]
    _append_ms: list[NDArray[np.int64]]

    def __init__(self, fetched: PartitionRecords, high_watermark: int) -> None:
        self.__dict__.update(fetched.__dict__)
        self._high_watermark = high_watermark
        self.next_fetch_offset: int = fetched.next_fetch_offset
        self._begin_batch()
        self._records_iterator = self._batches()

    def _batches(self) -> Iterator[PartitionBatch]:
        while self._records.has_next():
            stored = self._records.next_batch()
            if self._check_crcs and not stored.validate_crc():
                raise CorruptRecordException(f"Invalid CRC - {self._tp}")
            if not self._is_without_records(stored):
                for chunk in _chunks(stored):
                    self._add(chunk)
                    if len(self._values) >= MAX_RECORDS or self._bytes >= MAX_BYTES:
                        yield self._cut()
            # Not the last record's offset + 1: compaction may have taken the end of what was stored together.
            self.next_fetch_offset = max(self.next_fetch_offset, stored.next_offset)
        if self.next_fetch_offset > self._base_offset:
            yield self._cut()

    def _is_without_records(self, stored: Any) -> bool:
        """Whether these records are markers of transactions, or of a transaction that was aborted."""
        if self._isolation_level == READ_COMMITTED and stored.producer_id is not None:
            self._consume_aborted_up_to(stored.base_offset)
            if stored.is_control_batch and self._contains_abort_marker(stored):
                self._aborted_producers.discard(stored.producer_id)
            if stored.is_transactional and stored.producer_id in self._aborted_producers:
                return True
        return bool(stored.is_control_batch)

    def _begin_batch(self) -> None:
        self._base_offset = self.next_fetch_offset
        self._bytes = 0
        self._keys, self._values = [], []
        self._offsets, self._append_ms = [], []

    def _add(self, records: list[Any]) -> None:
        """Append the columns of some records; those before the position were only stored together with later ones."""
        if records[0].offset < self.next_fetch_offset:
            records = [record for record in records if record.offset >= self.next_fetch_offset]
            if not records:
                return
        first, last, count = records[0], records[-1], len(records)
        values = [record.value for record in records]
        self._bytes += sum(map(len, filter(None, values)))
        self._values += values
        self._keys += [record.key for record in records]
        if last.offset - first.offset == count - 1:  # offsets ascend, so there is no hole
            self._offsets.append(np.arange(first.offset, last.offset + 1, dtype=np.int64))
        else:
            self._offsets.append(np.fromiter((record.offset for record in records), np.int64, count))
        if first.timestamp_type == _LOG_APPEND_TIME:  # one time for all that the broker stored together
            self._append_ms.append(np.full(count, first.timestamp, np.int64))
        else:
            self._append_ms.append(np.fromiter(map(_timestamp, records), np.int64, count))
        self.next_fetch_offset = last.offset + 1

    def _cut(self) -> PartitionBatch:
        batch = PartitionBatch(
            topic=self._tp.topic,
            partition=self._tp.partition,
            base_offset=self._base_offset,
            next_offset=self.next_fetch_offset,
            high_watermark=self._high_watermark,
            offsets=_joined(self._offsets),
            append_ms=_joined(self._append_ms),
            keys=self._keys,
            values=self._values,
        )
        self._begin_batch()
        return batch


def readable_end(state: Any) -> int:
    """Return where the readable part of the partition ended at the last fetch; -1 before the first.

    That is the last stable offset: what follows belongs to transactions that are still open. Brokers without
    transactions may leave it out; then it is the high watermark.
    """
    if state.highwater is None:
        return -1
    return int(state.highwater if state.lso is None or state.lso < 0 else state.lso)


def _chunks(stored: Any) -> Iterator[list[Any]]:
    records = chain(stored)  # aiokafka's own iterator bears neither a second iter() nor a call after its end
    while chunk := list(islice(records, CHUNK_RECORDS)):
        yield chunk


def _joined(parts: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    return parts[0] if len(parts) == 1 else np.concatenate(parts) if parts else np.empty(0, np.int64)
