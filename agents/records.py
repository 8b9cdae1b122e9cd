"""From what a broker answered for a partition to `PartitionBatch`es, without an object for each record.

aiokafka keeps the position of each partition, checks that an answer still belongs to it and hands out its records one
by one; here the hand-out alone is replaced, by one object for many records. aiokafka keeps the bytes of an answer to
itself, so they come along with a number of the same answer that it does not (`FetchedEnd`). Where they do not, or are
of another format than the one that brokers have written since 2017, aiokafka unpacks them as ever.
"""

from collections.abc import Collection, Generator, Iterator
from typing import Any

import numpy as np
from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import ConsumerRecord

from agents import stored
from agents.gate import PartitionBatch
from agents.stored import (
    Collected,
    Columns,
    Records,
    Stored,
    end_of_format,
    plain_records_at,
    records_of,
    stored_at,
)
from streams.messages import Messages

_NO_TIME = -1


class FetchedEnd(int):
    """The end of a partition as a broker told it, and the record bytes of the same answer."""

    answer: bytes
    cause: Any  # what the fetch is traced as: see agents.tracing

    @classmethod
    def of(cls, end: int, answer: bytes, cause: Any = None) -> "FetchedEnd":
        """Put them together."""
        told = cls(end)
        told.answer = answer
        told.cause = cause
        return told


class Fetched(dict[Any, Any]):
    """In place of `Fetcher._records`: results for the given topics come out as `PartitionBatch`es."""

    def __init__(self, topics: Collection[str]) -> None:
        super().__init__()
        self._topics = topics

    def __setitem__(self, partition: Any, result: Any) -> None:
        if partition.topic in self._topics and isinstance(result, FetchResult):
            state = result._assignment.state_value(partition)  # noqa: SLF001 - set from the same answer of the broker
            answer, cause = getattr(state.highwater, "answer", None), getattr(state.highwater, "cause", None)
            if answer is not None:
                state.highwater = int(state.highwater)  # the state outlives the records
            batches = BatchedRecords(result._partition_records, readable_end(state), answer, cause)  # noqa: SLF001
            result._partition_records = batches  # noqa: SLF001
        super().__setitem__(partition, result)


