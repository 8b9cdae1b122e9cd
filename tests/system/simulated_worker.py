"""A worker without a network: `agents.worker` itself, between a broker in memory and a clock that is told the time.

Nothing happens by itself: batches come when they are fetched, what is published reaches the broker when it is delivered,
offsets are committed when they are told to be. In between the worker goes on until it has to wait for one of these.
It may be dropped at any moment.
"""

import asyncio
import math
from collections import defaultdict, deque
from contextlib import contextmanager
from types import SimpleNamespace
from unittest.mock import patch

from faust.types import TP

from agents import checkpoints, outbox, publishing, worker
from agents.checkpoint_log import CheckpointLog, Stored
from agents.fetching import LogStart
from agents.outputs import NotAMemberError, Outputs
from agents.sending import Bundle
from agents.told_log import Heard, ToldLog
from agents.transport import ANSWER_VALID_MS
from tests.system.schedules import ALL, TOPICS
from tests.system.simulated_broker import values_of

TURNS = 20  # of others, in which everything happens that waits for no broker


class Worker:
    """A member of the group, seen from outside."""

    def __init__(self, broker, configuration, homes, partitions):
        self.broker = broker
        self.is_member = True
        self.failed = False
        self.is_hurried = False  # the next time it lets go there is no time to publish what waits
        self.wire = Wire()
        self.positions = {}  # where reading goes on, by topic and partition
        self.ends = {}  # of the logs, as last heard, by topic and partition
        self.heard_ms = 0
        self.done = {}  # offsets to be committed, by topic and partition
        self.prefix = configuration.topic_prefix
        outputs = partial_of(SimulatedOutputs, broker, self.wire, homes)
        with (
            patch.object(worker, "Outputs", outputs),
            patch.object(worker, "CheckpointLog", partial_of(SimulatedLog, broker)),
            patch.object(worker, "ToldLog", partial_of(SimulatedToldLog, broker)),
        ):
            self.product = worker.Worker(configuration, partitions)
        self.product.app = SimpleNamespace(batches=self)
        self.tasks = [asyncio.create_task(self.product.publish_forever())]
        self.checkpoints = {}  # tasks, by partition

    @property
    def owned(self):
        return self.product.owned

    @property
    def unconfirmed_s(self):
        """How long ago the group confirmed its membership."""
        return 0.0 if self.is_member else math.inf

    def fail(self):
        """Deliver nothing any more."""
        self.failed = True

    def kill(self):
        """End without a word."""
        for task in (*self.tasks, *self.checkpoints.values()):
            task.cancel()

    # What the transport does -----------------------------------------------------------------------------------------

    def mark_done(self, partition, next_offset, note):
        """Have an offset committed, soon."""
        self.done[partition.topic.removeprefix(self.prefix), partition.partition] = next_offset, note

    def progress(self):
        """How far reading has come: up to the end that was last heard of, if that is not too long ago."""
        is_valid = self.broker.now_ms - self.heard_ms <= ANSWER_VALID_MS
        return {
            TP(self.prefix + topic, number): SimpleNamespace(
                caught_up=is_valid and offset >= self.ends.get((topic, number), offset + 1)
            )
            for (topic, number), offset in self.positions.items()
        }

    def hear(self):
        """Be told by the broker how far its logs go."""
        self.heard_ms = self.broker.now_ms
        self.ends = {place: self.broker.logs[place].end for place in self.positions}

    def commit(self):
        """Commit what is done; the group takes it from its members only."""
        if self.is_member:
            self.broker.committed |= self.done

    async def revoke(self):
        """Let go, before partitions are shared out anew."""
        self.positions.clear()
        with patch.object(worker, "LAST_OUTPUTS_S", 0 if self.is_hurried else 2):
            letting_go = asyncio.create_task(self.product._on_revoked(()))
            for _ in range(TURNS if self.is_hurried else 0):
                await asyncio.sleep(0)
            self.is_hurried = False
            await self.waited_for(letting_go)
        self.commit()
        self.done.clear()

    async def assign(self, numbers):
        """Own these partitions from now on, and no others."""
        places = {TP(self.prefix + topic, number): (topic, number) for topic in TOPICS for number in numbers}
        await self.waited_for(self.product._on_assigned(places.keys()))
        logs = {
            each: LogStart(0, self.broker.logs[place].end, *self.broker.committed.get(place, (None, "")))
            for each, place in places.items()
        }
        starts = await self.waited_for(self.product._start_offsets(logs))
        for each, offset in starts.items():
            self.positions[places[each]] = offset

    async def restorable(self, numbers):
        """The numbers of the checkpoints that partitions would be restored from."""
        checkpoints = self.product.checkpointing.checkpoints
        return {number: checkpoints.last(number).number for number in await checkpoints.restore(numbers)}

    async def waited_for(self, work):
        """Let something be done, delivering whatever it waits for; return its result."""
        task = asyncio.ensure_future(work)
        while not task.done():
            await asyncio.sleep(0)
            self.deliver(ALL)
        return await task

    async def fetch(self, topic, number, count):
        """Read the next records of a topic, at most so many."""
        log = self.broker.logs[topic, number]
        begin = self.positions.get((topic, number), log.end)
        if begin < log.end:
            batch = log.batch(self.prefix + topic, number, begin, count)
            await self.product.handle(batch)
            self.positions[topic, number] = batch.next_offset

    # Steps -----------------------------------------------------------------------------------------------------------

    async def tick(self):
        """Let time pass; what has been heard of the broker may be old."""
        self.product.pass_time()
        await self.product._apply_what_waited()

    def checkpoint(self, number):
        """Begin a checkpoint, if none is under way."""
        if number not in self.owned or self.product.checkpointing is None:
            return
        if all(task.done() for task in self.checkpoints.values()):
            checkpoint = self.product.checkpointing._checkpoint_unless_abandoned(self.owned[number])
            self.checkpoints[number] = asyncio.create_task(checkpoint)

    def deliver(self, count, place=None):
        """Let the first messages that are under way reach the broker, those of one topic or of all."""
        self.wire.deliver(self.broker, self.prefix, count, place)

    @property
    def has_caught_up(self):
        """Whether everything has been read and published that there is."""
        return not self.wire and all(offset == self.broker.logs[place].end for place, offset in self.positions.items())


