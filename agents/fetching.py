# ruff: noqa: SLF001 - private names of Faust and aiokafka are used; both are pinned
"""The thread of the batch transport in which aiokafka fetches, unpacks and commits."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.structs import TopicPartition
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from agents.records import Fetched, FetchedEnd

# Faust asks brokers to wait 1.5 s for records; meanwhile nothing else is fetched from that node, whatever arrives there.
FETCH_MAX_WAIT_MS = 100
COMMIT_TIMEOUT_S = 5.0  # aiokafka would try for as long as brokers are away, and nobody could let go of anything


class LogStart(NamedTuple):
    """What is known of a partition when it is assigned."""

    begin: int  # the first offset that the log still has
    committed: int | None  # what a worker of this group last committed


class FetchingClient:
    """In place of `Fetcher._client`: the same, but answers to fetches of the given topics keep their bytes."""

    def __init__(self, client: Any, topics: Collection[str]) -> None:
        self._client = client
        self._topics = topics

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def send(self, node_id: int, request: Any, **options: Any) -> Any:
        """Ask a broker."""
        answer = await self._client.send(node_id, request, **options)
        if isinstance(request, FetchRequest):
            for topic, partitions in answer.topics:
                if topic in self._topics:
                    partitions[:] = [
                        (partition, error, FetchedEnd.of(end, records or b""), *others, records)
                        for partition, error, end, *others, records in partitions
                    ]
        return answer


class BatchConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread in which aiokafka fetches and unpacks."""

    app: Any  # a BatchApp

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_MAX_WAIT_MS
        # What a producer took back never happened.
        consumer._isolation_level = "read_committed"
        # Partition n of every topic goes to the same worker: an office lies in one partition of each.
        consumer._partition_assignment_strategy = (RangePartitionAssignor,)
        return consumer

    async def on_start(self) -> None:
        """Connect, and have what is fetched of batch topics come out as batches."""
        await super().on_start()
        fetcher = self._ensure_consumer()._fetcher
        fetcher._client = FetchingClient(fetcher._client, self.app.batch_topics)
        fetcher._records = Fetched(self.app.batch_topics)

    async def on_thread_stop(self) -> None:
        """Leave the group and disconnect.

        Faust would first run the calls that wait for this thread, and one that waits for an assignment never ends.
        """
        if self._consumer is not None:
            if self._consumer._coordinator is not None:
                # Else it would finish first what it is at: a join takes as long as the slowest other member.
                joining = self._consumer._coordinator._coordination_task
                while not joining.done():  # parts of aiokafka swallow the cancellation
                    joining.cancel()
                    await asyncio.wait({joining}, timeout=0.1)
            try:
                await self._consumer.stop()
            except asyncio.CancelledError:
                # aiokafka cancels its fetches, and while a broker is away one of them lets that escape.
                await self._consumer._client.close()
        await super().on_thread_stop()

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        try:
            async with asyncio.timeout(COMMIT_TIMEOUT_S):
                return bool(await super()._commit(offsets))
        except TimeoutError:
            self.log.warning("The offsets could not be committed within %g s", COMMIT_TIMEOUT_S)
            return False

    def close(self) -> None:
        """Do nothing: Faust would disconnect from another thread when a rebalance comes while the app stops."""

    async def seek_to_committed(self) -> Mapping[Any, int]:
        """Seek as Faust does, but in topics that are no batch topics only."""
        others = [TopicPartition(*tp) for tp in self.assignment() if tp.topic not in self.app.batch_topics]
        if not others:
            return {}
        return dict(await self.call_thread(self._ensure_consumer().seek_to_committed, *others))

    async def log_starts(self, partitions: Iterable[TP]) -> dict[TP, LogStart]:
        """Ask the brokers what `LogStart` tells of these partitions."""
        return dict(await self.call_thread(self._log_starts, [TopicPartition(*each) for each in partitions]))

    async def _log_starts(self, partitions: list[TopicPartition]) -> dict[TP, LogStart]:
        consumer = self._ensure_consumer()
        begins = await consumer.beginning_offsets(partitions)
        committed = await consumer._coordinator.fetch_committed_offsets(partitions)
        marks = {each: mark.offset for each, mark in committed.items() if mark.offset >= 0}
        return {TP(*each): LogStart(begins[each], marks.get(each)) for each in partitions}

    def fetch_state(self, partition: TP) -> Any:
        """Return aiokafka's state of an assigned partition, or None."""
        subscription = self._ensure_consumer()._subscription.subscription
        assignment = subscription.assignment if subscription is not None else None
        return assignment.state_value(TopicPartition(*partition)) if assignment is not None else None
