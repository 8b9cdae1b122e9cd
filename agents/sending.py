"""Many messages to Kafka at once: whole record batches, one future each, in place of one future a message.

A message of its own costs aiokafka's producer some hundred microseconds, in a batch a few.
"""

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer

Headers = tuple[tuple[str, bytes], ...]


class Message(NamedTuple):
    """A message for a topic and partition."""

    topic: str  # prefix included
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class Failure(NamedTuple):
    """Messages that the broker did not take, and why."""

    messages: list[Message]
    error: Exception


async def send(producer: AIOKafkaProducer, messages: Iterable[Message]) -> list[Failure]:
    """Send messages, those of a partition in their order; returns when the broker has answered for all of them."""
    partitions: dict[tuple[str, int], list[Message]] = {}
    for message in messages:
        partitions.setdefault((message.topic, message.partition), []).append(message)
    sent = await asyncio.gather(*(_send_to(producer, *place, rows) for place, rows in partitions.items()))
    return [failure for failures in sent for failure in failures]


async def _send_to(producer: AIOKafkaProducer, topic: str, partition: int, messages: list[Message]) -> list[Failure]:
    under_way = []
    failures = []
    for batch, part in _batches(producer, messages):
        try:
            under_way.append((part, await producer.send_batch(batch, topic, partition=partition)))
        except Exception as error:  # noqa: BLE001 - the caller judges it
            failures.append(Failure(part, error))
    for part, acknowledged in under_way:
        try:
            await acknowledged
        except Exception as error:  # noqa: BLE001 - the same
            failures.append(Failure(part, error))
    return failures


def _batches(producer: AIOKafkaProducer, messages: list[Message]) -> Iterator[tuple[Any, list[Message]]]:
    """Fill batches; a batch takes its first message whatever its size."""
    batch = producer.create_batch()
    part: list[Message] = []
    for message in messages:
        while batch.append(key=message.key, value=message.value, timestamp=None, headers=list(message.headers)) is None:
            yield batch, part
            batch = producer.create_batch()
            part = []
        part.append(message)
    batch.close()
    yield batch, part
