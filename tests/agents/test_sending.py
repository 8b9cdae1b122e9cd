"""Whole record batches reach the brokers as they are and in their order, whatever fails in between."""

import asyncio
import itertools
import json
import time
from types import SimpleNamespace

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaTimeoutError, MessageSizeTooLargeError, NotLeaderForPartitionError

from agents.outputs import Outputs, TooLittleTakenError
from agents.sending import Bundle, Message, send
from streams import surveys as product
from streams.configuration import configure
from streams.surveys import records, revise, surveys
from tests.agents.members import make_topics
from tests.reference.companies import START_MS
from tests.stored import Record, records_bytes
from tests.streams.feeding import Feed, decoded
from tests.streams.happenings import answer, press


def bundle(*names, topic="topic"):
    """Return a bundle of records with these values."""
    rows = [Record(at, 0, b"key", name.encode()) for at, name in enumerate(names)]
    return Bundle(topic, 0, records_bytes(rows), len(rows))


def alone(name):
    """Return a message with this value that has a batch for itself."""
    return Message("topic", 0, b"key", name.encode() + bytes(1000))


class Batch:
    """A batch of one message in place of aiokafka's."""

    def __init__(self):
        self.value = None

    def append(self, *, value, **_):
        """Take one message."""
        if self.value is not None:
            return None
        self.value = value
        return object()

    def close(self):
        """Nothing is added."""


class Producer:
    """A producer that answers each batch as told: an error, or its offset where the broker has it."""

    def __init__(self, **answers):
        self.answers = answers
        self.log = []

    def create_batch(self):
        """Return an empty batch."""
        return Batch()

    async def send_batch(self, batch, _topic, partition):
        """Take a batch; an answer in a list is given before it is taken."""
        assert partition == 0
        name = batch.value.rstrip(b"\0").decode()
        answers = self.answers.get(name, [])
        answer = answers.pop(0) if answers else None
        if isinstance(answer, list):
            raise answer[0]
        future = asyncio.get_running_loop().create_future()
        if answer is None:
            future.set_result(SimpleNamespace(offset=len(self.log)))
            self.log.append(name)
        else:
            future.set_exception(answer)
        return future


@pytest.fixture
def outputs(monkeypatch):
    """Return a function that makes outputs with a producer, without pauses."""
    monkeypatch.setattr("agents.outputs.FIRST_PAUSE_S", 0.001)

    def outputs(producer):
        publisher = Outputs(configure(), 4)
        publisher._producer = producer
        return publisher

    return outputs


@pytest.mark.parametrize(
    "answers",
    [
        {"a": [NotLeaderForPartitionError()]},
        {"b": [KafkaTimeoutError(), KafkaTimeoutError()], "d": [KafkaTimeoutError()]},
        {"c": [[KafkaTimeoutError()]]},
        {"a": [KafkaTimeoutError()], "c": [[KafkaTimeoutError()]]},
        {"a": [KafkaTimeoutError()], "b": [MessageSizeTooLargeError(), MessageSizeTooLargeError()]},
    ],
)
async def test_the_last_of_a_partition_is_the_last(outputs, answers):
    """Where a batch has to be sent again, so has all that lies behind it: what is read last was meant to be."""
    producer = Producer(**answers)
    left_out = {name for name, given in answers.items() if isinstance(given[0], MessageSizeTooLargeError)}
    await outputs(producer).deliver([alone(name) for name in "abcd"])
    first = {name: producer.log.index(name) for name in producer.log}
    last = {name: at for at, name in enumerate(producer.log)}
    expected = [name for name in "abcd" if name not in left_out]
    assert sorted(first) == expected
    assert sorted(last, key=last.get) == expected


async def test_where_surveys_lie_is_known(outputs):
    """How far surveys are ours is kept, up to the first message of somebody else; other topics do not matter."""
    publisher = outputs(Producer())
    await publisher.deliver([alone(name) for name in "abc"])
    assert publisher.told_until == {}
    surveys = [each._replace(topic="kqi.surveys") for each in map(alone, "abc")]
    publisher.told_until[0] = 3
    await publisher.deliver(surveys)
    assert publisher.told_until == {0: 6}
    publisher._producer.log.append("somebody else's")
    await publisher.deliver(surveys)
    assert publisher.told_until == {0: 6}


