"""Members of a group for tests of the batch transport, and topics with known records for them to read."""

import asyncio
import itertools
import time
import uuid
from collections import defaultdict

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from faust.types import TP

from agents.app import GroupTimes, create_app
from agents.transport import Hooks

PATIENCE_S = 20.0


async def until(condition, what="the condition"):
    """Wait until the condition holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE_S} s for {what}"
        await asyncio.sleep(0.02)


async def stop(app, within_s=10.0):
    """Stop the app, in time. `wait_for` would not do: Faust's services swallow a cancellation of their stop."""
    began_s = time.monotonic()
    await app.stop()
    assert time.monotonic() - began_s < within_s


async def make_topics(bootstrap, partitions, *names, **config):
    """Make topics with names that nobody else has; return the names."""
    unique = uuid.uuid4().hex[:8]
    topics = [f"{name}-{unique}" for name in names]
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        # Brokers expire by the records' own times, and those of `publish` lie in 1970.
        settings = {"retention.ms": "-1"} | {key.replace("_", "."): str(value) for key, value in config.items()}
        await admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=settings) for topic in topics])
    finally:
        await admin.close()
    return topics


async def publish(bootstrap, topic, count, *, partition=0, first=0, **options):
    """Publish records whose key, value and time tell their number."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, **options) as producer:
        for number in range(first, first + count):
            sent = await producer.send(
                topic, b"value %d" % number, key=b"key %d" % number, partition=partition, timestamp_ms=1000 + number
            )
        await sent


class Member:
    """One worker of a group, that writes down what happens to it and checks what must always hold."""

    def __init__(self, bootstrap, group, topics, starts=None, security=None):
        self.assigned = None
        self.taken = self.let_go = 0
        self.at_work = 0
        self.starts = starts or (lambda logs: {each: log.begin for each, log in logs.items()})
        self.logs = {}
        self.periods = defaultdict(list)  # the batches of each partition, a list for each assignment
        self.ends = {}
        self.app = create_app(
            group,
            bootstrap,
            topics,
            self.handle,
            Hooks(on_assigned=self.on_assigned, start_offsets=self.start_offsets, on_revoked=self.on_revoked),
            # As quick as each of them allows: a join of the embedded broker takes half of session_s and a second.
            group_times=GroupTimes(session_s=2 if bootstrap.is_embedded else 6, heartbeat_s=0.3, rebalance_s=10),
            security=security,
        )

    async def on_assigned(self, partitions):
        assert self.assigned is None
        assert not self.at_work
        self.assigned = set(partitions)
        self.taken += 1
        self.ends = {}

    async def start_offsets(self, logs):
        assert set(logs) == self.assigned
        self.logs = logs
        starts = self.starts(logs)
        for each, start in starts.items():
            self.ends[each] = start
            self.periods[each].append([])
        return starts

    async def on_revoked(self, partitions):
        assert set(partitions) == self.assigned
        assert not self.at_work
        self.assigned = None
        self.let_go += 1

    async def handle(self, batch):
        each = TP(batch.topic, batch.partition)
        assert each in self.assigned
        assert batch.base_offset == self.ends[each]
        assert batch.next_offset <= batch.high_watermark
        self.at_work += 1
        await asyncio.sleep(0.001)
        self.at_work -= 1
        self.ends[each] = batch.next_offset
        self.periods[each][-1].append(batch)

    def values(self, each):
        """Return what came of a partition since it was last assigned."""
        return list(itertools.chain.from_iterable(batch.values.all() for batch in self.periods[each][-1]))

    @property
    def caught_up(self):
        """Whether there are partitions and all of them are known to be read to their end."""
        progress = self.app.batches.progress()
        return bool(progress) and all(each.caught_up for each in progress.values())

    async def __aenter__(self):
        await self.app.start()
        return self

    async def __aexit__(self, *_):
        await stop(self.app)
