"""A worker: the states of the partitions that it owns, fed by the batch transport, published and scraped.

The log is the truth. A partition that comes is read from the log's beginning (or from where its state, still at hand,
has got to) and counts as complete when it has caught up once; until then none of its indices is shown. What is
committed to the group is a mark of what was published: reading the log again publishes nothing from before it.
"""

import asyncio
import logging
import time
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Protocol

import msgspec
import numpy as np
from faust.types import TP
from numpy.typing import NDArray

from agents.app import APACHE_KAFKA, BatchApp, GroupTimes, create_app
from agents.cluster import input_topics, security_of
from agents.gate import PartitionBatch
from agents.outbox import Outbox
from agents.outputs import Outputs
from agents.owned import SURVEY_TOPICS, Owned
from agents.sending import Message
from agents.telemetry import Telemetry
from agents.transport import Hooks, LogStart
from streams.clock import EventClock, WallClock
from streams.configuration import Configuration
from streams.engine import NO_EVENTS, Engine, Partition
from streams.events import EVENT_NAMES
from streams.intake import Intake, take_in
from streams.outputs import Indices, Survey
from streams.published import PublishedIndices
from streams.structs import Reject
from streams.surveys import records, revise, surveys

LAST_WORDS_S = 10.0  # a broker that is away must not keep a worker from stopping
TICK_S = 0.2  # how soon silence shows when nothing else happens
INDICES_AT_ONCE = 50  # messages of all indices of an entity; others get their turn between
CONSEQUENCES_AT_ONCE = 4000  # dead letters and messages to be moved: a batch may consist of them

log = logging.getLogger("kqi.worker")
encode = msgspec.json.Encoder().encode


class Watcher(Protocol):
    """Someone who looks on (the page of the demo); must be quick."""

    def survey(self, survey: Survey) -> None:
        """A survey changed."""

    def reject(self, reject: Reject, batch: PartitionBatch) -> None:
        """A message became a dead letter."""


