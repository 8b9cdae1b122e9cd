"""The state outlives its workers: stored, restored by the next one, shown and written off by `kqi state`."""

import asyncio
import json
import signal
from contextlib import ExitStack
from typing import NamedTuple

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from confluent_kafka import Producer

from tests.metrics import Scrape
from tests.offices import WINDOWS, Office, now_ms
from tests.service import PARTITIONS, Service, until
from tests.topics import Reader, Writer

OFFICES = 6
HOUR_MS = 3_600_000


class Lives(NamedTuple):
    """What five lives of a worker showed and said, one after the other, of one log."""

    first: Scrape  # reads the log, is killed after its checkpoints
    restored: Scrape
    restored_said: str
    read_anew: Scrape  # after `kqi state rebuild`
    read_anew_said: str
    refused: Scrape  # after its checkpoints were damaged
    refused_said: str
    shown: list  # by `kqi state`, while the second one runs
    in_use: str  # what `kqi state rebuild` said then
    table: str
    rebuilt: str
    noted: dict  # what was committed before: offset and note by topic and partition
    noted_then: dict  # and after it
    surveys: list  # what was published of surveys, at the end of each of the first two lives
    letters: list


@pytest.fixture(scope="module")
def lives(apache_kafka):
    """Return what the lives were like."""
    service = Service(apache_kafka, windows=WINDOWS, answer_window_s=0.5, checkpoint_interval_s=0.1).create_topics()
    with ExitStack() as stack:
        writer = stack.enter_context(Writer(service))
        surveys, letters = (stack.enter_context(Reader(service, topic)) for topic in ("surveys", "dead-letters"))
        for number in range(OFFICES):
            fill(Office(writer), number, writer)
        with service.worker() as worker:
            first = when_stored(service, worker)
            until(lambda: notes(service), "what was stored to be committed")
            assert worker.stop(signal.SIGKILL) == -signal.SIGKILL
        published = [(told(surveys), len(letters.all_messages()))]
        with service.worker() as worker:
            restored, restored_said = worker.wait_until_ready().scrape(), worker.output
            shown = stored(service)
            table = service.kqi("state").stdout.decode()
            in_use = service.kqi("state", "rebuild").stderr.decode()
            assert worker.stop() == 0
        published.append((told(surveys), len(letters.all_messages())))
        noted = notes(service)
        rebuilt = service.kqi("state", "rebuild").stderr.decode()
        noted_then = notes(service)
        with service.worker() as worker:
            worker.wait_until_ready()
            read_anew, read_anew_said = when_stored(service, worker), worker.output
            assert worker.stop() == 0
        damage(service)
        with service.worker() as worker:
            refused, refused_said = worker.wait_until_ready().scrape(), worker.output
            assert worker.stop() == 0
        return Lives(
            first,
            restored,
            restored_said,
            read_anew,
            read_anew_said,
            refused,
            refused_said,
            shown,
            in_use,
            table,
            rebuilt,
            noted,
            noted_then,
            [found for found, _ in published],
            [number for _, number in published],
        )


def fill(office, number, writer):
    """Publish some events of an office, good and bad, each of its own age."""
    presses = [office.survey("yes" if each % 3 else "no", age_ms=(2 + each) * HOUR_MS) for each in range(5 + number)]
    office.verdict(presses[0], reliable=False)
    office.seller(now_ms() - HOUR_MS)
    office.publish("sales", "sale", amount_minor=100 * number, currency="EUR")
    writer.send("sales", b"no sale", key=office.office_id)


def notes(service):
    """Return what the group has committed, with what was noted: offset and note by topic and partition."""

    async def ask():
        admin = AIOKafkaAdminClient(bootstrap_servers=str(service.bootstrap))
        await admin.start()
        try:
            return await admin.list_consumer_group_offsets(service.name)
        finally:
            await admin.close()

    return {tuple(place): tuple(found) for place, found in asyncio.run(ask()).items()}


def when_stored(service, worker):
    """Wait until all that was read is in a checkpoint; return what is shown then."""
    worker.wait_until_ready()
    until(lambda: sum(each["behind"] for each in stored(service)) == 0, lambda: f"checkpoints: {stored(service)}")
    return worker.scrape()


def stored(service):
    """Return what `kqi state` tells."""
    return json.loads(service.kqi("state", "--format", "json").stdout)


def told(surveys):
    """Return id and outcome of every survey message."""
    return [
        tuple(json.loads(each.value())[name] for name in ("survey_id", "outcome")) for each in surveys.all_messages()
    ]


