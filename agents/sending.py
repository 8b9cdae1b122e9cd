"""Many messages to Kafka at once: whole record batches, one future each, in place of one future a message.

A message of its own costs aiokafka's producer some hundred microseconds, in a batch a few.
"""

import asyncio
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError
from aiokafka.record.util import calc_crc32c

Headers = tuple[tuple[str, bytes], ...]


class Message(NamedTuple):
    """A message for a topic and partition."""

    topic: str  # prefix included
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class Bundle(NamedTuple):
    """Messages for a topic and partition that are records already (:mod:`kernels.record_batches`), end to end."""

    topic: str  # prefix included
    partition: int
    records: bytes  # no more than brokers take in one batch
    size: int  # how many


class Failure(NamedTuple):
    """Messages that the broker did not take, and why."""

    messages: "list[Message | Bundle]"
    error: Exception

    @property
    def is_too_large(self) -> bool:
        """Whether the broker will never take them together."""
        return isinstance(self.error, MessageSizeTooLargeError | RecordListTooLargeError)


def _nobody_cares(_topic: str, _partition: int, _offset: int, _count: int) -> None:
    """Hear where messages lie."""


async def send(
    producer: AIOKafkaProducer,
    messages: Iterable[Message | Bundle],
    taken: Callable[[str, int, int, int], None] = _nobody_cares,
) -> list[Failure]:
    """Send messages, those of a partition in their order; returns when the broker has answered for all of them.

    ``taken`` is told topic, partition, first offset and number of messages of each batch that the broker took.

    What lies behind messages that the broker did not take for now fails with them, even if the broker has it: sent again
    in order, the last of a partition is the last.
    """
    partitions: dict[tuple[str, int], list[Message | Bundle]] = {}
    for message in messages:
        partitions.setdefault((message.topic, message.partition), []).append(message)
    sent = await asyncio.gather(*(_send_to(producer, *place, rows, taken) for place, rows in partitions.items()))
    return [failure for failures in sent for failure in failures]


async def _send_to(
    producer: AIOKafkaProducer,
    topic: str,
    partition: int,
    messages: list[Message | Bundle],
    taken: Callable[[str, int, int, int], None],
) -> list[Failure]:
    under_way: list[tuple[list[Message | Bundle], asyncio.Future[Any]]] = []
    batches = _batches(producer, messages)
    failures: list[Failure] = []
    unsent: list[Failure] = []
    for batch, part in batches:
        try:
            under_way.append((part, await producer.send_batch(batch, topic, partition=partition)))
        except Exception as error:  # noqa: BLE001 - the caller judges it
            unsent = [Failure(part, error), *(_behind(rest) for _, rest in batches)]
    for part, acknowledged in under_way:
        try:
            placed = await acknowledged
        except Exception as error:  # noqa: BLE001 - the same
            failures.append(Failure(part, error))
        else:
            taken(topic, partition, placed.offset, sum(getattr(each, "size", 1) for each in part))
            if any(not failure.is_too_large for failure in failures):
                failures.append(_behind(part))
    return failures + unsent


def _behind(messages: list[Message | Bundle]) -> Failure:
    return Failure(messages, KafkaError("messages before them were not taken"))


def _batches(
    producer: AIOKafkaProducer, messages: list[Message | Bundle]
) -> Iterator[tuple[Any, list[Message | Bundle]]]:
    """Fill batches; a batch takes its first message whatever its size."""
    batch = None
    part: list[Message | Bundle] = []
    for message in messages:
        if isinstance(message, Bundle):
            if batch is not None:
                yield _closed(batch), part
                batch = None
            yield _Stored(message), [message]
            continue
        if batch is None:
            batch, part = producer.create_batch(), []
        while batch.append(key=message.key, value=message.value, timestamp=None, headers=list(message.headers)) is None:
            yield batch, part
            batch, part = producer.create_batch(), []
        part.append(message)
    if batch is not None:
        yield _closed(batch), part


def _closed(batch: Any) -> Any:
    batch.close()
    return batch


_LENGTH_AND_EPOCH = struct.Struct(">qiibI")  # base offset, length of what follows it, epoch, format, checksum
_HEADER = struct.Struct(
    ">hiqqqhii"
)  # attributes, last offset, first and last time, producer id, epoch and sequence, count
_CHECKED_FROM = 9  # of the length


class _Stored:
    """In place of aiokafka's builder of a batch: one that is built."""

    def __init__(self, bundle: Bundle) -> None:
        now_ms = time.time_ns() // 1_000_000
        checked = _HEADER.pack(0, bundle.size - 1, now_ms, now_ms, -1, -1, -1, bundle.size) + bundle.records
        head = _LENGTH_AND_EPOCH.pack(0, _CHECKED_FROM + len(checked), -1, 2, calc_crc32c(checked))
        self._buffer = head + checked
        self._count = bundle.size

    def _build(self) -> bytes:
        return self._buffer

    def size(self) -> int:
        return len(self._buffer)

    def record_count(self) -> int:
        return self._count

    def close(self) -> None:
        """Nothing is added to it."""

    def closed(self) -> bool:
        return True
