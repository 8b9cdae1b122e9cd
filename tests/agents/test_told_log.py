"""Reading back what was told of surveys, from a broker."""

import msgspec
import pytest

from agents import told_log
from agents.told_log import ToldLog
from streams.configuration import configure
from streams.outputs import Survey
from tests.service import Service
from tests.topics import Writer

SURVEY = Survey("s", "o", "p", "e", 1, "personnel", "yes", valid=True, force_majeure=False, revision=1)
COUNT = 100


@pytest.fixture(scope="module")
def log(kafka):
    """Return the log of a service, with a hundred surveys in partition 1, and something else behind them."""
    service = Service(kafka).create_topics()
    messages = [msgspec.structs.replace(SURVEY, survey_id=f"s{number}", revision=number) for number in range(COUNT)]
    with Writer(service) as writer:
        writer.send("surveys", *map(msgspec.json.encode, messages), key="o", partition=1)
        writer.send("surveys", b"no survey", key="o", partition=1)
    kafka_settings = {"bootstrap": str(service.bootstrap), "group": service.name}
    return ToldLog(configure(("the test", {"kafka": kafka_settings, "topic_prefix": service.prefix})))


async def test_all_behind_an_offset_is_read(log, caplog):
    """What lies at the offset and behind it is heard, to the end as it is now; what is no survey is said."""
    found = await log.read({0: 0, 1: COUNT - 10, 2: 17})
    assert {number: (len(heard.told), heard.until) for number, heard in found.items()} == {
        0: (0, 0),
        1: (10, COUNT + 1),
        2: (0, 0),
    }
    assert {survey.revision for survey in found[1].told.values()} == set(range(COUNT - 10, COUNT))
    assert "is no survey" in caplog.text


async def test_nothing_to_read(log):
    """Without partitions no connection is made; at the end of a topic there is nothing."""
    assert await log.read({}) == {}
    assert (await log.read({1: COUNT + 1}))[1].told == {}


async def test_what_is_read_is_bounded(log, monkeypatch):
    """Of very many messages the last ones are read."""
    monkeypatch.setattr(told_log, "MOST_MESSAGES", 5)
    assert len((await log.read({1: 0}))[1].told) == 4
