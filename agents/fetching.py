# ruff: noqa: SLF001 - private names of Faust and aiokafka are used; both are pinned
"""The thread of the batch transport in which aiokafka fetches, unpacks and commits.

aiokafka would wait half a minute for an answer on a connection that has died without a word. Here fetches and heartbeats,
which brokers answer at once, are given up after some seconds, and their connection with them.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import Any, NamedTuple

from aiokafka.client import ConnectionGroup
from aiokafka.conn import CloseReason
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    CommitFailedError,
    GroupAuthorizationFailedError,
    IllegalStateError,
    KafkaError,
    TopicAuthorizationFailedError,
)
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from agents import tracing
from agents.records import Fetched, FetchedEnd

# Faust asks brokers to wait 1.5 s for records; meanwhile nothing else is fetched from that node, whatever arrives there.
FETCH_MAX_WAIT_MS = 100
COMMIT_TIMEOUT_S = 5.0  # aiokafka would try for as long as brokers are away, and nobody could let go of anything
LAST_COMMIT_TIMEOUT_S = 1.0  # when the worker ends: whoever comes next only publishes more of it again
LEAVE_TIMEOUT_S = 1.5  # a group that does not hear that a member leaves finds out by itself
SILENCE_S = 8.0  # a broker answers a fetch within FETCH_MAX_WAIT_MS, if only with the first bytes of many
HEARTBEAT_TIMEOUT_S = 4.0  # time for two more tries within the session's 15 s
FORBIDDEN = (ClusterAuthorizationFailedError, GroupAuthorizationFailedError, TopicAuthorizationFailedError)


class LogStart(NamedTuple):
    """What is known of a partition when it is assigned."""

    begin: int  # the first offset that the log still has
    end: int  # the next one that it will have
    committed: int | None  # what a worker of this group last committed
    note: str = ""  # what it noted with that


class Mark(int):
    """An offset to be committed, with a note for whoever begins there."""

    note: str

    @classmethod
    def of(cls, offset: int, note: str) -> "Mark":
        """Put the two together."""
        mark = cls(offset)
        mark.note = note
        return mark


class FetchingClient:
    """In place of `Fetcher._client`: the same, but answers to fetches of the given topics keep their bytes."""

    def __init__(self, client: Any, topics: Collection[str]) -> None:
        self._client = client
        self._topics = topics

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def send(self, node_id: int, request: Any, **options: Any) -> Any:
        """Ask a broker."""
        if not isinstance(request, FetchRequest):
            return await self._client.send(node_id, request, **options)
        began_ns = time.time_ns()
        answer = await self._unless_silent(node_id, asyncio.create_task(self._client.send(node_id, request, **options)))
        size = sum(len(each[-1] or b"") for topic, partitions in answer.topics for each in partitions)
        cause = tracing.fetched(began_ns, broker=node_id, bytes=size) if size else None
        for topic, partitions in answer.topics:
            if topic in self._topics:
                partitions[:] = [
                    (partition, error, FetchedEnd.of(end, records or b"", cause), *others, records)
                    for partition, error, end, *others, records in partitions
                ]
        return answer

    async def _unless_silent(self, node_id: int, answer: asyncio.Task[Any]) -> Any:
        """Return the answer; where nothing of it comes for some seconds, close the connection, which fails the task."""
        arrived = 0
        try:
            while not (await asyncio.wait({answer}, timeout=SILENCE_S))[0]:
                connection = self._client._conns.get((node_id, ConnectionGroup.DEFAULT))
                if connection is None or not connection.connected():
                    continue  # it is being made, or has just been closed
                before, arrived = arrived, len(connection._reader._buffer)
                if arrived <= before:
                    connection.close(reason=CloseReason.CONNECTION_TIMEOUT)
            return answer.result()
        finally:
            answer.cancel()


class Membership:
    """How a member of the group is kept in it; wraps two methods of aiokafka's coordinator."""

    def __init__(self, coordinator: Any, client: Any) -> None:
        self.confirmed_s = -math.inf  # when the group last confirmed that this is its member, by time.monotonic()
        self._coordinator = coordinator
        self._client = client
        self._beat: Callable[[], Awaitable[bool]] = coordinator._do_heartbeat
        coordinator._do_heartbeat = self._beat_in_time

    def confirm(self) -> None:
        """Take note that the group has this member now."""
        self.confirmed_s = time.monotonic()

    async def _beat_in_time(self) -> bool:
        began_s = time.monotonic()
        try:
            async with asyncio.timeout(HEARTBEAT_TIMEOUT_S):
                beaten = await self._beat()
        except TimeoutError:
            connection = self._client._conns.get((self._coordinator.coordinator_id, ConnectionGroup.COORDINATION))
            if connection is not None:
                connection.close(reason=CloseReason.CONNECTION_TIMEOUT)
            self._coordinator.coordinator_dead()
            return False
        if beaten:
            self.confirmed_s = began_s
        return bool(beaten)

    @property
    def error(self) -> Exception | None:
        """What aiokafka's coordinator has stopped for, if it has: it tells whoever waits for records, and waits to be asked."""
        error: Exception | None = self._coordinator._pending_exception
        return error

    def mend(self) -> Exception | None:
        """Return what the coordinator has stopped for, if it has, and have it go on.

        Raises
        ------
        aiokafka.errors.KafkaError
            It cannot go on.
        """
        stopped = self._coordinator._coordination_task.done()
        found: Exception | None = None
        try:
            self._coordinator.check_errors()
        except KafkaError as error:
            if stopped:
                raise
            found = error
            self._coordinator.request_rejoin()  # which starts the heartbeats anew, too
        return found


