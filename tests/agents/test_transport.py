"""The batch transport through Faust: what users see on both brokers, what it withstands on one of them."""

import asyncio
import itertools
import ssl
import time
import uuid
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from faust.types import TP

from agents import fetching, transport
from agents.app import BrokerUnreachableError, GroupTimes, create_app, require_broker
from agents.embedded import EmbeddedBroker
from agents.security import Security
from agents.transport import Hooks
from tests.apache_kafka import HOST, PASSWORD, USER, Address

PATIENCE_S = 20.0


async def until(condition, what="the condition"):
    """Wait until the condition holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited {PATIENCE_S} s for {what}"
        await asyncio.sleep(0.02)


async def make_topics(bootstrap, partitions, *names, **config):
    """Make topics with names that nobody else has; return the names."""
    unique = uuid.uuid4().hex[:8]
    topics = [f"{name}-{unique}" for name in names]
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        settings = {key.replace("_", "."): str(value) for key, value in config.items()}
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
        return list(itertools.chain.from_iterable(batch.values for batch in self.periods[each][-1]))

    @property
    def caught_up(self):
        """Whether there are partitions and all of them are known to be read to their end."""
        progress = self.app.batches.progress()
        return bool(progress) and all(each.caught_up for each in progress.values())

    async def __aenter__(self):
        await self.app.start()
        return self

    async def __aexit__(self, *_):
        await asyncio.wait_for(self.app.stop(), PATIENCE_S)


async def test_every_record_once_with_its_columns(kafka):
    """In a stable assignment each record arrives once, of its partition in order, with key, value, offset and time."""
    (topic, empty) = await make_topics(kafka, 3, "stable", "empty")
    await publish(kafka, topic, 3000, partition=1)
    async with Member(kafka, topic, [topic, empty]) as member:
        await until(lambda: member.ends[TP(topic, 1)] == 3000)
        await publish(kafka, topic, 2000, partition=1, first=3000)
        await publish(kafka, topic, 1, partition=2)
        await until(lambda: member.caught_up and member.ends[TP(topic, 1)] == 5000 and member.ends[TP(topic, 2)] == 1)
        # Partitions without any record are known to be read to their end, too.
        assert {each: progress.next_offset for each, progress in member.app.batches.progress().items()} == {
            TP(topic, 0): 0, TP(topic, 1): 5000, TP(topic, 2): 1, TP(empty, 0): 0, TP(empty, 1): 0, TP(empty, 2): 0
        }  # fmt: skip
        (batches,) = member.periods[TP(topic, 1)]
    assert member.let_go == 1
    assert np.concatenate([batch.offsets for batch in batches]).tolist() == list(range(5000))
    assert np.concatenate([batch.append_ms for batch in batches]).tolist() == list(range(1000, 6000))
    assert list(itertools.chain(*(batch.keys for batch in batches))) == [b"key %d" % number for number in range(5000)]
    assert member.values(TP(topic, 1)) == [b"value %d" % number for number in range(5000)]


async def test_starts_where_the_application_says(kafka):
    """Reading starts at the chosen offset, in the middle of compressed records and whatever is committed."""
    topics = await make_topics(kafka, 1, "gzip", "lz4", "snappy", "zstd")
    for topic in topics:
        await publish(kafka, topic, 1000, compression_type=topic.split("-")[0], linger_ms=50)
    async with Member(kafka, topics[0], topics) as member:
        await until(lambda: member.caught_up)
        for topic in topics:
            member.app.batches.mark_done(TP(topic, 0), 900)
            assert member.logs[TP(topic, 0)] == (0, None)
            assert member.values(TP(topic, 0)) == [b"value %d" % number for number in range(1000)]
    async with Member(kafka, topics[0], topics, starts=lambda logs: dict.fromkeys(logs, 567)) as member:
        await until(lambda: member.caught_up)
        for topic in topics:
            assert member.logs[TP(topic, 0)] == (0, 900)
            assert member.periods[TP(topic, 0)][0][0].base_offset == 567
            assert member.values(TP(topic, 0)) == [b"value %d" % number for number in range(567, 1000)]


async def test_members_join_and_leave_under_load(kafka):
    """While members come and go, each gets of its partitions all from its chosen start, and none has another's."""
    (topic,) = await make_topics(kafka, 4, "load")
    all_partitions = {TP(topic, each) for each in range(4)}
    stop = asyncio.Event()

    async def load():
        async with AIOKafkaProducer(bootstrap_servers=kafka, linger_ms=5) as producer:
            for number in itertools.count():
                for partition in range(4):
                    await producer.send(topic, b"%d" % number, partition=partition)
                await asyncio.sleep(0.001)
                if stop.is_set():
                    return number + 1
        return None

    def somewhere(logs):
        return {each: 13 * each.partition for each in logs}

    def holds_all(*members):
        held = [each for member in members for each in member.assigned or ()]
        return len(held) == 4 and set(held) == all_partitions and all(member.assigned for member in members)

    def has_read_to(member, end):
        return all(member.ends.get(each, 0) >= end for each in member.assigned or ())

    def check(member, end):
        for each in member.assigned:
            assert member.values(each) == [b"%d" % number for number in range(13 * each.partition, end)]

    loading = asyncio.create_task(load())
    async with Member(kafka, topic, [topic], starts=somewhere) as first:
        await until(lambda: holds_all(first) and has_read_to(first, 100))
        async with Member(kafka, topic, [topic], starts=somewhere) as second:
            await until(lambda: holds_all(first, second) and has_read_to(first, 100) and has_read_to(second, 100))
            async with Member(kafka, topic, [topic], starts=somewhere) as third:
                await until(lambda: holds_all(first, second, third) and has_read_to(third, 100))
            await until(lambda: holds_all(first, second))
            stop.set()
            end = await loading
            await until(lambda: has_read_to(first, end) and has_read_to(second, end))
            check(first, end)
            check(second, end)
        await until(lambda: holds_all(first) and has_read_to(first, end))
        check(first, end)
    assert first.let_go == first.taken >= 5