class Wire:
    """Messages on their way to the broker, in order for each topic and partition."""

    def __init__(self):
        self.places = defaultdict(deque)
        self._held = []

    def __bool__(self):
        return any(self.places.values())

    async def hold(self):
        """Return when it is looked again who is a member."""
        self._held.append(asyncio.get_running_loop().create_future())
        await self._held[-1]

    async def send(self, messages):
        """Return when the broker has all of the messages."""
        arrivals = []
        for message in messages:
            arrivals.append(asyncio.get_running_loop().create_future())
            self.places[message.topic, message.partition].append((message, arrivals[-1]))
        for arrival in arrivals:
            await arrival

    def deliver(self, broker, prefix, count, place):
        for each in self._held:
            if not each.done():
                each.set_result(None)
        self._held.clear()
        under_way = [
            queue for (topic, _), queue in sorted(self.places.items()) if place in (None, topic.removeprefix(prefix))
        ]
        for queue in under_way:
            while queue and count:
                count -= 1
                message, arrival = queue.popleft()
                broker.take(message, message.topic.removeprefix(prefix))
                if not arrival.done():  # nobody waits for it any more
                    arrival.set_result(None)


class SimulatedOutputs(Outputs):
    """What a worker publishes goes on the wire."""

    def __init__(self, broker, wire, homes, configuration, partitions, is_member, patience_s):
        super().__init__(configuration, partitions, is_member, patience_s)
        self.office_partitions = homes
        self._broker = broker
        self._wire = wire

    async def deliver(self, messages):
        messages = list(messages)
        if not self._is_member():
            await self._wire.hold()
            raise NotAMemberError
        await self._wire.send(messages)
        for message in messages:
            if isinstance(message, Bundle):
                self._note_place(message.topic, message.partition, self._place_of(message), message.size)

    def _place_of(self, bundle):
        """The offset of the first of a bundle's records, which the broker has."""
        told, values = self._broker.told[bundle.partition], list(values_of(bundle.records))
        return max(at for at in range(len(told)) if told[at : at + len(values)] == values)


class SimulatedLog(CheckpointLog):
    """The topic of checkpoints, read from the broker's memory."""

    def __init__(self, broker, configuration):
        super().__init__(configuration)
        self._broker = broker

    async def read(self, partitions):
        for partition in sorted(partitions):
            stored = Stored({}, {})
            for key, value in self._broker.stored[partition].items():
                self._enter(stored, key, value)
            yield partition, stored

    async def latest_manifests(self, partitions):
        return {partition: stored.manifests async for partition, stored in self.read(partitions)}


class SimulatedToldLog(ToldLog):
    """The topic of surveys, read from the broker's memory."""

    def __init__(self, broker, configuration):
        super().__init__(configuration)
        self._broker = broker

    async def read(self, starts):
        found = {}
        for number, start in starts.items():
            told = self._broker.told[number]
            found[number] = Heard({}, len(told))
            for value in told[start:]:
                self._hear(found[number], value)
        return found


def partial_of(kind, *first):
    """A class with its first arguments given."""
    return lambda *others: kind(*first, *others)


@contextmanager
def told_the_time(broker):
    """The product's clocks show the broker's time; what it does in threads is done at once."""

    async def at_once(function, *arguments):
        return function(*arguments)

    clock = SimpleNamespace(time_ns=lambda: broker.now_ms * 1_000_000, perf_counter=lambda: 0.0, monotonic=lambda: 0.0)
    with (
        patch.object(worker, "time", clock),
        patch.object(publishing, "time", clock),
        patch.object(checkpoints, "time", clock),
        patch.object(outbox, "HELD_S", 0),
        patch.object(asyncio, "to_thread", at_once),
    ):
        yield
