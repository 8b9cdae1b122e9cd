"""Records of surveys: one for each change of what the world may know, each with a higher revision."""

import random

import msgspec
import pytest

from streams import surveys as product
from streams.outputs import Survey
from streams.surveys import records, revise, surveys
from tests.reference import method
from tests.reference.companies import START_MS, company
from tests.reference.contract import normalise
from tests.stored import Record, records_bytes
from tests.streams.feeding import Feed, by_name, decoded, shuffled
from tests.streams.happenings import answer, long_press, press, rating, verdict

T = START_MS


def told(feed, *events):
    """What is told of each survey after some events: its outcome, whether it counts, whether it is in force majeure."""
    return {record.survey_id: (record.outcome, record.valid, record.force_majeure) for record in feed.step(events)}


def test_a_record_says_what_a_survey_is():
    """All fields of the survey, the first revision being the time."""
    feed = Feed()
    survey = press(T, question="loyalty", panel_id="p7", employee_id="ann", office_id="riga-\u00e9", event_id="s\u00e9")
    feed.clock.now_ms = T + 100
    reply = answer(T + 1, answer="hard_to_say", panel_id="p7", office_id="riga-\u00e9")
    rows = feed.engine.step(feed.partition, decoded([survey, reply]), feed.clock)
    revise(feed.partition, rows, T + 777)
    (record,) = surveys(feed.partition, rows)
    assert record == Survey(
        survey_id="s\u00e9",
        office_id="riga-\u00e9",
        panel_id="p7",
        employee_id="ann",
        ts=T,
        question="loyalty",
        outcome="hard_to_say",
        valid=True,
        force_majeure=False,
        revision=T + 777,
    )


def test_revisions_rise_even_where_time_does_not():
    """A revision is the time, or the last one and 1 where that is more."""
    feed = Feed()
    survey = press(T)
    revisions = []
    changes = [[survey, answer(T + 1)], [verdict(T + 2, survey, 0)], [verdict(T + 3, survey, 1)]]
    for time_ms, events in zip((5000, 4000, 9000), changes, strict=True):
        rows = feed.engine.step(feed.partition, decoded(events), feed.clock)
        revise(feed.partition, rows, time_ms)
        revisions += [survey.revision for survey in surveys(feed.partition, rows)]
    assert revisions == [5000, 5001, 9000]


def test_the_first_revision_is_one_where_time_tells_nothing():
    """At instant 0."""
    (record,) = Feed().step([press(T), answer(T + 1)])
    assert record.revision == 1


def test_nothing_is_told_of_what_is_undecided():
    """Neither an open survey nor a bounce has a record, nor a verdict or a force majeure on them."""
    feed = Feed()
    survey, bounce, force_majeure = press(T), press(T + 500), long_press(T + 600)
    assert told(feed, survey, bounce, force_majeure) == {}
    assert told(feed, verdict(T + 700, survey, 0), verdict(T + 700, bounce, 0)) == {}
    assert told(feed, verdict(T + 700, force_majeure, True, **{"from": T})) == {}
    assert told(feed, rating(T + 30_001)) == {survey["event_id"]: ("silent", False, True)}


def test_every_change_is_told_once():
    """Answer, verdicts and force majeures that change something; repeats and what is overruled tell nothing."""
    feed = Feed()
    survey, force_majeure = press(T), long_press(T + 60_000)
    name = survey["event_id"]
    reject = verdict(T + 70_000, survey, 0)
    assert told(feed, survey, answer(T + 1, answer="no")) == {name: ("no", True, False)}
    assert told(feed, survey) == {}
    assert told(feed, answer(T + 2)) == {}
    assert told(feed, reject) == {name: ("no", False, False)}
    assert told(feed, reject, verdict(T + 69_999, survey, 1)) == {}
    assert told(feed, force_majeure, verdict(T + 70_000, force_majeure, 1)) == {}
    moved = verdict(T + 70_001, force_majeure, 1, **{"from": T})
    assert told(feed, moved) == {name: ("no", False, True)}
    assert told(feed, verdict(T + 70_002, survey, 1)) == {name: ("no", True, True)}
    assert told(feed, verdict(T + 70_003, force_majeure, 0)) == {name: ("no", True, False)}