@pytest.mark.kafka
async def test_a_partition_that_comes_back_may_go_on(apache_kafka):
    """Whoever kept the state of a partition over a rebalance starts where it stopped and reads nothing twice."""
    (topic,) = await make_topics(apache_kafka, 2, "kept")
    kept = {}

    def go_on(logs):
        return {each: kept.get(each, log.begin) for each, log in logs.items()}

    await publish(apache_kafka, topic, 100, partition=0)
    await publish(apache_kafka, topic, 100, partition=1)
    async with Member(apache_kafka, topic, [topic], starts=go_on) as first:
        await until(lambda: first.caught_up and sum(first.ends.values()) == 200)
        kept.update(first.ends)
        async with Member(apache_kafka, topic, [topic]):
            await until(lambda: len(first.assigned or ()) == 1)
            await publish(apache_kafka, topic, 50, first=100, partition=0)
            await publish(apache_kafka, topic, 50, first=100, partition=1)
        await until(lambda: len(first.assigned or ()) == 2 and sum(first.ends.values()) == 300)
        for partition in range(2):
            batches = itertools.chain.from_iterable(first.periods[TP(topic, partition)])
            offsets = np.concatenate([batch.offsets for batch in batches])
            assert len(set(offsets.tolist())) == 150


@pytest.mark.kafka
async def test_a_slow_start_does_not_hold_up_the_group(apache_kafka):
    """A member that still looks for its starts lets go at once when the next rebalance comes, and starts anew."""
    (topic,) = await make_topics(apache_kafka, 2, "slow")
    await publish(apache_kafka, topic, 10)
    forever = asyncio.Event()

    class Slow(Member):
        asked = 0

        async def start_offsets(self, logs):
            self.asked += 1
            if self.asked == 1:
                await forever.wait()
            return await super().start_offsets(logs)

    slow = Slow(apache_kafka, topic, [topic])
    starting = asyncio.create_task(slow.app.start())
    await until(lambda: slow.asked == 1)
    async with Member(apache_kafka, topic, [topic]) as other:
        await until(lambda: slow.asked == 2 and slow.let_go == 1 and len(other.assigned or ()) == 1)
        await until(lambda: slow.caught_up and other.caught_up)
        assert slow.ends.keys() | other.ends.keys() == {TP(topic, 0), TP(topic, 1)}
    await starting
    await asyncio.wait_for(slow.app.stop(), PATIENCE_S)


@pytest.mark.kafka
async def test_a_failed_batch_is_not_lost(apache_kafka):
    """When the handler raises, the app crashes with that reason, delivers nothing more and commits nothing."""
    (topic,) = await make_topics(apache_kafka, 1, "failing")
    await publish(apache_kafka, topic, 10)

    class Failing(Member):
        async def handle(self, batch):
            self.app.batches.mark_done(TP(topic, 0), batch.next_offset)
            raise ValueError("no more")

    async with Failing(apache_kafka, topic, [topic]) as failing:
        await asyncio.wait_for(failing.app.wait_until_stopped(), PATIENCE_S)
        assert str(failing.app.crash_reason) == "no more"
    assert failing.let_go == 0
    async with Member(apache_kafka, topic, [topic]) as member:
        await until(lambda: member.caught_up and member.ends[TP(topic, 0)] == 10)
        assert member.logs[TP(topic, 0)].committed is None


