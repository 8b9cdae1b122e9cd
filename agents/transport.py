"""The batch transport: Faust's aiokafka driver, made to carry partition batches through it by subclassing.

Faust keeps the membership of the group, the assignment of partitions, the supervision and the agents; one event of an
agent on a batch topic is a `PartitionBatch` of thousands of records. What Faust and aiokafka do to single records
(acknowledging, offset gaps, dropping what was read before) does not fit batches, so none of it is used for batch topics:

* where reading starts is chosen by the application after each assignment (`Hooks.start_offsets`);
* what the application gets is decided by the `Gate` alone, whatever is lost, repeated or late below it;
* what is committed is what the application called `mark_done` for: a mark for people and for lag monitors.

Topics that are no batch topics go through Faust as ever.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import faust
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition
from faust.tables.recovery import RebalanceAgain
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage
from mode import Service

from agents.fetching import BatchConsumerThread, LogStart, Mark
from agents.gate import Gate, PartitionBatch
from agents.losses import LogLostError, Losses
from agents.records import readable_end

__all__ = ["BatchSchema", "BatchTransport", "Hooks", "LogStart", "PartitionBatch", "Progress"]

# Brokers answer several times a second while there is nothing new. Where they fall silent, nobody knows what is new:
# a partition then no longer counts as caught up.
ANSWER_VALID_MS = 1000
CHECK_LOST_S = 1.0
MEND_S = 1.0
ASK_AGAIN_S = 1.0


class Progress(NamedTuple):
    """How far a partition has been handled."""

    next_offset: int  # handled up to here, exclusive
    end_offset: int  # the end of what can be read, at the last answer of the broker; -1 before the first
    answer_age_ms: int  # how old that answer is

    @property
    def caught_up(self) -> bool:
        """Whether all has been handled that there is, or was a second ago; true for an empty partition, too."""
        return 0 <= self.end_offset <= self.next_offset and self.answer_age_ms <= ANSWER_VALID_MS


async def _nothing(_partitions: Collection[TP]) -> None:
    """Do nothing on this occasion."""


async def from_the_beginning(partitions: Mapping[TP, LogStart]) -> Mapping[TP, int]:
    """Choose to read all that the log has."""
    return {partition: log.begin for partition, log in partitions.items()}


def _no_haste() -> None:
    """Do nothing before partitions are let go."""


@dataclass(frozen=True)
class Hooks:
    """What the application does when partitions of batch topics come and go, one at a time."""

    #: These partitions are ours now, the complete set. None of their batches has been delivered yet.
    on_assigned: Callable[[Collection[TP]], Awaitable[None]] = _nothing
    #: After on_assigned: where to start each partition. Chosen before what the log still has, it starts at the log's begin.
    start_offsets: Callable[[Mapping[TP, LogStart]], Awaitable[Mapping[TP, int]]] = from_the_beginning
    #: Partitions are about to be let go: handlers at work must come to their end, and wait for nobody.
    on_letting_go: Callable[[], None] = _no_haste
    #: The same partitions are let go; some may come back with the next assignment. No handler is at work,
    #: no batch is delivered any more, and what is marked as done in here is still committed. Not called after a failure.
    on_revoked: Callable[[Collection[TP]], Awaitable[None]] = _nothing


class BatchSchema(faust.Schema[Any, Any]):
    """Hands the batch through Faust as the event's value."""

    def loads_value(self, app: Any, message: Any, *, loads: Any = None, serializer: Any = None) -> Any:  # noqa: ARG002
        """Return the batch as it is."""
        return message.value


class _ReadOffsets(defaultdict[Any, Any]):
    """In place of `Consumer._read_offset`: Faust is told that nothing was read of batch topics, so it drops none of it."""

    def __init__(self, topics: Collection[str]) -> None:
        super().__init__(lambda: None)
        self._topics = topics

    def __getitem__(self, partition: Any) -> Any:
        return None if partition.topic in self._topics else super().__getitem__(partition)


