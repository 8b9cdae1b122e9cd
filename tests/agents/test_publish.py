"""`kqi publish`: events from files to the partitions of their offices, bad lines to the user."""

import gzip
import json
import random

import pytest
import zstandard

from streams.events import EVENT_NAMES, TOPIC_OF_KIND
from tests.reference.messages import spell
from tests.service import Service
from tests.streams.specimens import event, message
from tests.topics import Reader, partition_of

TOPIC_OF_TYPE = dict(zip(EVENT_NAMES, TOPIC_OF_KIND, strict=True))


@pytest.fixture(scope="module")
def shared(kafka):
    """Return a service with its topics."""
    return Service(kafka).create_topics()


@pytest.fixture
def service(kafka):
    """Return a service with topics of its own."""
    return Service(kafka).create_topics()


def published(service, topic):
    """Return what lies on a topic."""
    with Reader(service, topic) as reader:
        return reader.all_messages()


def test_every_event_byte_for_byte(service, tmp_path):
    """Each event lies on its topic, as it was written, under its office, in that office's partition and in order."""
    chance = random.Random(1)
    lines = [
        spell(event(kind, event_id=str(number), office_id=f"office {number % 7} \u00e9"), chance)
        for number in range(20)
        for kind in EVENT_NAMES
    ]
    lines = [line.replace(b"\r", b"").replace(b"\n", b"") for line in lines]
    path = tmp_path / "events.ndjson"
    path.write_bytes(b"\n".join(lines))
    done = service.kqi_inside("publish", path)
    assert (done.exit_code, done.stdout) == (0, "")
    counts = dict.fromkeys(TOPIC_OF_KIND, 20) | {"presses": 40}
    assert done.stderr == "".join(f"kqi: {counts[each]} to {service.prefix}{each}\n" for each in sorted(counts))
    for topic in counts:
        found = published(service, topic)
        mine = [line for line in lines if TOPIC_OF_TYPE[json.loads(line)["type"]] == topic]
        for office in {json.loads(line)["office_id"] for line in mine}:
            of_office = [each for each in found if each.key() == office.encode()]
            assert [each.value() for each in of_office] == [
                line for line in mine if json.loads(line)["office_id"] == office
            ]
            assert {each.partition() for each in of_office} == {partition_of(office)}
        assert len(found) == len(mine)
        assert not any(each.headers() for each in found)


def test_bad_lines(service, tmp_path):
    """Bad lines are told with file, number and reason; the good ones of the same file are published all the same."""
    path = tmp_path / "events.ndjson"
    visits = [message("visit", event_id=str(number)) for number in range(3)]
    path.write_bytes(b"\n".join([visits[0], b"{", b"", visits[1], b'{"type":"visit"}', visits[2], b"[]"]) + b"\n")
    done = service.kqi_inside("publish", path)
    assert done.exit_code == 0
    told = done.stderr.splitlines()
    assert [line.split(": ")[:2] for line in told[:3]] == [
        [f"{path}:2", "not_json"],
        [f"{path}:5", "missing_field"],
        [f"{path}:7", "not_an_object"],
    ]
    assert told[3:] == [f"kqi: 3 to {service.prefix}visits", "kqi: 3 lines rejected"]
    assert [each.value() for each in published(service, "visits")] == visits
    assert service.kqi_inside("publish", path, "--strict").exit_code == 1


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".zst", zstandard.compress)])
def test_packed_files(shared, tmp_path, suffix, pack):
    """Packed files are unpacked, and several files are published one after the other."""
    path = tmp_path / f"events.ndjson{suffix}"
    path.write_bytes(pack(message("visit") + b"\r\n"))
    done = shared.kqi_inside("publish", path, path)
    assert (done.exit_code, done.stderr) == (0, f"kqi: 2 to {shared.prefix}visits\n")


def test_standard_input(shared):
    """`-` is standard input; blank lines and CRLF do no harm."""
    done = shared.kqi_inside("publish", "-", stdin=b"\r\n" + message("sale") + b"\r\n\n")
    assert (done.exit_code, done.stderr) == (0, f"kqi: 1 to {shared.prefix}sales\n")


def test_nothing_to_publish(shared):
    """No event, no word."""
    done = shared.kqi_inside("publish", "-", stdin=b"")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")


def test_the_largest_event(shared):
    """An event of 64 KiB goes, a larger one is told."""
    note = "x" * (65_536 - len(message("verdict", note="")))
    done = shared.kqi_inside("publish", "-", stdin=message("verdict", note=note))
    assert done.stderr == f"kqi: 1 to {shared.prefix}verdicts\n"
    done = shared.kqi_inside("publish", "-", stdin=message("verdict", note=note + "x"))
    assert done.stderr.startswith("-:1: too_large: ")


def test_a_missing_file(shared):
    """A file that cannot be read is told, with status 2."""
    done = shared.kqi_inside("publish", "no-such-file")
    assert (done.exit_code, done.stderr) == (2, "kqi: no-such-file: No such file or directory\n")