async def test_a_failed_hook_fails_the_start(embedded_kafka):
    """What a hook raises at the first assignment, the start raises."""
    (topic,) = await make_topics(embedded_kafka, 1, "hooked")

    class Failing(Member):
        async def start_offsets(self, logs):
            raise ValueError("no starts")

    failing = Failing(embedded_kafka, topic, [topic])
    with pytest.raises(ValueError, match="no starts"):
        await failing.app.start()
    await asyncio.wait_for(failing.app.stop(), PATIENCE_S)


async def test_reads_again_what_was_lost_below_the_gate(embedded_kafka, monkeypatch):
    """A batch lost between the broker and the gate costs time, not records."""
    monkeypatch.setattr(transport, "CHECK_LOST_S", 0.1)
    (topic,) = await make_topics(embedded_kafka, 1, "lossy")
    async with Member(embedded_kafka, topic, [topic]) as member:
        consumer = member.app.batches
        to_message = consumer._to_message

        def lose_one(tp, record):
            consumer._to_message = to_message
            return to_message(tp, record._replace(base_offset=record.base_offset + 1))

        consumer._to_message = lose_one
        await publish(embedded_kafka, topic, 100)
        await until(lambda: member.caught_up and member.ends[TP(topic, 0)] == 100)
        assert member.values(TP(topic, 0)) == [b"value %d" % number for number in range(100)]


@pytest.mark.kafka
async def test_other_topics_stay_single_records(apache_kafka):
    """A topic that is no batch topic goes through Faust as ever, beside the batches."""
    batched, plain = await make_topics(apache_kafka, 1, "batched", "plain")
    await publish(apache_kafka, batched, 10)
    await publish(apache_kafka, plain, 3)
    member = Member(apache_kafka, batched, [batched])
    seen = []

    async def see(stream):
        async for event in stream.events():
            seen.append((event.message.offset, event.value))  # noqa: PERF401 - the stream does not end

    member.app.agent(member.app.topic(plain, value_type=bytes, value_serializer="raw"), name="plain")(see)
    async with member:
        await until(lambda: len(seen) == 3 and member.ends[TP(batched, 0)] == 10)
    assert seen == [(0, b"value 0"), (1, b"value 1"), (2, b"value 2")]


async def test_says_that_no_broker_answers():
    """An unreachable broker is one sentence within seconds."""
    app = create_app("nobody", "127.0.0.1:9", ["topic"], None)
    with pytest.raises(
        BrokerUnreachableError, match=r"No Kafka broker can be reached at 127\.0\.0\.1:9: connection refused\."
    ):
        await asyncio.wait_for(app.start(), 15)


@pytest.mark.kafka
async def test_stops_in_the_middle_of_its_start(apache_kafka):
    """A start can be cancelled at any moment, also while the group takes the member in; then it stops within seconds."""
    (topic,) = await make_topics(apache_kafka, 1, "cancelled")
    for wait_s in (0, 0.02, 0.1, 0.25, 0.3, 0.35, 0.4, 0.5):
        member = Member(apache_kafka, f"{topic}-{wait_s}", [topic])
        starting = asyncio.create_task(member.app.start())
        await asyncio.wait({starting}, timeout=wait_s)
        starting.cancel()
        await asyncio.wait({starting})
        await asyncio.wait_for(member.app.stop(), 3)


async def test_stops_while_the_broker_is_away(monkeypatch):
    """Nobody knows what is new while the broker is away; and what can no longer be committed delays the stop little."""
    monkeypatch.setattr(fetching, "COMMIT_TIMEOUT_S", 0.2)
    with EmbeddedBroker() as broker:
        (topic,) = await make_topics(broker.bootstrap, 1, "left")
        member = Member(Address(broker.bootstrap, is_embedded=True), topic, [topic])
        await member.app.start()
        await until(lambda: member.caught_up)
    member.app.batches.mark_done(TP(topic, 0), 0)
    await until(lambda: not member.caught_up)
    await asyncio.wait_for(member.app.stop(), 3)
    assert member.let_go == 1