async def test_what_is_too_large_holds_nothing_back(outputs):
    """What lies behind a message that is too large is not sent again for that."""
    producer = Producer(b=[MessageSizeTooLargeError()])
    publisher = outputs(producer)
    await publisher.deliver([alone(name) for name in "abcd"])
    assert producer.log == ["a", "c", "d"]
    assert publisher.undeliverable == 1


async def test_a_topic_that_takes_too_little(outputs):
    """A bundle that a topic does not take is a fault of its settings, said in one sentence."""

    class Strict(Producer):
        async def send_batch(self, *_, **__):
            raise MessageSizeTooLargeError

    with pytest.raises(TooLittleTakenError, match=r"topic topic takes no batch of \d+ bytes: its max.message.bytes"):
        await outputs(Strict()).deliver([bundle("a", "b")])


async def read(bootstrap, topic, count):
    """Return what a topic's partition 0 has, checked by its checksums."""
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, check_crcs=True, auto_offset_reset="earliest") as consumer:
        place = TopicPartition(topic, 0)
        consumer.assign([place])
        await consumer.seek_to_beginning(place)
        found = [await asyncio.wait_for(consumer.getone(), 20) for _ in range(count)]
        assert [each.offset for each in found] == list(range(count))
        return found


async def test_bundles_and_messages_keep_their_order(kafka):
    """Bundles between messages arrive as so many records, one offset each, at the time of sending."""
    (topic,) = await make_topics(kafka, 1, "mixed")
    numbers = itertools.count()
    messages, expected = [], []
    for size in (1, 3, 1, 100, 2):
        names = [f"{next(numbers)}" for _ in range(size)]
        messages.append(bundle(*names, topic=topic))
        single = f"{next(numbers)}"
        messages.append(Message(topic, 0, None, single.encode()))
        expected += [*names, single]
    before_ms = int(time.time() * 1000)
    async with AIOKafkaProducer(bootstrap_servers=kafka, acks="all") as producer:
        assert await send(producer, messages) == []
    found = await read(kafka, topic, len(expected))
    assert [each.value.decode() for each in found] == expected
    assert [each.offset for each in found] == list(range(len(expected)))
    assert all(before_ms <= each.timestamp <= time.time() * 1000 for each in found)


async def test_surveys_as_a_worker_sends_them(kafka, monkeypatch):
    """Surveys in many bundles, read back: their offices as keys, their JSON as values, every one, in order."""
    monkeypatch.setattr(product, "BATCH_BYTES", 10_000)
    outputs = Outputs(configure(("the test", {"kafka": {"bootstrap": str(kafka)}})), 1)
    (topic,) = await make_topics(kafka, 1, "surveys")
    feed = Feed()
    events = []
    for number in range(500):
        names = {"panel_id": f"p{number}", "office_id": f"r\u012bga-{number % 3}"}
        events += [press(START_MS + number, **names), answer(START_MS + number + 300, answer="no", **names)]
    rows = feed.engine.step(feed.partition, decoded(events), feed.clock)
    revise(feed.partition, rows, START_MS)
    expected = list(surveys(feed.partition, rows))
    bundles = [Bundle(topic, 0, *some) for some in records(feed.partition, rows)]
    assert len(bundles) > 5
    await outputs.start()
    try:
        await outputs.deliver(bundles)
    finally:
        await outputs.stop()
    found = await read(kafka, topic, len(expected))
    assert len(expected) == 500
    assert [each.key.decode() for each in found] == [survey.office_id for survey in expected]
    assert [json.loads(each.value)["survey_id"] for each in found] == [survey.survey_id for survey in expected]
    assert {json.loads(each.value)["outcome"] for each in found} == {"no"}


async def test_the_largest_bundle(kafka):
    """Brokers take what `records` makes at most, by their default settings."""
    (topic,) = await make_topics(kafka, 1, "largest")
    most = product.BATCH_BYTES + product.LONGEST_RECORD_BYTES
    (row,) = [Record(0, 0, b"key", bytes(most - 100))]
    large = Bundle(topic, 0, records_bytes([row]), 1)
    assert most - 100 < len(large.records) <= most
    async with AIOKafkaProducer(bootstrap_servers=kafka, acks="all") as producer:
        assert await send(producer, [large, large]) == []
    assert len(await read(kafka, topic, 2)) == 2
