"""A broker in memory: the logs of the topics, what workers publish, what they commit, and the checkpoints' topic.

Time is what the schedule says; records are appended at the broker's own. Nothing here waits, and nothing fails by itself.
"""

import json
from collections import defaultdict
from typing import NamedTuple

import numpy as np

from agents.gate import PartitionBatch
from agents.sending import Bundle
from streams.messages import Messages


class Record(NamedTuple):
    """A record of an input topic."""

    offset: int
    append_ms: int
    key: bytes | None
    value: bytes | None
    origin: str | None  # of one that a worker moved: where it had lain


class Log:
    """One partition of an input topic; offsets may have gaps, as transactions leave them."""

    def __init__(self):
        self.records = []
        self.end = 0

    def append(self, append_ms, key, value, origin=None, gap=0):
        """Add a record, ``gap`` offsets behind the last one."""
        self.end += gap
        self.records.append(Record(self.end, append_ms, key, value, origin))
        self.end += 1

    def batch(self, topic, partition, begin, count):
        """The next records from an offset on, at most so many, as a worker is given them."""
        found = [record for record in self.records if record.offset >= begin]
        some = found[:count]
        return PartitionBatch(
            topic,
            partition,
            begin,
            self.end if len(some) == len(found) else some[-1].offset + 1,
            self.end,
            np.array([record.offset for record in some], np.int64),
            np.array([record.append_ms for record in some], np.int64),
            Messages.of([record.key for record in some]),
            Messages.of([record.value for record in some]),
        )


class Broker:
    """All that outlives a worker."""

    def __init__(self, now_ms, skew_ms=0):
        self.now_ms = now_ms
        self.skew_ms = skew_ms  # of the broker's clock
        self.logs = defaultdict(Log)  # by topic and partition
        self.committed = {}  # by topic and partition
        self.told = defaultdict(list)  # by partition: every record of a survey, in order
        self.surveys = {}  # the record with the greatest revision of each, by office and id: what a consumer holds for true
        self.dead_letters = {}  # reason and value by topic, partition and offset
        self.stored = defaultdict(dict)  # by partition: the values of the checkpoints' topic by their keys

    def append(self, topic, partition, key, value, origin=None, gap=0):
        """Add a record to an input topic."""
        self.logs[topic, partition].append(self.now_ms + self.skew_ms, key, value, origin, gap)

    def take(self, message, topic):
        """Take what a worker publishes; topics without their prefix."""
        if isinstance(message, Bundle):
            for value in values_of(message.records):
                self.told[message.partition].append(value)
                self._take_survey(json.loads(value))
            return
        if topic == "surveys":
            self.told[message.partition].append(message.value)
            self._take_survey(json.loads(message.value))
            return
        headers = {name: value.decode() for name, value in message.headers}
        if topic == "checkpoints":
            stored = self.stored[message.partition]
            stored.pop(message.key, None)
            if message.value is not None:
                stored[message.key] = message.value
        elif topic == "dead-letters":
            place = headers["topic"], int(headers["partition"]), int(headers["offset"])
            self.dead_letters[place] = headers["reason"], message.value
        else:
            self.append(topic, message.partition, message.key, message.value, headers["moved-from"])

    def _take_survey(self, survey):
        name = survey["office_id"], survey["survey_id"]
        if name not in self.surveys or survey["revision"] > self.surveys[name]["revision"]:
            self.surveys[name] = survey


def values_of(data):
    """The values of a Kafka record batch's records, which lie end to end."""
    at = 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            value |= (data[at] & 127) << shift
            at += 1
            if data[at - 1] < 128:
                return (value >> 1) ^ -(value & 1)
            shift += 7

    while at < len(data):
        end = number()
        end += at
        at += 1  # attributes
        number(), number()  # how far from the first one in time and offset
        key = number()
        at += max(key, 0)
        size = number()
        yield data[at : at + size]
        at = end
