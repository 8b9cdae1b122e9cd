"""A worker: the states of the partitions that it owns, fed by the batch transport, published and scraped.

The log is the truth. A partition that comes is read from where its last checkpoint was taken (or its state, still at hand, has
got to; or else from the log's beginning) and counts as complete when it has caught up once; until then none of its
indices is shown. What is committed to the group is a mark of what was published and stored: reading the log again
publishes nothing from before it.
"""

import asyncio
import logging
import time
from collections.abc import Collection, Mapping
from functools import partial

import numpy as np
from faust.types import TP
from numpy.typing import NDArray

from agents import tracing
from agents.app import APACHE_KAFKA, BatchApp, GroupTimes, create_app
from agents.checkpoint_log import CheckpointLog
from agents.checkpointing import Checkpointing
from agents.checkpoints import Checkpoints
from agents.cluster import input_topics, security_of
from agents.company import Peerage
from agents.directory import Directing
from agents.gate import PartitionBatch
from agents.holdings import Holdings
from agents.notes import Note
from agents.outputs import Outputs
from agents.owned import SURVEY_TOPICS, Owned
from agents.publishing import Publishing, Watcher
from agents.telemetry import Telemetry
from agents.told_log import ToldLog
from agents.transport import Hooks, LogStart
from agents.watch import Seen
from streams.clock import EventClock, WallClock
from streams.configuration import Configuration
from streams.directory import Office
from streams.engine import Engine
from streams.events import EVENT_NAMES
from streams.fates import note_batch
from streams.intake import Intake, take_in
from streams.partition import NO_EVENTS, Events, Partition

LAST_OUTPUTS_S = 2.0  # a broker that is away must not keep a worker from letting go: see agents.ending
SENDING_SHARE = 0.5  # of a session, for which a message may be on its way: none arrives when others have taken over
TICK_S = 0.2  # how soon silence shows when nothing else happens

