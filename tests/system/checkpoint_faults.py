"""What may happen around checkpoints: a worker that ends at any step of one, and checkpoints that are no longer what they were."""

import sys
import time
from pathlib import Path

import msgspec
from confluent_kafka import Consumer, Producer, TopicPartition

from streams.manifest import DIGEST_BYTES, digest_of
from tests.service import PATIENCE_S, until
from tests.topics import PARTITIONS

MORTAL_KQI = Path(__file__).with_name("mortal_kqi.py")
STEPS = ("applied", "published", "chunk written", "manifest written", "committed", "restoring")
LATEST_NTH = {
    "applied": 40,
    "published": 20,
    "chunk written": 12,
    "manifest written": 8,
    "committed": 3,  # these come every three seconds
    "restoring": 2,
}


def die_when(step):
    """Return the fault of a worker that ends at a step, the first or a later time that it comes there."""

    def die(company, times):
        for _ in range(times):
            nth = company.chance.randint(1, LATEST_NTH[step])
            print(f"{step}, time {nth}")  # noqa: T201 - shown with a failure
            for worker in list(company.workers):  # so that the mortal one has something to do, and to restore
                company.kill(worker)
            mortal = company.start_worker(program=[sys.executable, str(MORTAL_KQI), step, str(nth)])
            until(lambda worker=mortal: worker.has_ended, lambda worker=mortal: f"its end:\n{worker.output}")
            company.workers.remove(mortal)
            company.start_workers(2)
            company.require_answer()

    die.__name__ = step.replace(" ", "_")
    return die


class Stored:
    """The checkpoint topic of a company, as any client sees it."""

    def __init__(self, company):
        self._bootstrap = str(company.cluster.address)
        self._topic = f"{company.prefix}checkpoints"

    def records(self):
        """Return what is stored: {(partition, key): value}."""
        settings = {"bootstrap.servers": self._bootstrap, "group.id": "looks on", "enable.partition.eof": True}
        consumer = Consumer(settings | {"enable.auto.commit": False})
        consumer.assign([TopicPartition(self._topic, each, 0) for each in range(PARTITIONS)])
        found = {}
        ended = set()
        deadline_s = time.monotonic() + PATIENCE_S
        while len(ended) < PARTITIONS and time.monotonic() < deadline_s:
            message = consumer.poll(1)
            if message is None:
                continue
            if message.error():
                ended.add(message.partition())
            else:
                found[message.partition(), message.key()] = message.value()
        consumer.close()
        return {place: value for place, value in found.items() if value is not None}

    def write(self, records):
        """Write other values under keys."""
        producer = Producer({"bootstrap.servers": self._bootstrap})
        for (partition, key), value in records.items():
            producer.produce(self._topic, value, key, partition)
        assert producer.flush(PATIENCE_S) == 0


def damaged(company, records):
    """One bit of some of the records, chunks and manifests, is another one."""
    spoilt = {}
    for place, value in pick(company, records):
        at = company.chance.randrange(len(value))
        spoilt[place] = value[:at] + bytes([value[at] ^ 1 << company.chance.randrange(8)]) + value[at + 1 :]
    return spoilt


def truncated(company, records):
    """Some of the records end early."""
    return {place: value[: company.chance.randrange(len(value))] for place, value in pick(company, records)}


def of_another_version(company, records):
    """Every manifest is of a format that nobody knows yet; its hash is right."""
    spoilt = {}
    for place, value in records.items():
        # One that is damaged from before stays so.
        if b"/manifest/" in place[1] and value.startswith(digest_of(value[DIGEST_BYTES:])):
            body = msgspec.json.encode(msgspec.json.decode(value[DIGEST_BYTES:]) | {"format": 1000})
            spoilt[place] = digest_of(body) + body
    return spoilt


def missing(company, records):
    """Some of the records are gone, or all manifests are."""
    if company.chance.random() < 0.5:
        return {place: None for place in records if b"/manifest/" in place[1]}
    return {place: None for place, _ in pick(company, records)}


def pick(company, records):
    """Return some of the records: a twentieth of them, and the manifests of half of the partitions."""
    places = sorted(records)
    partitions = company.chance.sample(range(PARTITIONS), PARTITIONS // 2)
    manifests = [place for place in places if b"/manifest/" in place[1] and place[0] in partitions]
    chosen = company.chance.sample(places, max(1, len(places) // 20))
    return [(place, records[place]) for place in sorted({*chosen, *manifests})]


def spoil(how):
    """Return the fault of checkpoints that are spoilt while nobody is at work."""

    def spoil_checkpoints(company, times):
        for _ in range(times):
            company.wait_for(300)
            for worker in list(company.workers):
                if company.chance.random() < 0.5:
                    company.kill(worker)
                else:
                    company.stop(worker)
            stored = Stored(company)
            records = stored.records()
            assert any(b"/manifest/" in key for _, key in records), "nothing is stored"
            stored.write(how(company, records))
            company.start_workers(2)
            company.require_answer()

    spoil_checkpoints.__name__ = how.__name__
    return spoil_checkpoints
