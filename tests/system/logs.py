"""What lies in topics, read from outside: input and output, up to where their ends are now."""

from typing import NamedTuple

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from tests.service import until
from tests.topics import LARGEST_BYTES, PARTITIONS

TIMEOUT_S = 20.0


class Stored(NamedTuple):
    """A message in a log."""

    topic: str  # without prefix
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    append_ms: int
    headers: dict


class Logs:
    """Reads some topics of a service from their beginnings, each message once."""

    def __init__(self, service, topics):
        self._prefix = service.prefix
        self._settings = {
            "bootstrap.servers": str(service.bootstrap),
            "group.id": f"{service.name}-reader",
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 20,
            "fetch.message.max.bytes": LARGEST_BYTES,
            "log_level": 0,
        }
        self._admin = self._new_admin()
        self._next = {(topic, partition): 0 for topic in topics for partition in range(PARTITIONS)}

    def ends(self):
        """Return where each partition ends now: {(topic, partition): offset}; waits for brokers that are away."""
        return until(self._ends, "the ends of the logs")

    def _ends(self):
        """Return the same, or nothing while leaders are changing."""
        places = {each: TopicPartition(self._prefix + each[0], each[1]) for each in self._next}
        found = self._admin.list_offsets(dict.fromkeys(places.values(), OffsetSpec.latest()), request_timeout=TIMEOUT_S)
        try:
            return {each: found[place].result().offset for each, place in places.items()}
        except KafkaException:
            self._admin = self._new_admin()  # the old one may remember for ever who led before
            return None

    def _new_admin(self):
        return AdminClient({"bootstrap.servers": self._settings["bootstrap.servers"], "log_level": 0})

    def read(self):
        """Return what has come since the last time, by partition in the order of the log."""
        ends = self.ends()
        behind = [each for each, end in ends.items() if self._next[each] < end]
        if not behind:
            return []
        # A client of its own each time: one that lived through a fault may need a minute to get over it.
        consumer = Consumer(self._settings)
        consumer.assign(
            [TopicPartition(self._prefix + topic, number, self._next[topic, number]) for topic, number in behind]
        )
        found = []

        def reach_ends():
            for message in consumer.consume(10_000, 0.02):
                if message.error() is None:
                    found.append(self._stored(message))
                    self._next[found[-1].topic, message.partition()] = message.offset() + 1
            return all(self._next[each] >= end for each, end in ends.items())

        until(reach_ends, lambda: f"the ends of the logs {ends}: {self._next}")
        consumer.close()
        return found

    def _stored(self, message):
        return Stored(
            message.topic().removeprefix(self._prefix),
            message.partition(),
            message.offset(),
            message.key(),
            message.value(),
            message.timestamp()[1],
            dict(message.headers() or ()),
        )