log = logging.getLogger("kqi.worker")


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
        self.directing = Directing(configuration, self.engine)
        self.telemetry = Telemetry()
        self.outputs = Outputs(
            configuration,
            partitions,
            lambda: self.is_surely_a_member and not self._given_up,
            group_times.session_s * SENDING_SHARE,
        )
        self.assigned = False
        self._said_ready = False
        self._given_up = False  # others may tell what we did not, until it is known what they have taken over
        self._broken: Exception | None = None  # by what a state may be half changed
        self.app: BatchApp | None = None
        self._group_times = group_times
        self._topics = input_topics(configuration)
        self._publishing = Publishing(self.engine, self.outputs, self.telemetry, watcher)
        self._outbox = self._publishing.outbox
        self.peerage = Peerage(configuration, self.engine, partitions, self._outbox)
        checkpoints = None
        if configuration.checkpoint_interval_s:
            checkpoints = Checkpoints(CheckpointLog(configuration), self.outputs.deliver, self.engine, partitions)
        self.holdings = Holdings(
            self.engine,
            self._topics,
            self.outputs,
            ToldLog(configuration),
            checkpoints,
            self.telemetry,
            EventClock() if event_clock else None,
        )
        self.checkpointing: Checkpointing | None = None
        if checkpoints is not None:
            self.checkpointing = Checkpointing(
                checkpoints,
                self._outbox,
                self._mark_done,
                self.holdings.told_until,
                configuration.checkpoint_interval_s,
            )

    # Life ----------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Read the directory and join the group; returns when partitions are assigned.

        Raises
        ------
        DirectoryError
            There is no directory that is right.
        """
        await self.outputs.start()
        await self.directing.start()
        self.app = create_app(
            self.configuration.kafka.group,
            self.configuration.kafka.bootstrap,
            self._topics,
            self.handle,
            Hooks(
                on_assigned=self._on_assigned,
                start_offsets=self._start_offsets,
                on_letting_go=self._on_letting_go,
                on_revoked=self._on_revoked,
            ),
            group_times=self._group_times,
            security=security_of(self.configuration),
        )
        await self.app.start()

    async def stop(self) -> None:
        """Leave the group; what was applied has been published, or was not marked as done and will be by who reads it next."""
        await self.directing.stop()
        if self.app is not None:
            await self.app.stop()
        try:
            if not self._given_up and (self.app is None or not self.app.batches.failed):
                await self._publish_the_last()
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not hide why the worker stops
            log.warning("not everything was published: %r", error)
        finally:
            await self.outputs.stop()

    async def _publish_the_last(self) -> bool:
        """Publish what waits, if the brokers take it in time; return whether they did."""
        try:
            async with asyncio.timeout(LAST_OUTPUTS_S):
                await self._outbox.flush()
        except TimeoutError:
            log.warning("not everything was published within %g s: it will be by who reads it next", LAST_OUTPUTS_S)
            return False
        return True

    async def follow_directory_forever(self) -> None:
        """Put every change of the directory in force."""
        await self.directing.forever()

    async def publish_forever(self) -> None:
        """Publish what there is to be published."""
        await self._outbox.run()

    async def checkpoint_forever(self) -> None:
        """Take checkpoints, if that is wanted."""
        if self.checkpointing is None:
            await asyncio.Event().wait()
        else:
            await self.checkpointing.run(lambda: self.owned.values() if self.assigned else ())

    async def tick_forever(self) -> None:
        """Let time pass and publish what it changes."""
        while True:
            self.pass_time()
            try:
                await self._apply_what_waited()
            except Exception as error:
                self._break(error)
                raise
            self._say_ready()
            if self.assigned:
                complete = [owned for owned in self.owned.values() if owned.complete]
                await self._publishing.indices(complete, lambda: self.assigned)
                await self.peerage.tell(complete, lambda: self.assigned)
            await asyncio.sleep(TICK_S)

    def _say_ready(self) -> None:
        if self.ready and not self._said_ready:
            self._said_ready = True
            log.info("ready: every partition owned is complete")

    # Partitions come and go ----------------------------------------------------------------------------------------

    async def _on_assigned(self, partitions: Collection[TP]) -> None:
        numbers = {partition.partition for partition in partitions}
        await self._outbox.keep(numbers)  # others tell the rest
        if self._given_up:
            self.holdings.tell_all_anew()  # who had our partitions meanwhile may have told something else
        self._given_up = self._broken is not None
        await self.holdings.hold(numbers)

    async def _start_offsets(self, logs: Mapping[TP, LogStart]) -> Mapping[TP, int]:
        await self._outbox.flush()  # what we still had to tell would arrive behind what is read back
        starts = await self.holdings.begin(logs)
        self.assigned = True
        self._outbox.make_haste(False)
        self._said_ready = False
        listed = ", ".join(map(str, self.owned)) or "none"
        log.info(
            "owns %d of the partitions: %s; restored %d",
            *(len(self.owned), listed, len(self.holdings.restored)),
            extra={"partitions": list(self.owned)},
        )
        return starts

    def _on_letting_go(self) -> None:
        self.assigned = False
        self._outbox.make_haste()

    async def _on_revoked(self, _partitions: Collection[TP]) -> None:
        self._on_letting_go()
        log.info("lets go of %d partitions", len(self.owned), extra={"partitions": list(self.owned)})
        for owned in self.owned.values():
            async with owned.turn:  # a tick may be at work on what waited
                pass
        checkpointing = self.checkpointing
        if not self.confirmed or not await self._publish_the_last():
            # Others tell what we did not. Nothing of ours may come behind it, and no checkpoint may say that it was told.
            self._given_up = True
            if checkpointing is not None:
                checkpointing.abandon()
        elif checkpointing is not None:
            await checkpointing.last_ones(self.owned.values())

    # Batches -------------------------------------------------------------------------------------------------------

    async def handle(self, batch: PartitionBatch) -> bool:
        """Apply a batch; returns when all that it caused is on its way, False if it is to come again."""
        owned = self.owned[batch.partition]
        topic = self._topics[batch.topic]
        async with owned.turn:
            if topic not in SURVEY_TOPICS:
                await self._apply(owned, topic, batch)
                return True
            if not owned.has_room(batch, topic):
                return False
            for part in owned.parts(batch, topic):
                await self._apply(owned, self._topics[part.topic], part)
            return True

    async def _apply(self, owned: Owned, topic: str, batch: PartitionBatch) -> None:
        place: dict[str, str | int] = {"topic": batch.topic, "partition": batch.partition, "offset": batch.base_offset}
        with tracing.after([batch.cause], "batch", **place, messages=batch.values.size) as span:
            await self._apply_traced(owned, topic, batch, span)

    async def _apply_traced(self, owned: Owned, topic: str, batch: PartitionBatch, span: tracing.Span) -> None:
        began = time.perf_counter()
        self._move_to_then(owned)
        mark = owned.marks.get(topic, 0)
        with tracing.part("decode"):
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
        with tracing.part("step"):
            rows = self._step(owned, intake.events)
        span.note(
            events=intake.events.rows.size,
            dead_letters=len(intake.rejects),
            moved=len(intake.misrouted),
            surveys=rows.size,
        )
        passed = batch.next_offset - owned.next_offsets.get(topic, 0)
        note_batch(owned.state, intake, messages=batch.offsets.size, offsets=passed)
        owned.next_offsets[topic] = batch.next_offset
        self._move_to_then(owned)  # what lay ahead of the time so far had been told of, too
        was_published = topic in SURVEY_TOPICS and batch.next_offset <= mark
        self._publishing.surveys(owned, rows[:0] if was_published else rows)
        self._count(owned, intake)
        self.telemetry.batch_seconds.observe(time.perf_counter() - began)
        await self._publishing.rest(batch, intake, mark)
        if self.checkpointing is None and batch.next_offset > mark:
            # What waits must not hold on to the batch.
            number = batch.partition
            note = Note(self.holdings.told_until(number), owned.state.now, owned.state.asked_by)
            done = partial(self._mark_done, number, topic, batch.next_offset, note)
            self._outbox.add(number, (), done)
        await self._outbox.make_room()

    def _step(self, owned: Owned, events: Events) -> NDArray[np.int32]:
        # What another directory changes of surveys told before must be told, so it waits while all is quiet.
        return self.engine.step(owned.state, events, owned.clock, anew=not owned.is_quiet)

    def _move_to_then(self, owned: Owned) -> None:
        """Where all was read that had been committed, let it be the time that it was then.

        What was told by then follows from these events and that time: what time decides here was told.
        """
        if owned.then is not None and not owned.is_quiet:
            self.engine.move_to(owned.state, owned.then)
            owned.then = None

    def _mark_done(self, number: int, topic: str, next_offset: int, note: Note) -> None:
        """Have an offset committed, with a note of the state that had all before it."""
        if self.app is not None:
            partition = TP(self.configuration.topic_prefix + topic, number)
            self.app.batches.mark_done(partition, next_offset, note.text())

    async def _apply_what_waited(self) -> None:
        """Apply what waited for a mark that turned out to lie beyond the end of its topic."""
        for owned in list(self.owned.values()):
            async with owned.turn:
                for part in owned.released():
                    if not self.assigned:
                        return  # it is read again
                    await self._apply(owned, self._topics[part.topic], part)

    def _count(self, owned: Owned, intake: Intake) -> None:
        counts = np.bincount(intake.events.rows["kind"], minlength=len(EVENT_NAMES))
        for kind in np.flatnonzero(counts).tolist():
            self.telemetry.events.labels(EVENT_NAMES[kind]).inc(int(counts[kind]))
        self.telemetry.late.inc(intake.late)
        self.telemetry.duplicates.inc(owned.state.duplicates - owned.duplicates_told)
        owned.duplicates_told = owned.state.duplicates
        self._note_nameless(owned)
        self.telemetry.last_event.set(max(each.state.greatest_ts_ms for each in self.owned.values()) / 1000)

    def _note_nameless(self, owned: Owned) -> None:
        """Count the events of employees and queues beyond the ceiling; say so once for each partition."""
        names = owned.state.names
        more = names.nameless_events - owned.nameless_told
        if more and not owned.said_nameless:
            owned.said_nameless = True
            log.warning(
                "partition %d has no room for more employees and queues of office %s (names_max is %d for all offices of a "
                "partition): what they do counts for their office alone",
                owned.number,
                names.nameless_office,
                self.configuration.names_max,
                extra={"partition": owned.number, "office": names.nameless_office},
            )
        self.telemetry.nameless.inc(more)
        owned.nameless_told += more

    # Time ----------------------------------------------------------------------------------------------------------

    def pass_time(self) -> None:
        """Bring every partition to the present; a scrape does so, too."""
        if self._broken is not None:
            raise self._broken
        try:
            self._bring_to_the_present()
        except Exception as error:
            self._break(error)
            raise

    def _break(self, error: Exception) -> None:
        """Take note that a state may be half changed: nothing of it may be told or stored, and the worker has to end."""
        self._broken = error
        self._given_up = True
        if self.app is not None:
            self.app.batches.fail()

    def _bring_to_the_present(self) -> None:
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
            self._move_to_then(owned)
            self._publishing.surveys(owned, self._step(owned, NO_EVENTS))
            if owned.complete and owned.told and not owned.is_quiet:
                self._publishing.correct(owned)

    @property
    def owned(self) -> dict[int, Owned]:
        """The partitions that it holds, by number."""
        return self.holdings.owned

    @property
    def ready(self) -> bool:
        """Whether partitions are assigned, still ours as far as can be told, and the state of each is complete and of now."""
        complete = self.assigned and self.confirmed and all(owned.complete for owned in self.owned.values())
        return complete and not self.silent

    @property
    def confirmed(self) -> bool:
        """Whether the group may still have this worker as its member: if it did not hear of it for long, others took over."""
        return self.app is None or self.app.batches.unconfirmed_s <= self._group_times.session_s

    @property
    def is_surely_a_member(self) -> bool:
        """Whether it will still be one when what is sent now arrives, or is given up."""
        surely_s = self._group_times.session_s * (1 - SENDING_SHARE)
        return self.app is None or self.app.batches.unconfirmed_s <= surely_s

    @property
    def silent(self) -> int:
        """Of how many topic partitions the brokers have not answered for a session's time, so that nobody knows what is new."""
        progress = self.app.batches.progress() if self.app is not None else {}
        return sum(reached.answer_age_ms > self._group_times.session_s * 1000 for reached in progress.values())

    @property
    def shown(self) -> list[Partition]:
        """States whose indices may be shown."""
        if not (self.assigned and self.confirmed):
            return []
        return [owned.state for owned in self.owned.values() if owned.complete]

    @property
    def shown_offices(self) -> list[Office]:
        """Offices of the directory whose indices may be shown, whether there are any or not."""
        if not (self.assigned and self.confirmed):
            return []
        complete = {owned.number for owned in self.owned.values() if owned.complete}
        offices = self.engine.directory.offices.values()
        return [office for office in offices if self.outputs.office_partitions[office.id] in complete]

    @property
    def seen(self) -> Seen:
        """What who watches the worker wants to know."""
        batches = self.app.batches if self.app is not None and self.assigned else None
        return Seen(
            assigned=self.assigned,
            partitions=batches.progress() if batches is not None else {},
            confirmed=self.confirmed,
            waiting=self._outbox.waiting,
            published=self._outbox.published,
            refused=self.outputs.refused,
            uncommitted=len(batches.uncommitted) if batches is not None else 0,
            commits=batches.commits if batches is not None else 0,
        )
