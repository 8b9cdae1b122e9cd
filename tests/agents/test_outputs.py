"""What a worker publishes reaches the broker, or is told; a broker that has trouble is waited for."""

import logging

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaTimeoutError, MessageSizeTooLargeError, NotLeaderForPartitionError

from agents import outputs
from agents.outputs import NotAMemberError, Outputs
from agents.sending import Failure, Message, send
from streams.configuration import configure
from tests.service import Service
from tests.topics import partition_of

MESSAGES = [Message("dead-letters", n % 2, b"key", b"value %d" % n, (("offset", b"%d" % n),)) for n in range(5)]


class Broker:
    """A broker in place of the real one: what it took, and what it answers to the next attempts."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.taken = []
        self.attempts = []

    async def send(self, _producer, messages, _taken):
        """Take messages, but for those that the next answer refuses."""
        messages = list(messages)
        self.attempts.append(messages)
        failures = self.answers.pop(0)(messages) if self.answers else []
        refused = [message for failure in failures for message in failure.messages]
        self.taken += [message for message in messages if message not in refused]
        return failures


@pytest.fixture
def deliver(monkeypatch):
    """Return a function that delivers to a broker, without pauses."""
    monkeypatch.setattr(outputs, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(outputs, "LONGEST_PAUSE_S", 0.004)

    async def deliver(broker, messages, is_member=lambda: True):
        monkeypatch.setattr(outputs, "send", broker.send)
        publisher = Outputs(configure(), 4, is_member)
        publisher._producer = object()
        await publisher.deliver(messages)
        return publisher

    return deliver


async def test_what_is_not_taken_is_sent_again(deliver, caplog):
    """What the broker cannot take for now is sent again until it does, and that is said once."""
    away = [lambda messages: [Failure(messages, KafkaTimeoutError())]] * 3
    broker = Broker(*away, lambda messages: [Failure(messages[1:3], NotLeaderForPartitionError())])
    await deliver(broker, MESSAGES)
    assert sorted(broker.taken, key=lambda message: message.value) == MESSAGES
    assert [len(each) for each in broker.attempts] == [5, 5, 5, 5, 2]
    assert len([record for record in caplog.records if record.levelno == logging.WARNING]) == 1


async def test_a_message_that_is_too_large_holds_nothing_up(deliver, caplog):
    """Of a batch that is too large each message is tried alone; one that is too large itself is told and left."""

    def too_large(messages):
        refused = [each for each in messages if each == MESSAGES[3]]
        return [Failure(messages, MessageSizeTooLargeError())] if refused else []

    broker = Broker(*[too_large] * 10)
    publisher = await deliver(broker, MESSAGES)
    assert broker.taken == [each for each in MESSAGES if each != MESSAGES[3]]
    (error,) = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert "offset 3" in error
    assert publisher.undeliverable == 1


async def test_who_is_no_member_sends_nothing(deliver):
    """What others may have taken over is not sent, and not sent again either."""
    broker = Broker(lambda messages: [Failure(messages, KafkaTimeoutError())])
    with pytest.raises(NotAMemberError):
        await deliver(broker, MESSAGES, lambda: False)
    with pytest.raises(NotAMemberError):
        await deliver(broker, MESSAGES, lambda: not broker.attempts)
    assert len(broker.attempts) == 1
    assert broker.taken == []


async def test_an_unexpected_error_is_raised(deliver):
    """What is no trouble of a broker is a fault of the program, and not passed over."""
    with pytest.raises(ZeroDivisionError):
        await deliver(Broker(lambda messages: [Failure(messages, ZeroDivisionError())]), MESSAGES)


async def test_few_at_once(deliver, monkeypatch):
    """A burst is sent in parts."""
    monkeypatch.setattr(outputs, "AT_ONCE", 2)
    broker = Broker()
    await deliver(broker, MESSAGES)
    assert (broker.taken, [len(each) for each in broker.attempts]) == (MESSAGES, [2, 2, 1])


def test_what_is_about_an_office_lies_with_it():
    """Messages about an office go to its partition, under its id or a key of their own."""
    publisher = Outputs(configure(), 4)
    for office in ("riga-1", "\u00e9\U0001f3e2", "x" * 128):
        message = publisher.to_office("surveys", office, b"{}")
        assert message == Message("kqi.surveys", partition_of(office), office.encode(), b"{}")
        assert publisher.to_office("indices", office, b"{}", b"key") == message._replace(
            topic="kqi.indices", key=b"key"
        )


async def test_batches_keep_the_order(kafka):
    """Messages of any size, with and without keys, values and headers, arrive as they are and in their order."""
    service = Service(kafka).create_topics()
    topic = f"{service.prefix}dead-letters"
    sizes = (1, 0, 200_000, 10, 70_000, 70_000, 300_000, 1, 900_000)
    messages = [Message(topic, 1, None, None), Message(topic, 1, b"", b"", (("a", b""), ("a", b"2")))]
    messages += [Message(topic, 1, b"%d" % n, bytes([n]) * size, (("n", b"%d" % n),)) for n, size in enumerate(sizes)]
    messages.append(Message(topic, 2, b"other", b"partition"))
    async with AIOKafkaProducer(bootstrap_servers=kafka, max_batch_size=outputs.BATCH_BYTES, acks="all") as producer:
        assert await send(producer, messages) == []
    async with AIOKafkaConsumer(bootstrap_servers=kafka) as consumer:
        places = [TopicPartition(topic, 1), TopicPartition(topic, 2)]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        records = [await consumer.getone() for _ in messages]
    found = [Message(each.topic, each.partition, each.key, each.value, tuple(each.headers)) for each in records]
    assert sorted(found, key=lambda message: message.partition) == messages
