"""Topics from outside, by another client than KQI's own: messages in, and what KQI has written out."""

import json
import struct
import uuid

from confluent_kafka import Consumer, Producer, TopicPartition

from tests.service import PARTITIONS, PATIENCE_S, until

LARGEST_BYTES = 2**20


class Writer:
    """Sends messages to the topics of a service, by default to the partition that the key belongs in."""

    def __init__(self, service):
        self._prefix = service.prefix
        self._producer = Producer(
            {
                "bootstrap.servers": str(service.bootstrap),
                "partitioner": "murmur2_random",  # as Java clients do
                "linger.ms": 0,
                "message.max.bytes": LARGEST_BYTES,
            }
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        del self._producer  # its thread ends with it

    def send(self, topic, *values, key=None, partition=-1):
        """Send messages, and wait until the broker has them; return their coordinates, (partition, offset) of each."""
        sent = []

        def note(error, message):
            assert error is None, error
            sent.append((message.partition(), message.offset()))

        for value in values:
            self._producer.produce(self._prefix + topic, value, key, partition, on_delivery=note)
            assert self._producer.flush(PATIENCE_S) == 0
        return sent

    def publish(self, topic, *events):
        """Send events under the keys of their offices."""
        return [self.send(topic, json.dumps(event), key=event["office_id"])[0] for event in events]


class Reader:
    """All that is written to an output topic, from its beginning."""

    def __init__(self, service, topic):
        self._consumer = Consumer(
            {
                "bootstrap.servers": str(service.bootstrap),
                "group.id": f"{service.name}-reader",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 50,
                "fetch.message.max.bytes": LARGEST_BYTES,
            }
        )
        self._consumer.assign([TopicPartition(service.prefix + topic, each, 0) for each in range(PARTITIONS)])
        self._service = service
        self._topic = topic
        self._messages = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._consumer.close()

    @property
    def messages(self):
        """What has been written so far and has arrived here."""
        for message in self._consumer.consume(10_000, 0.05):
            assert message.error() is None, message.error()
            self._messages.append(message)
        return self._messages

    def until(self, condition, what="messages"):
        """Wait until the messages fulfil the condition, and return them."""
        until(lambda: condition(self.messages), lambda: f"{what} among {[each.value() for each in self._messages]}")
        return list(self._messages)

    def all_messages(self):
        """Return everything that has been written until now, by way of marks that are written behind it."""
        mark = uuid.uuid4().bytes
        with Writer(self._service) as writer:
            for partition in range(PARTITIONS):
                writer.send(self._topic, mark, key=mark, partition=partition)
        self.until(lambda found: sum(each.value() == mark for each in found) == PARTITIONS)
        self._messages = [each for each in self._messages if each.value() != mark]
        return list(self._messages)


def partition_of(office, partitions=PARTITIONS):
    """Return the partition of an office: murmur2 as Kafka's Java clients have it, written down once more."""
    key = office.encode()
    mask, factor = 0xFFFFFFFF, 0x5BD1E995
    state = (0x9747B28C ^ len(key)) & mask
    whole = len(key) // 4 * 4
    for (word,) in struct.iter_unpack("<I", key[:whole]):
        word = word * factor & mask  # noqa: PLW2901
        word = (word ^ word >> 24) * factor & mask  # noqa: PLW2901
        state = state * factor & mask ^ word
    if len(key) > whole:
        state = (state ^ int.from_bytes(key[whole:], "little")) * factor & mask
    state = (state ^ state >> 13) * factor & mask
    return ((state ^ state >> 15) & 0x7FFFFFFF) % partitions


def office_in(partition, name="office"):
    """Return the id of an office that belongs in a partition."""
    return next(each for number in range(1000) if partition_of(each := f"{name}-{number}") == partition)
