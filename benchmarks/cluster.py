"""The Apache Kafka that all of one run uses, and topics filled with a workload."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from confluent_kafka import Consumer, Producer, TopicPartition

from agents.cluster import OfficePartitions
from benchmarks.processes import ASIDE, MEASURED, on_cores
from benchmarks.workload import Workload, office_id
from tests.apache_kafka import Address, Node, fetch_jars
from tests.service import Service

PARTITIONS = 4
AT_ONCE = 50_000
FLUSH_TIMEOUT_S = 120.0


@contextmanager
def apache_kafka() -> Iterator[Address]:
    """Start a node of Apache Kafka beside what is measured; yield its address."""
    with tempfile.TemporaryDirectory(prefix="kqi-benchmarks-") as folder:
        node = Node(fetch_jars(), Path(folder))
        try:
            with on_cores(ASIDE):
                node.start()
            yield Address(node.address, is_embedded=False)
        finally:
            node.stop()


def filled_service(bootstrap: Address, workload: Workload | None = None, **settings: object) -> Service:
    """Return a service with its topics, the presses filled with a workload."""
    service = Service(bootstrap, **({"partitions": PARTITIONS} | settings))
    service.create_topics()
    if workload is not None:
        fill(service, workload)
    return service


def partitions_of(workload: Workload) -> np.ndarray:
    """Return the partition of every message."""
    where = OfficePartitions(PARTITIONS)
    by_office = np.array([where[office_id(number)] for number in range(workload.offices)], np.int32)
    return by_office[workload.office]


def fill(service: Service, workload: Workload, behind: int = 0) -> None:
    """Publish the messages in their order behind so many others, and see that all of them are there."""
    topic = service.prefix + "presses"
    producer = Producer(
        {
            "bootstrap.servers": str(service.bootstrap),
            "enable.idempotence": True,  # keeps the order, whatever is sent again
            "log_level": 3,  # errors
            "linger.ms": 20,
            "batch.size": 2**18,
            "queue.buffering.max.messages": 10 * AT_ONCE,
            "queue.buffering.max.kbytes": 2**20,
        }
    )
    # What is produced before the partitions are known would be put in later, behind what follows.
    producer.list_topics(topic, FLUSH_TIMEOUT_S)
    partitions = partitions_of(workload)
    with on_cores(MEASURED):  # nothing is measured yet
        for begin in range(0, workload.messages.size, AT_ONCE):
            values, keys = workload.values(begin, begin + AT_ONCE), workload.keys(begin, begin + AT_ONCE)
            rows = [{"value": value, "key": key} for value, key in zip(values, keys, strict=True)]
            for partition in range(PARTITIONS):
                places = np.flatnonzero(partitions[begin : begin + AT_ONCE] == partition).tolist()
                producer.produce_batch(topic, [rows[place] for place in places], partition)
            while len(producer) > AT_ONCE:
                producer.poll(0.01)
        producer.flush(FLUSH_TIMEOUT_S)
    assert sum(end_offsets(service.bootstrap, topic)) == behind + workload.messages.size, (
        "not every message was published"
    )


def end_offsets(bootstrap: str, topic: str) -> list[int]:
    """Return where the log of each partition ends."""
    consumer = Consumer({"bootstrap.servers": str(bootstrap), "group.id": "benchmarks"})
    try:
        return [
            consumer.get_watermark_offsets(TopicPartition(topic, each), timeout=FLUSH_TIMEOUT_S)[1]
            for each in range(PARTITIONS)
        ]
    finally:
        consumer.close()
