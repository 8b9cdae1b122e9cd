"""Reading topics from where it may matter: as much as is needed, and refused as a worker refuses."""

import asyncio
import json
import random
import time

import pytest
from aiokafka import TopicPartition

from agents import gathering
from agents.cluster import OfficePartitions
from agents.gathering import LEAD_MS, NO_LIMITS, Wanted, gather_topics
from streams.configuration import configure
from streams.evidence import Log
from streams.times import instant_ms
from tests.service import Service
from tests.streams.specimens import event
from tests.topics import Writer, office_in

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
NOW_MS = instant_ms("2026-03-02T12:00:00Z")


class Record:
    """A message as the client hands it out."""

    def __init__(self, offset, append_ms, message):
        self.offset, self.timestamp = offset, append_ms
        self.key, self.value = message["office_id"].encode(), json.dumps(message).encode()


def read(records, configuration, office):
    """Read some records of partition 0; return where the accepted ones of an office lie."""
    place = TopicPartition("kqi.presses", 0)
    log = Log()
    reading = gathering._Reading(configuration, "presses", place, OfficePartitions(1), office)
    for start in range(0, len(records), 3):
        reading.take(records[start : start + 3], log)
    return {int(offset) for kept in log.kept for offset in kept.positions[kept.events.rows["position"]]}


@pytest.mark.parametrize("seed", range(30))
def test_refusals_do_not_depend_on_where_reading_began(seed):
    """Of what happened since an instant the same is refused, whether all is read or what was appended since then, less the lead."""
    chance = random.Random(seed)
    configuration = configure(("the test", {"correction_horizon_s": {"presses": 3600}}))
    append_ms = NOW_MS - DAY_MS
    records = []
    for offset in range(200):
        append_ms += chance.choice((0, 1, 60_000, 600_000))
        late_ms = chance.choice((-LEAD_MS - 1, -LEAD_MS, 0, 0, 5000, HOUR_MS, HOUR_MS + 1, 2 * HOUR_MS, DAY_MS))
        press = event("seller_press", event_id=f"{offset}", ts=append_ms - late_ms, office_id=chance.choice("ab"))
        records.append(Record(offset, append_ms, press))
    since_ms = chance.choice(records).timestamp - chance.choice((0, 1, HOUR_MS))
    later = [record for record in records if record.timestamp >= since_ms - LEAD_MS]
    matters = {record.offset for record in records if json.loads(record.value)["ts"] >= since_ms}
    for office in "ab":
        everything, part = (read(some, configuration, office) for some in (records, later))
        assert everything & matters == part & matters
    assert 0 < len(later) <= len(records)


@pytest.fixture
def kept(monkeypatch):
    """Return what is asked of a log, which holds a force majeure of ten days ago and a verdict that brings it up to now."""
    asked = []
    long_ago = NOW_MS - 10 * DAY_MS
    press = event("seller_press", event_id="f", ts=long_ago, hold_ms=5000, office_id="o")
    verdict = event(
        "verdict", event_id="v", ts=NOW_MS, target="force_majeure", target_id="f", reliable=True, office_id="o"
    )
    verdict |= {"to": NOW_MS - 1000, "scope": "office"}
    verdict.pop("from", None)

    async def from_starts(configuration, office, starts, _limits):
        asked.append(starts)
        log = Log()
        for topic, message in (("presses", press), ("verdicts", verdict)):
            if message["ts"] >= starts[topic]:
                one = gathering._Reading(configuration, topic, TopicPartition(topic, 0), OfficePartitions(1), office)
                one.take([Record(0, message["ts"], message)], log)
        return log

    monkeypatch.setattr(gathering, "_read", from_starts)
    return asked, press, verdict


async def test_an_early_force_majeure_is_looked_for(kept):
    """Where a verdict gives a force majeure that was not read an end in the window, all of the longest window is read."""
    asked, _, _ = kept
    log = await gather_topics(configure(), Wanted("o", {"presses", "verdicts"}, NOW_MS - HOUR_MS, NOW_MS))
    assert [each["presses"] < NOW_MS - 10 * DAY_MS for each in asked] == [False, True]
    assert len(log.kept) == 2


async def test_usually_little_is_read(kept):
    """Where it ended before the window, presses are read for a day before it, and not again."""
    asked, _, verdict = kept
    verdict["to"] = NOW_MS - 2 * HOUR_MS
    await gather_topics(configure(), Wanted("o", {"presses", "verdicts"}, NOW_MS - HOUR_MS, NOW_MS))
    [starts] = asked
    assert starts["presses"] == NOW_MS - HOUR_MS - DAY_MS - 900_000
    assert starts["verdicts"] == NOW_MS - 59 * DAY_MS // 2 - DAY_MS


async def test_who_asks_when_questions_were_asked_reads_as_far_back(kept):
    """Where it matters when questions were last asked, presses and verdicts are read since then, and presses not twice."""
    asked, _, _ = kept
    since_ms = NOW_MS - 70 * DAY_MS
    wanted = Wanted("o", {"presses", "verdicts", "sales"}, NOW_MS - HOUR_MS, NOW_MS, since_ms)
    await gather_topics(configure(), wanted)
    [starts] = asked
    assert starts["presses"] == starts["verdicts"] == since_ms - DAY_MS - 900_000
    assert starts["sales"] == NOW_MS - HOUR_MS


async def test_requests_and_shifts_are_read_from_the_beginning(kept):
    """A request that is late today may have been opened weeks ago, and a shift of today been told then; calls may go on for hours."""
    asked, _, _ = kept
    topics = {"requests", "shifts", "calls", "ratings"}
    await gather_topics(configure(), Wanted("o", topics | {"presses", "verdicts"}, NOW_MS - HOUR_MS, NOW_MS))
    [starts] = asked[:1]
    assert {topic: NOW_MS - starts[topic] for topic in topics} == {
        "requests": NOW_MS,
        "shifts": NOW_MS,
        "calls": HOUR_MS + DAY_MS,
        "ratings": HOUR_MS,
    }


async def test_reading_begins_at_an_instant(kafka):
    """A broker that knows when messages were appended is asked for those since then; they have their own offsets."""
    service = Service(kafka).create_topics()
    office = office_in(2)
    given = {"topic_prefix": service.prefix, "kafka": {"bootstrap": str(kafka)}}
    press = event("seller_press", office_id=office, ts=time.time_ns() // 1_000_000)
    with Writer(service) as writer:
        writer.publish("presses", press | {"event_id": "before"})
        await asyncio.sleep(0.3)
        since_ms = time.time_ns() // 1_000_000
        writer.publish("presses", press | {"event_id": "after"}, press | {"event_id": "again"})
    configuration = configure(("the test", given))
    log = await gathering._read(configuration, office, {"presses": since_ms + LEAD_MS}, NO_LIMITS)
    offsets = [int(offset) for kept in log.kept for offset in kept.positions]
    assert offsets == [1, 2]
    nothing = await gathering._read(configuration, office_in(3), {"presses": since_ms}, NO_LIMITS)
    assert nothing.messages == 0