def test_a_change_that_is_undone_in_the_same_step_is_none():
    """Only what differs after a step from before it is told."""
    feed = Feed()
    survey = press(T)
    feed.step([survey, answer(T + 1)])
    assert told(feed, verdict(T + 2, survey, 0), verdict(T + 3, survey, 1)) == {}


def test_a_late_press_withdraws_what_was_decided():
    """A survey that turns out to be a bounce is withdrawn; if that press bounces in its turn, the survey is back."""
    feed = Feed()
    survey, earlier, earliest = press(T), press(T - 800), press(T - 1600)
    assert told(feed, survey, answer(T + 1)) == {survey["event_id"]: ("yes", True, False)}
    assert told(feed, earlier) == {
        survey["event_id"]: ("withdrawn", False, False),
        earlier["event_id"]: ("yes", True, False),
    }
    assert told(feed, earliest) == {
        earlier["event_id"]: ("withdrawn", False, False),
        earliest["event_id"]: ("silent", True, False),
        survey["event_id"]: ("yes", True, False),
    }


def test_a_late_answer_replaces_silence():
    """Silence told too early is corrected."""
    feed = Feed()
    survey = press(T)
    assert told(feed, survey, rating(T + 40_000)) == {survey["event_id"]: ("silent", True, False)}
    assert told(feed, answer(T + 30_000)) == {survey["event_id"]: ("yes", True, False)}
    assert told(feed, answer(T + 29_999, answer="no")) == {survey["event_id"]: ("no", True, False)}


@pytest.mark.parametrize("seed", range(3))
def test_records_end_in_the_state_of_a_company(seed):
    """In any order and with every correction on the way, the last record of each survey is what it is."""
    events = [normalise(event) for event in company(seed, mess=0, offices=1, steps=30)]
    at_ms = START_MS + 10_000_000
    feed = Feed({}, at_ms).feed(shuffled(events, seed), random.Random(seed).choice((1, 3)))
    decided = {
        name: (survey["outcome"], survey["valid"], survey["in_force_majeure"])
        for name, survey in by_name(method.surveys(events, at_ms)).items()
    }
    last = {name: (record.outcome, record.valid, record.force_majeure) for name, record in feed.records.items()}
    withdrawn = {name for name, (outcome, *_) in last.items() if outcome == "withdrawn"}
    assert {name: state for name, state in last.items() if name not in withdrawn} == decided
    assert withdrawn


AWKWARD = ["a", '"', "\\", 'say "\\"', "r\u012bga-1", "\U0001f600" * 128, '"' * 128, "x" * 128]


@pytest.mark.parametrize("seed", range(3))
def test_messages_are_records_of_json(seed, monkeypatch):
    """Byte for byte what the encoder of JSON makes of each survey, as records of one batch, with the office as the key."""
    chance = random.Random(seed)
    monkeypatch.setattr(product, "BATCH_BYTES", chance.choice((1, 5000, 10**6)))
    feed = Feed()
    events = []
    for number in range(300):
        panel = chance.choice(AWKWARD)
        office = chance.choice(AWKWARD)
        question = chance.choice((None, "personnel", "office", "loyalty"))
        names = {"panel_id": panel, "office_id": office}
        survey = press(T + number * 700, employee_id=chance.choice(AWKWARD), **names) | {"question": question}
        survey |= {"event_id": f"{chance.choice(AWKWARD)[:100]}{number}"}
        events.append(survey)
        if chance.random() < 0.5:
            said = chance.choice(("yes", "no", "hard_to_say"))
            events.append(answer(T + number * 700 + 300, answer=said, **names))
        if chance.random() < 0.1:
            events.append(verdict(T + number * 700, survey, 0))
    rows = feed.engine.step(feed.partition, decoded(events), feed.clock)
    revise(feed.partition, rows, chance.choice((0, 2**53)))
    expected = list(surveys(feed.partition, rows))
    assert len(expected) > 100
    done = 0
    for some in records(feed.partition, rows):
        part = expected[done : done + some.size]
        messages = [(survey.office_id.encode(), msgspec.json.encode(survey)) for survey in part]
        assert some.data == records_bytes([Record(at, 0, *message) for at, message in enumerate(messages)])
        done += some.size
    assert done == len(expected)
