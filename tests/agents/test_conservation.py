"""Conservation: a worker can account for every offset of its logs, and says so in /metrics."""

import json

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from tests.offices import Office, now_ms
from tests.service import Service
from tests.topics import PARTITIONS, Writer, office_in

DAY_MS = 86_400_000
HOME = 1  # the partition of the office
ELSEWHERE = 2
FATES = ("applied", "duplicate", "held", "too_late", "rejected", "moved", "gap")


@pytest.fixture
def service(apache_kafka):
    """Return a service with its topics, on a broker that knows transactions."""
    return Service(apache_kafka, windows=["1h"]).create_topics()


def send_in_a_transaction(service, topic, value, key, *, keep):
    """Send a message, and then keep it or take it back; either leaves a mark behind it."""
    producer = Producer(
        {
            "bootstrap.servers": str(service.bootstrap),
            "transactional.id": f"{service.name}-{keep}",
            "partitioner": "murmur2_random",
        }
    )
    producer.init_transactions()
    producer.begin_transaction()
    producer.produce(service.prefix + topic, value, key)
    producer.flush()
    if keep:
        producer.commit_transaction()
    else:
        producer.abort_transaction()


def ends(service, partition):
    """Return the sum of the end offsets of all input topics, as the broker tells them."""
    topics = ["presses", "verdicts", "calls", "sales", "visits", "ratings", "requests", "shifts", "peer-ratings"]
    consumer = Consumer({"bootstrap.servers": str(service.bootstrap), "group.id": f"{service.name}-ends"})
    try:
        return sum(
            consumer.get_watermark_offsets(TopicPartition(service.prefix + topic, partition))[1] for topic in topics
        )
    finally:
        consumer.close()


def fates(seen, partition):
    """Return what a scrape says of a partition."""
    return {fate: seen("kqi_worker_partition_messages", partition=str(partition), fate=fate) for fate in FATES}


@pytest.mark.kafka
def test_every_offset_is_accounted_for(service):
    """Good, repeated, early, late, unfit, misrouted and taken back: each is counted once, also when the log is read again."""
    with Writer(service) as writer:
        office = Office(writer)
        office.office_id = office_in(HOME)
        first = office.publish("visits", "visit")
        writer.publish("visits", first, first)
        early = office.publish("sales", "sale", now_ms() + 200_000, amount_minor=1, currency="EUR")
        writer.publish("sales", early)
        office.seller()
        office.seller(now_ms() - DAY_MS - 60_000)
        writer.send("calls", b"{", None, b"[]", key=office.office_id)
        stray = json.dumps(office.event("visit")).encode()
        writer.send("visits", stray, key=office.office_id, partition=ELSEWHERE)
        for keep in (True, False):
            message = json.dumps(office.event("visit")).encode()
            send_in_a_transaction(service, "visits", message, office.office_id, keep=keep)
        wanted = {
            HOME: {
                "applied": 4,  # the visit, the press, the visit that was moved, that of the transaction
                "duplicate": 2,
                "held": 2,
                "too_late": 1,
                "rejected": 3,
                "moved": 0,
                "gap": 3,  # what was taken back, and two marks
            },
            ELSEWHERE: dict.fromkeys(FATES, 0) | {"moved": 1},
        }
        for _life in range(2):
            with service.worker() as worker:
                worker.wait_until_ready()
                seen = worker.until(lambda seen: fates(seen, HOME)["applied"] == 4, only="kqi_worker_")
                assert {partition: fates(seen, partition) for partition in wanted} == wanted
                for partition in range(PARTITIONS):
                    assert sum(fates(seen, partition).values()) == ends(service, partition)
                assert worker.stop() == 0


@pytest.mark.kafka
def test_what_the_log_no_longer_has_is_a_gap(service):
    """A log whose beginning was deleted begins with a gap."""
    from confluent_kafka.admin import AdminClient  # noqa: PLC0415

    with Writer(service) as writer:
        office = Office(writer)
        office.office_id = office_in(HOME)
        for _ in range(5):
            office.publish("visits", "visit")
        admin = AdminClient({"bootstrap.servers": str(service.bootstrap)})
        ((_, deleted),) = admin.delete_records([TopicPartition(f"{service.prefix}visits", HOME, 3)]).items()
        deleted.result()
        with service.worker() as worker:
            worker.wait_until_ready()
            seen = worker.scrape("kqi_worker_")
            assert fates(seen, HOME) == dict.fromkeys(FATES, 0) | {"applied": 2, "gap": 3}
            assert worker.stop() == 0