class BatchConsumerThread(driver.AIOKafkaConsumerThread):
    """The thread in which aiokafka fetches and unpacks."""

    app: Any  # a BatchApp
    _membership: Membership | None = None
    ends = False  # whether the worker ends: nothing may take long

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
        consumer = self._ensure_consumer()
        self._membership = Membership(consumer._coordinator, consumer._client)
        fetcher = consumer._fetcher
        fetcher._client = FetchingClient(fetcher._client, self.app.batch_topics)
        fetcher._records = Fetched(self.app.batch_topics)

    async def on_partitions_assigned(self, assigned: Any, generation_id: int = 0) -> None:
        """Take note that the group has just taken this member in."""
        if self._membership is not None:
            self._membership.confirm()
        await super().on_partitions_assigned(assigned, generation_id)

    @property
    def unconfirmed_s(self) -> float:
        """How long ago the group last confirmed this member, seconds; infinite before it did."""
        return math.inf if self._membership is None else time.monotonic() - self._membership.confirmed_s

    async def _fetch_records(self, *arguments: Any, **options: Any) -> Any:
        try:
            return await super()._fetch_records(*arguments, **options)
        except KafkaError as error:
            membership = self._membership
            if membership is None or membership.error is None or isinstance(error, FORBIDDEN):
                raise
            return {}  # no reason to crash: it is mended

    async def mend(self) -> Exception | None:
        """See `Membership.mend`."""
        error: Exception | None = await self.call_thread(self._mend)
        return error

    async def _mend(self) -> Exception | None:
        return None if self._membership is None else self._membership.mend()

    async def on_thread_stop(self) -> None:
        """Leave the group and disconnect.

        Faust would first run the calls that wait for this thread, and one that waits for an assignment never ends.
        """
        consumer = self._consumer
        if consumer is not None:
            try:
                async with asyncio.timeout(LEAVE_TIMEOUT_S):
                    await self._leave(consumer)
            except (TimeoutError, asyncio.CancelledError):
                # aiokafka cancels its fetches, and while a broker is away one of them lets that escape.
                await _disconnect(consumer)
        await super().on_thread_stop()

    async def _leave(self, consumer: Any) -> None:
        if consumer._coordinator is not None:
            # Else it would finish first what it is at: a join takes as long as the slowest other member.
            joining = consumer._coordinator._coordination_task
            while not joining.done():  # parts of aiokafka swallow the cancellation
                joining.cancel()
                await asyncio.wait({joining}, timeout=0.1)
        await consumer.stop()

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """Commit offsets; return whether the group has them. If not, it is tried again later."""
        owned = self.assignment()
        asked = {
            TopicPartition(*each): OffsetAndMetadata(n, getattr(n, "note", ""))
            for each, n in offsets.items()
            if each in owned
        }
        timeout_s = LAST_COMMIT_TIMEOUT_S if self.ends else COMMIT_TIMEOUT_S
        try:
            async with asyncio.timeout(timeout_s):
                await self._ensure_consumer().commit(asked)
        except TimeoutError:
            if self.ends:  # otherwise it is tried again, and has been said that brokers are away
                self.log.warning("The last offsets could not be committed within %g s", timeout_s)
        except (CommitFailedError, IllegalStateError) as error:  # the partitions are being shared out anew
            self.log.info("The offsets were not committed: %s", error)
        except KafkaError as error:
            self.log.warning("The offsets could not be committed: %r", error)
        else:
            return True
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
        ends = await consumer.end_offsets(partitions)
        committed = await consumer._coordinator.fetch_committed_offsets(partitions)
        marks = {each: (mark.offset, mark.metadata) for each, mark in committed.items() if mark.offset >= 0}
        return {TP(*each): LogStart(begins[each], ends[each], *marks.get(each, (None,))) for each in partitions}

    def fetch_state(self, partition: TP) -> Any:
        """Return aiokafka's state of an assigned partition, or None."""
        subscription = self._ensure_consumer()._subscription.subscription
        assignment = subscription.assignment if subscription is not None else None
        return assignment.state_value(TopicPartition(*partition)) if assignment is not None else None


async def _disconnect(consumer: Any) -> None:
    """Close the connections of an aiokafka consumer that could not be stopped in time; say good-bye to nobody."""
    with contextlib.suppress(TimeoutError, asyncio.CancelledError):
        async with asyncio.timeout(LEAVE_TIMEOUT_S / 3):
            await consumer._client.close()