@pytest.mark.kafka
async def test_encrypted_and_with_a_password(kafka_node, tmp_path):
    """TLS and SASL options reach the brokers; a wrong password is said in one sentence."""
    (topic,) = await make_topics(kafka_node.address, 1, "secured")
    await publish(kafka_node.address, topic, 3)
    ca_file = tmp_path / "ca.pem"
    ca_file.write_text(ssl.get_server_certificate((HOST, kafka_node.secured_port)))
    address = Address(f"{HOST}:{kafka_node.secured_port}", is_embedded=False)
    security = Security("SASL_SSL", "PLAIN", USER, PASSWORD, str(ca_file))
    async with Member(address, topic, [topic], security=security) as member:
        await until(lambda: member.ends[TP(topic, 0)] == 3)
    for wrong in (replace(security, password="wrong"), replace(security, ca_file=None), Security()):
        with pytest.raises(BrokerUnreachableError, match="or asks for other security settings"):
            await require_broker(address, wrong)


@pytest.mark.kafka
async def test_a_log_that_cannot_be_read_on_is_an_error(apache_kafka, monkeypatch):
    """A start beyond the end of the log, as of a topic that was made anew, is said and not waited for."""
    monkeypatch.setattr(transport, "CHECK_LOST_S", 0.1)
    (topic,) = await make_topics(apache_kafka, 1, "anew")
    await publish(apache_kafka, topic, 10)
    async with Member(apache_kafka, topic, [topic], starts=lambda logs: dict.fromkeys(logs, 500)) as member:
        await asyncio.wait_for(member.app.wait_until_stopped(), PATIENCE_S)
        assert f"The log of {topic}, partition 0, does not have the offset 500" in str(member.app.crash_reason)


@pytest.mark.kafka
async def test_transactions(apache_kafka):
    """Markers are passed over, aborted records never come, and the end is known to be reached."""
    (topic,) = await make_topics(apache_kafka, 1, "transactions")
    async with AIOKafkaProducer(bootstrap_servers=apache_kafka, transactional_id=topic) as producer:
        for number in range(6):
            await producer.begin_transaction()
            await producer.send(topic, b"%d" % number, partition=0)
            await (producer.abort_transaction() if number % 3 == 1 else producer.commit_transaction())
    async with Member(apache_kafka, topic, [topic]) as member:
        await until(lambda: member.caught_up and member.ends[TP(topic, 0)] == 12)
        assert member.values(TP(topic, 0)) == [b"0", b"2", b"3", b"5"]


@pytest.mark.kafka
async def test_append_time_is_the_broker_s(apache_kafka):
    """With LogAppendTime the times are those of the broker's clock, whatever producers say."""
    (topic,) = await make_topics(apache_kafka, 1, "appended", message_timestamp_type="LogAppendTime")
    before_ms = time.time() * 1000
    await publish(apache_kafka, topic, 10)
    async with Member(apache_kafka, topic, [topic]) as member:
        await until(lambda: member.ends[TP(topic, 0)] == 10)
        times = np.concatenate([batch.append_ms for batch in member.periods[TP(topic, 0)][0]])
    assert len(times) == 10
    assert (before_ms - 1000 < times).all()
    assert (times < time.time() * 1000 + 1000).all()


@pytest.mark.kafka
async def test_compacted_logs_and_tombstones(apache_kafka):
    """Where compaction left holes, what is left comes with its own offsets, tombstones included, up to the end."""
    (topic,) = await make_topics(
        apache_kafka, 1, "compacted", cleanup_policy="compact", segment_bytes=2**20, min_cleanable_dirty_ratio=0.001
    )
    async with AIOKafkaProducer(bootstrap_servers=apache_kafka) as producer:
        for number in range(300):  # 3 MB: more than two segments, all but the last of which can be cleaned
            key = b"%d" % (number % 7 if number % 10 else number)
            await producer.send(topic, b"x" * 10_000, key=key, partition=0)
        await producer.send_and_wait(topic, None, key=b"3", partition=0)
    read = 1000
    while read > 250:
        async with Member(apache_kafka, f"{topic}-{read}", [topic]) as member:
            await until(lambda member=member: member.caught_up and member.ends[TP(topic, 0)] == 301)
            read = len(member.values(TP(topic, 0)))
    offsets = np.concatenate([batch.offsets for batch in member.periods[TP(topic, 0)][0]])
    assert len(offsets) == read
    assert (np.diff(offsets) > 0).all()
    assert (np.diff(offsets) > 1).any()
    assert member.values(TP(topic, 0))[-1] is None
