"""Following a log of one partition: all that there is, and then whatever comes; as no member of any group."""

import asyncio
import logging
from collections.abc import AsyncGenerator

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from agents.reading import FIRST_PAUSE_S, LONGEST_PAUSE_S, POLL_MS, reader
from streams.configuration import Configuration
from streams.directory_log import Record

log = logging.getLogger("kqi.following")


async def everything(configuration: Configuration, topic: str) -> list[Record]:
    """What a topic has now; it is named with its prefix."""
    async with reader(configuration) as consumer:
        place = await _go_to(consumer, topic, 0)
        return await _read_to_end(consumer, place)


async def followed(configuration: Configuration, topic: str) -> AsyncGenerator[list[Record], None]:
    """What a topic has now, be it nothing, and then what comes, for ever; brokers that are away are waited for."""
    next_offset = 0
    is_first = True
    pause_s = FIRST_PAUSE_S
    while True:
        try:
            async with reader(configuration) as consumer:
                place = await _go_to(consumer, topic, next_offset)
                while True:
                    records = await (_read_to_end(consumer, place) if is_first else _next(consumer, place))
                    pause_s = FIRST_PAUSE_S
                    if records or is_first:
                        next_offset = await consumer.position(place)
                        is_first = False
                        yield records
        except (KafkaError, OSError, TimeoutError) as error:
            if pause_s == FIRST_PAUSE_S:  # said once
                log.warning("the topic %s cannot be read, trying again: %r", topic, error, extra={"topic": topic})
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


async def _go_to(consumer: AIOKafkaConsumer, topic: str, offset: int) -> TopicPartition:
    place = TopicPartition(topic, 0)
    consumer.assign([place])
    begin = (await consumer.beginning_offsets([place]))[place]
    consumer.seek(place, max(begin, offset))
    return place


async def _next(consumer: AIOKafkaConsumer, place: TopicPartition) -> list[Record]:
    fetched = await consumer.getmany(place, timeout_ms=POLL_MS)
    return [
        Record(each.offset, each.timestamp, each.key, each.value) for records in fetched.values() for each in records
    ]


async def _read_to_end(consumer: AIOKafkaConsumer, place: TopicPartition) -> list[Record]:
    """From where the consumer stands to where the log ends now."""
    end = (await consumer.end_offsets([place]))[place]
    records = []
    # Some brokers say too small an end; the answers to fetches know it.
    while await consumer.position(place) < max(end, consumer.highwater(place) or 0):
        records += await _next(consumer, place)
    return records