def damage(service):
    """Write something else in place of every manifest."""
    producer = Producer({"bootstrap.servers": str(service.bootstrap)})
    for partition in range(PARTITIONS):
        for slot in b"0", b"1":
            key = service.settings["kafka_group"].encode() + b"/manifest/" + slot
            producer.produce(f"{service.prefix}checkpoints", b"not a manifest", key, partition)
    assert producer.flush(30) == 0


def test_a_restored_state_shows_the_same(lives):
    """The next worker shows what the killed one showed, without reading an event again."""
    assert lives.restored.indices == lives.first.indices != {}
    assert lives.restored.total("kqi_worker_events_total") == 0
    assert lives.restored_said.count("restored 4") == 1


def test_nothing_is_published_again(lives):
    """What was stored was published: no dead letter comes again, and no survey but what time decided meanwhile."""
    assert lives.letters == [OFFICES, OFFICES]
    first, both = lives.surveys
    assert {outcome for _, outcome in both[len(first) :]} <= {"silent"}
    assert set(both) == set(first)


def test_state_is_shown(lives):
    """`kqi state` tells of every partition how old and large its state is, where it has got to, and what came after."""
    assert [each["partition"] for each in lives.shown] == list(range(PARTITIONS))
    stored = [each["checkpoint"] for each in lives.shown if each["checkpoint"]]
    assert sum(each["offsets"].get("sales", 0) for each in stored) == 2 * OFFICES
    assert all(each["size"] > 0 and each["format"] == 1 and each["number"] > 0 for each in stored)
    assert sum(each["behind"] for each in lives.shown) == 0
    assert now_ms() - HOUR_MS < min(each["taken_ms"] for each in stored) < now_ms()
    header, *rows = lives.table.splitlines()
    assert header.split()[:3] == ["partition", "checkpoint", "age"]
    assert len(rows) == PARTITIONS


def test_a_state_in_use_is_not_written_off(lives):
    """While workers run they would write it again."""
    assert "1 workers of the group" in lives.in_use
    assert "stop them first" in lives.in_use


def test_starting_over_gives_the_same(lives):
    """After `kqi state rebuild` the log is read from its beginning, to the same end."""
    assert f"the checkpoints of {PARTITIONS} partitions are deleted" in lives.rebuilt
    assert "restored 0" in lives.read_anew_said
    assert lives.read_anew.total("kqi_worker_events_total") > 0
    assert lives.read_anew.indices == lives.first.indices


def test_starting_over_forgets_the_time_of_then(lives):
    """What was committed stays so, and nothing of what was noted with it: the clock of then may have been the reason."""
    offsets = {place: offset for place, (offset, _) in lives.noted.items()}
    assert any(note for _, note in lives.noted.values())
    assert lives.noted_then == {place: (offset, "") for place, offset in offsets.items()}


def test_damaged_checkpoints_are_refused(lives):
    """What cannot be a checkpoint is said to be none, and the log is read."""
    assert "is damaged: its manifest has another hash than it says" in lives.refused_said
    assert "no checkpoint can be used, its log is read from the beginning" in lives.refused_said
    assert lives.refused.indices == lives.first.indices


def test_a_log_made_anew_is_no_continuation(apache_kafka):
    """A checkpoint that knows more of a log than there is of it is of another log: the worker says so and starts over."""
    service = Service(apache_kafka, windows=WINDOWS, answer_window_s=0.5, checkpoint_interval_s=0.1).create_topics()
    with Writer(service) as writer:
        office = Office(writer)
        for _ in range(5):
            office.publish("sales", "sale", amount_minor=1, currency="EUR")
        with service.worker() as worker:
            when_stored(service, worker)
            assert worker.stop() == 0
        own = {"topic_prefix": None, "kafka_group": service.name}
        again = Service(apache_kafka, **{k: v for k, v in (service.settings | own).items() if v is not None})
        again.create_topics()
        copy_checkpoints(service, again)
        with again.worker() as worker:
            worker.wait_until_ready()
            assert "was made anew: starting over" in worker.output
            with Writer(again) as other:
                Office(other).publish("sales", "sale", amount_minor=1, currency="EUR")
            worker.until(lambda seen: seen.total("kqi_worker_events_total") == 1)
            assert worker.stop() == 0


def copy_checkpoints(service, again):
    """Give a service the checkpoints of another one."""
    producer = Producer({"bootstrap.servers": str(service.bootstrap)})
    with Reader(service, "checkpoints") as reader:
        for message in reader.all_messages():
            producer.produce(f"{again.prefix}checkpoints", message.value(), message.key(), message.partition())
    assert producer.flush(30) == 0
