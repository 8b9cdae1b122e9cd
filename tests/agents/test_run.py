"""A worker that cannot go on says why in one sentence; one that is told to stop stops, wherever the broker is."""

import asyncio
import time

import pytest

from agents import fetching
from agents import worker as product
from agents.app import EMBEDDED
from agents.cluster import create_topics
from agents.embedded import EmbeddedBroker
from agents.run import WorkerCrashedError, run_until
from agents.sending import Message
from agents.watch import StalledError
from agents.worker import Worker
from streams.configuration import configure
from tests.agents.members import until


@pytest.fixture
async def configuration(embedded_kafka):
    """Return a configuration for a broker with topics."""
    settings = {"kafka": {"bootstrap": str(embedded_kafka), "group": "run"}, "topic_prefix": "run.", "partitions": 2}
    configuration = configure(("the test", settings))
    await create_topics(configuration)
    return configuration


async def test_a_failure_to_publish_is_one_sentence(configuration):
    """What publishing raises ends the worker with one sentence, though its last words fail in the same way."""
    worker = Worker(configuration, 2, group_times=EMBEDDED)

    async def fail(_messages):
        raise RuntimeError("it is broken")

    worker._outbox._deliver = fail
    running = asyncio.create_task(run_until(worker, asyncio.Event()))
    await until(lambda: worker.assigned)
    worker._outbox.add(0, [Message("run.surveys", 0, b"key", b"value")])
    with pytest.raises(WorkerCrashedError, match=r"^the worker cannot go on: RuntimeError: it is broken$"):
        await asyncio.wait_for(running, 15)
    assert worker.outputs._producer._closed


async def test_what_stands_still_is_named_in_fields(configuration):
    """A log as objects tells topic, partition and offset of what ended the worker."""
    worker = Worker(configuration, 2, group_times=EMBEDDED)
    place = {"topic": "run.presses", "partition": 1, "offset": 7}

    async def fail(_messages):
        raise StalledError("it stands still", place)

    worker._outbox._deliver = fail
    running = asyncio.create_task(run_until(worker, asyncio.Event()))
    await until(lambda: worker.assigned)
    worker._outbox.add(0, [Message("run.surveys", 0, b"key", b"value")])
    with pytest.raises(WorkerCrashedError, match=r"^the worker cannot go on: it stands still$") as ended:
        await asyncio.wait_for(running, 15)
    assert ended.value.fields == place


async def test_stops_although_nothing_can_be_published(monkeypatch, caplog):
    """Without a broker a worker gives up what waits, says so, and stops."""
    monkeypatch.setattr(fetching, "COMMIT_TIMEOUT_S", 0.2)
    monkeypatch.setattr("agents.app.LET_GO_TIMEOUT_S", 0.5)
    monkeypatch.setattr(product, "LAST_OUTPUTS_S", 0.5)
    stop = asyncio.Event()
    done = []
    with EmbeddedBroker() as broker:
        settings = {"kafka": {"bootstrap": broker.bootstrap}, "partitions": 2}
        configuration = configure(("the test", settings))
        await create_topics(configuration)
        worker = Worker(configuration, 2, group_times=EMBEDDED)
        running = asyncio.create_task(run_until(worker, stop))
        await until(lambda: worker.assigned)
    worker._outbox.add(0, [Message("kqi.surveys", 0, b"key", b"value")], lambda: done.append(1))
    await asyncio.sleep(0)
    stop.set()
    began_s = time.monotonic()
    await asyncio.wait_for(running, 60)
    assert time.monotonic() - began_s < 10
    assert "not everything was published" in caplog.text
    assert done == []
