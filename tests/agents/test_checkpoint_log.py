"""The topic of checkpoints on a broker: what was written is read, from the beginning or from its end."""

import pytest
from confluent_kafka import Producer

from agents.checkpoint_log import TAIL_RECORDS, CheckpointLog
from agents.reading import reader
from streams.configuration import configure
from tests.service import PARTITIONS, Service


@pytest.fixture(scope="module")
def service(kafka):
    """Return a service with its topics."""
    return Service(kafka).create_topics()


@pytest.fixture(scope="module")
def log(service):
    """Return the log of checkpoints, with a manifest in partition 1 and far behind it one in partition 2."""
    settings = {"kafka": {"bootstrap": str(service.bootstrap), "group": service.name}, "topic_prefix": service.prefix}
    log = CheckpointLog(configure(("the test", settings)))
    messages = [
        log.manifest(1, 0, b"zero"),
        log.manifest(1, 1, b"one"),
        log.chunk(1, b"d" * 16, b"chunk"),
        log.chunk(1, b"e" * 16, b"another"),
        log.manifest(1, 0, b"two"),
        log.chunk(1, b"d" * 16, None),
        log.manifest(2, 0, b"far"),
        *(log.chunk(2, b"%016d" % number, b"chunk") for number in range(10 * TAIL_RECORDS)),
    ]
    producer = Producer({"bootstrap.servers": str(service.bootstrap)})
    for each in messages:
        producer.produce(each.topic, each.value, each.key, each.partition)
    producer.produce(f"{service.prefix}checkpoints", b"?", b"somebody else's", 1)
    assert producer.flush(30) == 0
    return log


async def test_all_is_read(log):
    """Every partition that was asked for comes once, with what its keys last said."""
    found = [each async for each in log.read(range(PARTITIONS))]
    assert sorted(number for number, _ in found) == list(range(PARTITIONS))
    stored = dict(found)
    assert stored[0] == ({}, {})
    assert stored[1] == ({0: b"two", 1: b"one"}, {b"e" * 16: b"another"})
    assert stored[2].manifests == {0: b"far"}
    assert len(stored[2].chunks) == 10 * TAIL_RECORDS


async def test_manifests_are_found_from_the_end(log):
    """However much lies behind it, the last manifest is found; where there is none, none is."""
    found = await log.latest_manifests(range(PARTITIONS))
    assert found[1][0] == b"two"
    assert {number: each for number, each in found.items() if number != 1} == {0: {}, 2: {0: b"far"}, 3: {}}


async def test_nothing_is_asked_for(log):
    """A worker that gets no partition reads nothing."""
    assert [each async for each in log.read([])] == []
    assert await log.latest_manifests([]) == {}


async def test_a_reader_that_ends_at_once_ends_quietly(log):
    """Whoever stops before anything was read is not taken for cancelled."""
    async with reader(log._configuration):
        pass