class BatchedRecords(PartitionRecords):  # type: ignore[misc]
    """The records of one answer for one partition, as an iterator of `PartitionBatch`es.

    `next_fetch_offset` is at every batch handed out where that batch ends, as aiokafka expects it of its own class.

    Raises
    ------
    aiokafka.errors.CorruptRecordException
        While iterating, when a checksum does not fit, or what it is for is not what its format asks for.
    """

    def __init__(self, fetched: PartitionRecords, high_watermark: int, answer: bytes | None, cause: Any = None) -> None:
        self.__dict__.update(fetched.__dict__)
        self._high_watermark = high_watermark
        self._cause = cause
        self.next_fetch_offset: int = fetched.next_fetch_offset
        if answer is not None and len(answer) == self._records.size_in_bytes():
            self._records_iterator = self._batches(answer)
        else:
            self._records_iterator = self._batches_of_aiokafka()

    def _batches(self, answer: bytes) -> Iterator[PartitionBatch]:
        at = 0
        while (first := stored_at(answer, at)) is not None:
            if first.is_known:
                at = yield from self._batches_from(answer, at)
            else:
                begin, at = at, end_of_format(answer, at)
                self._records = MemoryRecords(answer[begin:at])  # which takes all that it gets for one format
                yield from self._batches_of_aiokafka()

    def _batches_from(self, answer: bytes, at: int) -> Generator[PartitionBatch, None, int]:
        """Hand out what is stored from there on, up to what cannot be read here; return where that is."""
        position = self.next_fetch_offset
        collected = Collected(answer, position)
        while (found := stored_at(answer, at)) is not None and found.is_known:
            records = self._records_at(found, answer)
            if records is not None and records.next_offset > position:
                if not collected.takes(records):
                    yield from self._handed_out(collected.columns(), position)
                    collected = Collected(answer, position)
                collected.add(records)
            last = records or found
            position = max(position, last.next_offset)
            at = last.end
        if position > self.next_fetch_offset:
            yield from self._handed_out(collected.columns(), position)
        return at

    def _records_at(self, found: Stored, answer: bytes) -> Records | None:
        """Return what is to be handed out of what begins there, and maybe of more that follows it; None for nothing."""
        if found.is_plain:
            records = plain_records_at(answer, found.begin, checks=self._check_crcs)
            if records is not None:
                return records
        if self._check_crcs and not found.is_intact(answer):
            raise CorruptRecordException(f"Invalid CRC - {self._tp}")
        return None if self._is_without_records(found, answer) else records_of(found, answer)

    def _is_without_records(self, found: Stored, answer: bytes) -> bool:
        """Whether there are markers of transactions, or records of a transaction that was aborted."""
        if self._isolation_level == READ_COMMITTED:
            self._consume_aborted_up_to(found.base_offset)
            if found.is_control and found.records_count:
                marker = MemoryRecords(answer[found.begin : found.end]).next_batch()
                if self._contains_abort_marker(marker):
                    self._aborted_producers.discard(found.producer_id)
            if found.is_transactional and found.producer_id in self._aborted_producers:
                return True
        return found.is_control

    def _handed_out(self, columns: Columns, next_offset: int) -> Iterator[PartitionBatch]:
        """Cut where it is too much what `Collected` never splits: records that were stored together."""
        count = len(columns.offsets)
        begin = 0
        while begin < count:
            starts = columns.values.starts
            end = min(begin + stored.MAX_RECORDS, int(np.searchsorted(starts, starts[begin] + stored.MAX_BYTES)))
            if end >= count:
                break
            yield self._batch(columns.cut(begin, end), int(columns.offsets[end - 1]) + 1)
            begin = end
        yield self._batch(columns.cut(begin, count), next_offset)

    def _batches_of_aiokafka(self) -> Iterator[PartitionBatch]:
        """The same from aiokafka's records, which move `next_fetch_offset` on."""
        base_offset = self.next_fetch_offset
        records: list[Any] = []
        size = 0
        for record in self._unpack_records():
            records.append(record)
            size += len(record.value or b"")
            if len(records) >= stored.MAX_RECORDS or size >= stored.MAX_BYTES:
                yield self._batch(_columns_of(records), self.next_fetch_offset, base_offset)
                base_offset = self.next_fetch_offset
                records, size = [], 0
        if self.next_fetch_offset > base_offset:
            yield self._batch(_columns_of(records), self.next_fetch_offset, base_offset)

    def _batch(self, columns: Columns, next_offset: int, base_offset: int | None = None) -> PartitionBatch:
        """Return a batch, by default from the position on, and move the position to its end."""
        batch = PartitionBatch(
            topic=self._tp.topic,
            partition=self._tp.partition,
            base_offset=self.next_fetch_offset if base_offset is None else base_offset,
            next_offset=next_offset,
            # A broker looks where the end is, and then reads: what it read may end behind that.
            high_watermark=max(self._high_watermark, next_offset),
            offsets=columns.offsets,
            append_ms=columns.times_ms,
            keys=columns.keys,
            values=columns.values,
            cause=self._cause,
        )
        self.next_fetch_offset = next_offset
        return batch


def _columns_of(records: "list[ConsumerRecord[Any, Any]]") -> Columns:
    """Return what aiokafka found as columns."""
    return Columns(
        np.array([record.offset for record in records], np.int64),
        np.array([_NO_TIME if record.timestamp is None else record.timestamp for record in records], np.int64),
        Messages.of([record.key for record in records]),
        Messages.of([record.value for record in records]),
    )


def readable_end(state: Any) -> int:
    """Return where the readable part of the partition ended at the last fetch; -1 before the first.

    That is the last stable offset: what follows belongs to transactions that are still open. Brokers without
    transactions may leave it out; then it is the high watermark.
    """
    if state.highwater is None:
        return -1
    return int(state.highwater if state.lso is None or state.lso < 0 else state.lso)