class Worker:
    """One member of the group."""

    def __init__(
        self,
        configuration: Configuration,
        partitions: int,
        *,
        event_clock: bool = False,
        group_times: GroupTimes = APACHE_KAFKA,
        watcher: Watcher | None = None,
    ) -> None:
        self.configuration = configuration
        self.engine = Engine(configuration)
        self.telemetry = Telemetry()
        self.outputs = Outputs(configuration, partitions)
        self.owned: dict[int, Owned] = {}
        self.assigned = False
        self._said_ready = False
        self.app: BatchApp | None = None
        self._event_clock = EventClock() if event_clock else None
        self._group_times = group_times
        self._topics = input_topics(configuration)
        self._watcher = watcher
        self._outbox = Outbox(self.outputs.deliver)
        self._indices_due_s = 0.0

    # Life ----------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Join the group; returns when partitions are assigned."""
        await self.outputs.start()
        self.app = create_app(
            self.configuration.kafka.group,
            self.configuration.kafka.bootstrap,
            self._topics,
            self.handle,
            Hooks(on_assigned=self._on_assigned, start_offsets=self._start_offsets, on_revoked=self._on_revoked),
            group_times=self._group_times,
            security=security_of(self.configuration),
        )
        await self.app.start()

    async def stop(self) -> None:
        """Leave the group; what was applied has been published, or was not marked as done and will be by who reads it next."""
        if self.app is not None:
            await self.app.stop()
        try:
            async with asyncio.timeout(LAST_WORDS_S):
                await self._outbox.flush()
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not hide why the worker stops
            log.warning("not everything was published: %r", error)
        finally:
            await self.outputs.stop()

    async def publish_forever(self) -> None:
        """Publish what there is to be published."""
        await self._outbox.run()

    async def tick_forever(self) -> None:
        """Let time pass and publish what it changes."""
        while True:
            self.pass_time()
            await self._apply_what_waited()
            self._say_ready()
            await self._note_indices()
            await asyncio.sleep(TICK_S)

    def _say_ready(self) -> None:
        if self.ready and not self._said_ready:
            self._said_ready = True
            log.info("ready: every partition owned is complete")

    # Partitions come and go ----------------------------------------------------------------------------------------

    async def _on_assigned(self, partitions: Collection[TP]) -> None:
        numbers = {partition.partition for partition in partitions}
        self.owned = {number: self.owned.get(number) or self._new(number) for number in sorted(numbers)}
        self.assigned = True
        self._said_ready = False
        log.info("owns %d of the partitions: %s", len(numbers), ", ".join(map(str, sorted(numbers))) or "none")

    def _new(self, number: int) -> Owned:
        return Owned(number, self.engine.new_partition(), self._event_clock or WallClock())

    async def _start_offsets(self, logs: Mapping[TP, LogStart]) -> Mapping[TP, int]:
        return {
            partition: self.owned[partition.partition].start(
                self._topics[partition.topic], log.begin, log.committed or 0
            )
            for partition, log in logs.items()
        }

    async def _on_revoked(self, _partitions: Collection[TP]) -> None:
        self.assigned = False
        for owned in self.owned.values():
            async with owned.turn:  # a tick may be at work on what waited
                pass
        await self._outbox.flush()

    # Batches -------------------------------------------------------------------------------------------------------

    async def handle(self, batch: PartitionBatch) -> None:
        """Apply a batch; returns when all that it caused is published."""
        owned = self.owned[batch.partition]
        topic = self._topics[batch.topic]
        if topic not in SURVEY_TOPICS:
            await self._apply(owned, topic, batch)
            return
        async with owned.turn:
            for part in owned.parts(batch, topic):
                await self._apply(owned, self._topics[part.topic], part)

    async def _apply(self, owned: Owned, topic: str, batch: PartitionBatch) -> None:
        began = time.perf_counter()
        mark = owned.marks.get(topic, 0)
        intake = take_in(
            batch.values,
            batch.keys,
            batch.append_ms,
            owned.state.names,
            topic=topic,
            partition=batch.partition,
            partition_of=self.outputs.office_partitions.__getitem__,
            clock_ms=owned.state.topic_clock_ms.get(topic, 0),
            horizon_ms=self.configuration.horizon_ms(topic),
            longest_window_ms=self.configuration.longest_window_ms,
        )
        owned.state.topic_clock_ms[topic] = intake.clock_ms
        rows = self.engine.step(owned.state, intake.events, owned.clock)
        owned.next_offsets[topic] = batch.next_offset
        self._note_surveys(owned, rows, published=topic in SURVEY_TOPICS and batch.next_offset <= mark)
        self._count(owned, intake)
        self.telemetry.batch_seconds.observe(time.perf_counter() - began)
        consequences = self._consequences(batch, intake, mark)
        while some := list(islice(consequences, CONSEQUENCES_AT_ONCE)):
            self._outbox.add(some)
            await self._outbox.make_room()
        if batch.next_offset > mark:
            # What waits must not hold on to the batch.
            self._outbox.add((), partial(self._mark_done, TP(batch.topic, batch.partition), batch.next_offset))
        await self._outbox.make_room()

    def _mark_done(self, partition: TP, next_offset: int) -> None:
        if self.app is not None:
            self.app.batches.mark_done(partition, next_offset)

    async def _apply_what_waited(self) -> None:
        """Apply what waited for a mark that turned out to lie beyond the end of its topic."""
        for owned in list(self.owned.values()):
            async with owned.turn:
                for part in owned.released():
                    if not self.assigned:
                        return  # it is read again
                    await self._apply(owned, self._topics[part.topic], part)

    def _consequences(self, batch: PartitionBatch, intake: Intake, mark: int) -> Iterator[Message]:
        """Dead letters and messages to be moved, of those that lie at or after the mark."""
        for reject in intake.rejects:
            self.telemetry.dead_letters.labels(reject.reason).inc()
            if self._watcher is not None:
                self._watcher.reject(reject, batch)
            if batch.offsets[reject.position] >= mark:
                yield self._dead_letter(batch, reject)
        for position, office in intake.misrouted:
            self.telemetry.misrouted.inc()
            offset = int(batch.offsets[position])
            if offset >= mark:
                origin = f"{batch.topic}/{batch.partition}/{offset}".encode()
                yield Message(
                    batch.topic,
                    self.outputs.office_partitions[office],
                    office.encode(),
                    batch.values.at(position),
                    (("moved-from", origin),),
                )

    def _dead_letter(self, batch: PartitionBatch, reject: Reject) -> Message:
        headers = (
            ("reason", reject.reason.encode()),
            ("topic", batch.topic.encode()),
            ("partition", str(batch.partition).encode()),
            ("offset", str(batch.offsets[reject.position]).encode()),
        )
        topic = self.outputs.prefix + "dead-letters"
        position = reject.position
        return Message(topic, batch.partition, batch.keys.at(position), batch.values.at(position), headers)

    def _count(self, owned: Owned, intake: Intake) -> None:
        counts = np.bincount(intake.events.rows["kind"], minlength=len(EVENT_NAMES))
        for kind in np.flatnonzero(counts).tolist():
            self.telemetry.events.labels(EVENT_NAMES[kind]).inc(int(counts[kind]))
        self.telemetry.late.inc(intake.late)
        self.telemetry.duplicates.inc(owned.state.duplicates - owned.duplicates_told)
        owned.duplicates_told = owned.state.duplicates
        self.telemetry.last_event.set(max(each.state.greatest_ts_ms for each in self.owned.values()) / 1000)

    # Time ----------------------------------------------------------------------------------------------------------

    def pass_time(self) -> None:
        """Bring every partition to the present; a scrape does so, too."""
        now_ms = time.time_ns() // 1_000_000
        progress = self.app.batches.progress() if self.app is not None else {}
        for owned in self.owned.values():
            behind = [
                topic
                for name, topic in self._topics.items()
                if (reached := progress.get(TP(name, owned.number))) is None or not reached.caught_up
            ]
            if not behind:
                owned.caught_up()
            if isinstance(owned.clock, WallClock):
                owned.clock.wall_ms = now_ms
                owned.clock.caught_up = not behind
                owned.clock.presses_caught_up = "presses" not in behind and not owned.waiting
            self._note_surveys(owned, self.engine.step(owned.state, NO_EVENTS, owned.clock))

    @property
    def ready(self) -> bool:
        """Whether partitions are assigned and the state of every one is complete."""
        return self.assigned and all(owned.complete for owned in self.owned.values())

    @property
    def shown(self) -> list[Partition]:
        """States whose indices may be shown."""
        return [owned.state for owned in self.owned.values() if owned.complete] if self.assigned else []

    # Surveys -------------------------------------------------------------------------------------------------------

    def _note_surveys(self, owned: Owned, rows: NDArray[np.int32], *, published: bool = False) -> None:
        """Queue the records of changed surveys, unless they were ``published`` before."""
        if owned.is_quiet:
            return
        if published:
            rows = rows[:0]
        if owned.was_quiet:
            owned.was_quiet = False
            rows = np.union1d(rows, owned.recently_decided()).astype(np.int32)
        revise(owned.state, rows, time.time_ns() // 1_000_000)
        self.telemetry.survey_changes.inc(rows.size)
        self._outbox.add(self.outputs.survey_records(owned.number, some) for some in records(owned.state, rows))
        if self._watcher is not None:
            for survey in surveys(owned.state, rows):
                self._watcher.survey(survey)

    async def _note_indices(self) -> None:
        """Have the indices published that changed, when it is time again."""
        if time.monotonic() < self._indices_due_s or not self.assigned:
            return
        self._indices_due_s = time.monotonic() + self.configuration.indices_interval_s
        for owned in [owned for owned in self.owned.values() if owned.complete]:
            changes = owned.published.changes(self.engine, owned.state)
            while some := list(islice(changes, INDICES_AT_ONCE)):
                self._outbox.add(map(self._index_message, some))
                await self._outbox.make_room()
                await asyncio.sleep(0)
                if not self.assigned:  # from now on others tell; if the partition comes back, all of it is told again
                    owned.published = PublishedIndices()
                    return

    def _index_message(self, indices: Indices) -> Message:
        key = encode((indices.office_id, indices.scope, indices.employee_id or indices.queue))
        return self.outputs.to_office("indices", indices.office_id, encode(indices), key)