class BatchConsumer(driver.Consumer):
    """Faust's consumer, with the batch topics' partitions delivered, started and committed as the application says."""

    app: Any  # a BatchApp
    _thread: BatchConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.gate = Gate()
        self._batch_topics: Collection[str] = self.app.batch_topics
        self._hooks: Hooks = self.app.hooks
        self._read_offset = _ReadOffsets(self._batch_topics)
        self._done: dict[TP, int] = {}
        self.commits = 0  # that the group took
        self._assigned: frozenset[TP] | None = None
        self._taking_over: asyncio.Task[None] | None = None
        self._letting_go = asyncio.Lock()
        self.app.on_rebalance_complete.connect(self._after_rebalance)

    def _new_consumer_thread(self) -> BatchConsumerThread:
        return BatchConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def mark_done(self, partition: TP, next_offset: int, note: str = "") -> None:
        """Have this offset committed, soon: all before it has been handled and its outcome is safe.

        The note comes back as that of a `LogStart`.
        """
        if self._assigned is not None and partition in self._assigned:
            self._done[partition] = Mark.of(next_offset, note)

    def progress(self) -> dict[TP, Progress]:
        """Return how far each partition has been handled; empty while partitions are being assigned."""
        now_ms = int(time.time() * 1000)
        found = {}
        for partition, next_offset in self.gate.next_offsets.items():
            state = self._thread.fetch_state(partition)
            if state is not None:
                found[partition] = Progress(next_offset, readable_end(state), now_ms - (state.timestamp or 0))
        return found

    async def let_go(self) -> None:
        """Stop delivering, wait for the handlers at work, tell the application, and commit what it marked as done."""
        taking_over, self._taking_over = self._taking_over, None
        if taking_over is not None:
            taking_over.cancel()
            await asyncio.wait({taking_over})
        self._hooks.on_letting_go()
        await self.gate.close()
        async with self._letting_go:  # a rebalance and the end of the app may come at once
            try:
                if self._assigned is not None and not self.gate.failed:
                    await self._hooks.on_revoked(self._assigned)
                    await self.maybe_wait_for_commit_to_finish()  # which may be of less than is done by now
                    await self.commit()
            finally:
                self._assigned = None
                self._done.clear()

    async def on_partitions_revoked(self, revoked: set[Any]) -> None:
        """Let go, before Faust forgets what it knows of the partitions and the group gives them to others."""
        try:
            await self.let_go()
        except Exception as error:  # noqa: BLE001 - aiokafka would log it and go on
            await self.app.crash(error)
        await super().on_partitions_revoked(revoked)

    async def _after_rebalance(self, _app: Any, **_: Any) -> None:
        """Take over what is assigned, in a task of its own, because the next rebalance may come before it is done."""
        task = self._taking_over = asyncio.create_task(self._take_over())
        try:
            await task
        except asyncio.CancelledError:
            if task.cancelled() and not task.cancelling():  # nobody asked for it: a library let it escape
                await self.app.crash(RuntimeError("taking over the partitions was cut short"))
            if self._taking_over is task:  # it is Faust that stops
                raise
            raise RebalanceAgain from None

    async def _take_over(self) -> None:
        assigned = frozenset(tp for tp in self.assignment() if tp.topic in self._batch_topics)
        self._assigned = assigned
        await self._hooks.on_assigned(assigned)
        logs = await self._log_starts(assigned) if assigned else {}
        chosen = await self._hooks.start_offsets(logs)
        for partition, log in logs.items():
            if chosen[partition] < log.begin:
                self.log.warning(
                    "%s: starts at %d, no longer at %d",
                    *(partition, log.begin, chosen[partition]),
                    extra=_place(partition, log.begin),
                )
        self._committed_offset.update({partition: log.committed for partition, log in logs.items()})
        self.gate.open({partition: max(chosen[partition], log.begin) for partition, log in logs.items()})

    async def _log_starts(self, partitions: Collection[TP]) -> dict[TP, LogStart]:
        """Ask for the starts of logs until brokers tell them; the next rebalance ends it, too."""
        while True:
            try:
                return await self._thread.log_starts(partitions)
            except (KafkaError, TimeoutError) as error:
                self.log.info("Where logs begin could not be asked for: %r", error)
                await asyncio.sleep(ASK_AGAIN_S)

    async def perform_seek(self) -> None:
        """Have every partition read from where it is to go on."""
        await super().perform_seek()
        await self._read_from(dict(self.gate.next_offsets))

    async def _read_from(self, offsets: Mapping[TP, int]) -> None:
        if offsets:
            await self._thread.seek_wait({TopicPartition(*each): offset for each, offset in offsets.items()})

    def _to_message(self, tp: Any, record: Any) -> Any:
        if not isinstance(record, PartitionBatch):
            return super()._to_message(tp, record)
        return ConsumerMessage(
            record.topic,
            record.partition,
            record.base_offset,
            time.time(),
            0,  # timestamp type
            None,  # headers
            None,  # key
            cast("Any", record),  # the value: Faust hands it through to the schema
            None,  # checksum
            0,
            record.values.size,
            tp,
            generation_id=self.app.consumer_generation_id,
        )

    def _filter_committable_offsets(self, tps: Iterable[Any]) -> dict[Any, int]:
        offsets = dict(super()._filter_committable_offsets(tp for tp in tps if tp.topic not in self._batch_topics))
        offsets.update(self.uncommitted)
        return offsets

    async def _commit_offsets(self, offsets: Mapping[TP, int], start_new_transaction: bool = True) -> bool:
        before = {each: self._committed_offset[each] for each in offsets}
        committed = await super()._commit_offsets(offsets, start_new_transaction)
        self.commits += committed
        if not committed:  # Faust would not try again
            self._committed_offset.update(before)
        return bool(committed)

    async def _handle_attached(self, commit_offsets: Mapping[TP, int]) -> None:
        """Do nothing: no agent attaches messages to what it has read, and Faust's producer is not started for them."""

    @property
    def failed(self) -> bool:
        """Whether a handler failed: nothing is delivered any more, and nothing more is told, stored or committed."""
        return self.gate.failed

    def fail(self) -> None:
        """Take the application for failed, as when a handler does."""
        self.gate.fail()

    @property
    def unconfirmed_s(self) -> float:
        """How long ago the group last confirmed that this worker is its member, seconds."""
        return self._thread.unconfirmed_s

    @property
    def uncommitted(self) -> dict[TP, int]:
        """What is marked as done and was not committed so far."""
        return {each: done for each, done in self._done.items() if done != self._committed_offset[each]}

    def hurry(self) -> None:
        """From now on let nothing take long that brokers are asked for, because the worker ends."""
        self._thread.ends = True

    @Service.task
    async def _mend_membership(self) -> None:
        async for _ in self.itertimer(MEND_S, name="membership"):
            try:
                error = await self._thread.mend()
            except KafkaError as fatal:
                await self.app.crash(fatal)
                return
            if error is not None:
                self.log.warning("The group could not keep this worker (%s): joining again", error)

    @Service.task
    async def _read_again_what_was_lost(self) -> None:
        losses = Losses()
        async for _ in self.itertimer(CHECK_LOST_S, name="lost batches"):
            if self.app.rebalancing:
                continue
            try:
                lost = losses.check(self.gate.next_offsets, self._positions())
            except LogLostError as error:
                await self.app.crash(error)
                return
            if lost:
                await self._read_again(lost)

    def _positions(self) -> dict[TP, int]:
        """Return where aiokafka stands in the open partitions."""
        states = {each: self._thread.fetch_state(each) for each in self.gate.next_offsets}
        return {
            each: state.position for each, state in states.items() if state is not None and state.has_valid_position
        }

    async def _read_again(self, lost: Iterable[TP]) -> None:
        try:
            for partition, log in (await self._thread.log_starts(lost)).items():
                if log.begin > self.gate.next_offsets.get(partition, log.begin):
                    self.log.warning(
                        "%s: records before %d expired before they were read",
                        *(partition, log.begin),
                        extra=_place(partition, log.begin),
                    )
                    self.gate.skip(partition, log.begin)
            again = {each: offset for each, offset in self.gate.next_offsets.items() if each in lost}
            self.log.info("Reading again: %s", again)
            await self._read_from(again)
        except (KafkaError, TimeoutError) as error:  # the next check tries again, if the partitions are still ours
            self.log.info("Could not read again: %r", error)


def _place(partition: TP, offset: int) -> dict[str, object]:
    """Fields of the log."""
    return {"topic": partition.topic, "partition": partition.partition, "offset": offset}


class BatchTransport(driver.Transport):
    """Faust's transport with our consumer."""

    Consumer = BatchConsumer
