"""Brokers that are away, and workers that were: said once, survived without a restart, nothing lost, and no way to hold up the end."""

import os
import re
import signal
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.apache_kafka import Address, Node, Unavailable, fetch_jars
from tests.offices import Office
from tests.service import END_S, Service, Worker, compile_kernels, environment, until
from tests.topics import Writer

pytestmark = pytest.mark.kafka
SESSION_S = 6  # the least that brokers allow
SHORT_SESSION = f"""
import functools
from agents import cli, run
from agents.app import GroupTimes
times = GroupTimes(session_s={SESSION_S}, heartbeat_s=0.5, rebalance_s=10)
run.run_worker = functools.partial(run.run_worker, group_times=times)
cli.main()
"""


@pytest.fixture(scope="module")
def node():
    """Return a node that may be frozen and killed."""
    try:
        jars = fetch_jars()
    except Unavailable as missing:
        pytest.skip(f"no Apache Kafka: {missing}")
    compile_kernels()
    with tempfile.TemporaryDirectory(prefix="kqi-kafka-") as folder:
        node = Node(jars, Path(folder))
        try:
            node.start()
            yield node
        finally:
            node.stop()


@pytest.fixture
def service(node):
    """Return a service with its topics."""
    return Service(Address(node.address, is_embedded=False), windows=["1h"], indices_interval_s=0.1).create_topics()


@pytest.fixture
def worker(service):
    """Return a worker that is ready, and soon missed by its group."""
    command = [sys.executable, "-c", SHORT_SESSION, "worker", "--metrics-port", "0"]
    with Worker(command, environment(**service.settings)) as worker:
        yield worker.wait_until_ready()


@pytest.fixture
def office(service, worker):
    """Return an office."""
    with Writer(service) as writer:
        yield Office(writer, worker)


def stopped_for(process_id, seconds):
    """Stop a process for a while."""
    os.kill(process_id, signal.SIGSTOP)
    try:
        time.sleep(seconds)  # nothing to wait for: time itself is the fault
    finally:
        os.kill(process_id, signal.SIGCONT)


def complaints(worker):
    """Return the messages of a worker that are no news of its partitions, without their times."""
    lines = [re.sub(r"^\S+ \S+ \w+ ", "", line) for line in worker.output.splitlines()[1:]]
    return [line for line in lines if not re.match(r"kqi.worker (owns|lets go|ready)", line)]


def visits_until(office, count):
    """Wait until so many visits count."""
    until(lambda: counted(office) == count, lambda: office._worker.output)


def counted(office):
    """Return how many visits have been applied."""
    return office._worker.scrape("kqi_worker_").total("kqi_worker_partition_messages", fate="applied")


def test_a_frozen_broker(node, worker, office):
    """It is said once, and once that it is over; meanwhile nobody is told that all is well; then all counts, without a restart."""
    office.publish("visits", "visit")
    visits_until(office, 1)
    os.kill(node._process.pid, signal.SIGSTOP)
    try:
        until(lambda: worker.get("/readyz")[0] == 503, "a worker that is not ready")
        assert worker.scrape("kqi_worker_")("kqi_worker_ready") == 0
        # Logs may have been silent for longer than the group, which alone decides who may show indices.
        until(lambda: worker.scrape().indices == {}, "a worker that shows no index")
        assert worker.get("/readyz")[0] == 503
        until(lambda: "do not answer" in worker.output, lambda: worker.output)
    finally:
        os.kill(node._process.pid, signal.SIGCONT)
    office.publish("visits", "visit")
    visits_until(office, 2)
    worker.wait_until_ready()
    until(lambda: "answer again" in worker.output, lambda: worker.output)
    lost, back = (line for line in complaints(worker) if "kqi.worker" in line)
    assert re.match(
        r"kqi.worker the brokers do not answer (for \d+ of 36 topic partitions|to heartbeats), trying again", lost
    )
    assert re.match(r"kqi.worker the brokers answer again, after \d+ s$", back)
    assert len(complaints(worker)) <= 4  # and the same of what waited to be published
    assert "Traceback" not in worker.output
    assert worker.stop() == 0


def test_an_expired_session(worker, office):
    """A worker that stood still until its group gave it up is not ready at once, joins again, and counts everything once."""
    office.publish("visits", "visit")
    visits_until(office, 1)
    stopped_for(worker.pid, SESSION_S + 2)
    office.publish("visits", "visit")
    visits_until(office, 2)
    worker.wait_until_ready()
    assert worker.output.count("kqi.worker owns 4 of the partitions") == 2
    assert complaints(worker) == []
    assert worker.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_end_while_the_broker_is_frozen(node, worker, office, number):
    """It ends in time and in peace, although nothing can be published, committed or said to the group."""
    office.survey("no")
    os.kill(node._process.pid, signal.SIGSTOP)
    try:
        assert worker.stop(number) == 0  # within END_S
        assert "Traceback" not in worker.output
    finally:
        os.kill(node._process.pid, signal.SIGCONT)


def test_told_to_end_while_the_broker_is_gone(node, worker, office):
    """The same where nobody listens any more."""
    office.survey("no")
    os.kill(node._process.pid, signal.SIGKILL)
    node._process.wait()
    try:
        until(lambda: "kqi.worker the brokers do not answer" in worker.output, lambda: worker.output)
        began_s = time.monotonic()
        assert worker.stop() == 0
        assert time.monotonic() - began_s < END_S
        assert "Traceback" not in worker.output
    finally:
        node.start()


STUCK = """
import asyncio
from agents.worker import Worker
async def handle(self, batch):
    await asyncio.Event().wait()
Worker.handle = handle
"""


def test_what_stands_still_ends_the_worker(service, office):
    """It ends with 1 and one sentence, so that somebody starts it again; and the next one goes on."""
    assert office._worker.stop() == 0
    office.publish("visits", "visit")
    command = [sys.executable, "-c", STUCK + SHORT_SESSION, "worker", "--metrics-port", "0"]
    with Worker(command, environment(**service.settings, stall_exit_s=2)) as stuck:
        status, said = stuck.wait()
    assert status == 1
    sentence = r"visits, partition \d, has messages up to offset 1, but none from 0 on has been applied for 2 s$"
    assert re.search(rf"^kqi: the worker cannot go on: \S+{sentence}", said, re.MULTILINE)
    assert "Traceback" not in said
    with service.worker() as worker:
        worker.wait_until_ready()
        assert worker.scrape("kqi_worker_").total("kqi_worker_partition_messages", fate="applied") == 1
