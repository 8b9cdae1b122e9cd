"""What comes through the batch transport, and from where."""

import asyncio
import itertools
import ssl
import time
from dataclasses import replace

import numpy as np
import pytest
from aiokafka import AIOKafkaProducer
from faust.types import TP

from agents.reach import BrokerUnreachableError, require_broker
from agents.records import BatchedRecords
from agents.security import Security
from tests.agents.members import PATIENCE_S, Member, make_topics, publish, until
from tests.apache_kafka import HOST, PASSWORD, USER, Address


@pytest.fixture(autouse=True)
def no_objects(monkeypatch):
    """Have nothing left to aiokafka, which would make an object of each record: brokers of today give no reason to."""
    monkeypatch.setattr(BatchedRecords, "_batches_of_aiokafka", None)


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
    assert list(itertools.chain(*(batch.keys.all() for batch in batches))) == [
        b"key %d" % number for number in range(5000)
    ]
    assert member.values(TP(topic, 1)) == [b"value %d" % number for number in range(5000)]


async def test_starts_where_the_application_says(kafka, caplog):
    """Reading starts at the chosen offset, in the middle of compressed records and whatever is committed."""
    caplog.set_level("INFO", "agents.transport")
    topics = await make_topics(kafka, 1, "none", "gzip", "lz4", "snappy", "zstd")
    for topic in topics:
        compression = topic.split("-")[0].replace("none", "") or None
        await publish(kafka, topic, 1000, compression_type=compression, linger_ms=50)
    async with Member(kafka, topics[0], topics) as member:
        await until(lambda: member.caught_up)
        for topic in topics:
            member.app.batches.mark_done(TP(topic, 0), 900)
            assert member.logs[TP(topic, 0)][::2] == (0, None)  # begin and committed
            assert member.values(TP(topic, 0)) == [b"value %d" % number for number in range(1000)]
    async with Member(kafka, topics[0], topics, starts=lambda logs: dict.fromkeys(logs, 567)) as member:
        await until(lambda: member.caught_up)
        for topic in topics:
            assert member.logs[TP(topic, 0)][::2] == (0, 900)  # begin and committed
            assert member.periods[TP(topic, 0)][0][0].base_offset == 567
            assert member.values(TP(topic, 0)) == [b"value %d" % number for number in range(567, 1000)]
    assert "Reading again" not in caplog.text  # at once, not after a loss was noticed


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
            await producer.begin_transaction()
            await producer.send_and_wait(topic, b"6", partition=0)
            await producer.abort_transaction()
            await until(lambda: member.caught_up and member.ends[TP(topic, 0)] == 14)
            assert len(member.values(TP(topic, 0))) == 4


@pytest.mark.kafka
async def test_starts_inside_a_transaction(apache_kafka):
    """Whoever starts in the middle of an aborted transaction gets nothing of it, and of a committed one the rest."""
    (topic,) = await make_topics(apache_kafka, 1, "inside")
    async with AIOKafkaProducer(
        bootstrap_servers=apache_kafka, transactional_id=topic, compression_type="lz4", linger_ms=20
    ) as producer:
        for number in range(2):
            await producer.begin_transaction()
            for each in range(10):
                sent = await producer.send(topic, b"%d" % (10 * number + each), partition=0)
            await sent
            await (producer.commit_transaction() if number else producer.abort_transaction())
    for start, values in ((5, range(10, 20)), (16, range(15, 20)), (21, ())):
        async with Member(
            apache_kafka, f"{topic}-{start}", [topic], starts=lambda logs, start=start: dict.fromkeys(logs, start)
        ) as member:
            await until(lambda member=member: member.caught_up and member.ends[TP(topic, 0)] == 22)
            assert member.values(TP(topic, 0)) == [b"%d" % value for value in values]


async def test_an_empty_partition_beside_a_busy_one(kafka):
    """The first record of a partition comes although another partition of the same worker is never read to its end."""
    (topic,) = await make_topics(kafka, 3, "beside")
    arrived = asyncio.Event()

    class Busy(Member):
        async def handle(self, batch):
            if batch.partition == 1:
                arrived.set()
            await asyncio.sleep(0 if arrived.is_set() else 0.05)  # meanwhile more has come
            await super().handle(batch)

    async def load():
        first = 0
        while not arrived.is_set():
            await publish(kafka, topic, 1000, first=first, linger_ms=1)
            first += 1000
        return first

    async with Busy(kafka, topic, [topic]) as member:
        loading = asyncio.create_task(load())
        await until(lambda: member.ends[TP(topic, 0)] >= 3000)
        await publish(kafka, topic, 1, partition=1)
        await asyncio.wait_for(arrived.wait(), PATIENCE_S)
        end = await loading
        await until(lambda: member.caught_up and member.ends[TP(topic, 0)] == end)
        assert [len(member.values(TP(topic, partition))) for partition in range(3)] == [end, 1, 0]


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
