"""Reading logs from one offset to their ends: as no member of any group, and again until brokers answer."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from agents.cluster import ClusterError, security_of
from streams.configuration import Configuration

FETCH_BYTES: Final = 8 * 2**20
POLL_MS: Final = 500
FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 5.0
DISCONNECT_S: Final = 1.0  # brokers that answer need a few milliseconds; a worker that ends waits for no others

log = logging.getLogger("kqi.reading")
Result = TypeVar("Result")


@asynccontextmanager
async def reader(
    configuration: Configuration, isolation_level: str = "read_uncommitted"
) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer without a group, connected; disconnected at the end, also where connecting failed halfway."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=configuration.kafka.bootstrap,
        enable_auto_commit=False,
        max_partition_fetch_bytes=FETCH_BYTES,
        fetch_max_wait_ms=100,
        auto_offset_reset="earliest",
        isolation_level=isolation_level,
        **security_of(configuration).for_aiokafka(),
    )
    try:
        await consumer.start()
        await asyncio.sleep(0)  # a consumer that is stopped before its tasks had a turn raises CancelledError
        yield consumer
    finally:
        # By itself: while brokers are away, a cancellation of parts of it may escape from it, or be lost in it.
        leaving = asyncio.create_task(consumer.stop())
        leaving.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.wait({leaving}, timeout=DISCONNECT_S)
        leaving.cancel()


async def partitions_of(consumer: AIOKafkaConsumer, topic: str) -> int:
    """How many partitions a topic has.

    Raises
    ------
    ClusterError
        There is no such topic.
    """
    await consumer._client.force_metadata_update()  # noqa: SLF001 - it knows no topic yet
    partitions = consumer.partitions_for_topic(topic)
    if not partitions:
        raise ClusterError(f"there is no topic {topic}: run `kqi topics`")
    return len(partitions)


async def until_done(attempt: Callable[[], Awaitable[Result]], what: str) -> Result:
    """Try again, ever more slowly, as long as brokers are away."""
    pause_s = FIRST_PAUSE_S
    while True:
        try:
            return await attempt()
        except (KafkaError, OSError, TimeoutError) as error:
            log.warning("%s, trying again: %r", what, error)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
