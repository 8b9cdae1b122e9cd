"""What was told of surveys by someone whose state was lost: what is wrong of it is told again."""

import msgspec

from kernels.layout import PRESSES, SELLER
from streams.outputs import Survey
from streams.surveys import revise, surveys
from streams.told import hear, wrong
from tests.reference.companies import START_MS as T
from tests.streams.feeding import Feed, caught_up_clock
from tests.streams.happenings import answer, press, verdict

NOW_MS = 10_000_000
FIRST = press(T, event_id="first")
SECOND = press(T + 10_000, event_id="second", panel_id="p2")


def fed(*more):
    """A feed with two surveys, one answered and one silent, whose records have been told; and what was told."""
    feed = Feed(clock=caught_up_clock(T + 100_000))
    feed.step([FIRST, answer(T + 1000), SECOND, *more])
    return feed, dict(feed.records)


def told_again(feed, told, kept_since_ms=T):
    """Correct what was told; return the messages that this takes, by id."""
    found = wrong(feed.partition, told, kept_since_ms)
    revise(feed.partition, found.rows, NOW_MS)
    return {record.survey_id: record for record in [*surveys(feed.partition, found.rows), *found.gone]}


def test_what_is_right_is_not_told_again():
    """What was told in the state as it is needs no word."""
    feed, told = fed()
    assert set(told) == {("riga-1", "first"), ("riga-1", "second")}
    assert told_again(feed, told) == {}


def test_every_field_matters():
    """Whatever of a message is not so is put right, under a revision that counts."""
    for change in (
        {"outcome": "no"},
        {"valid": False},
        {"force_majeure": True},
        {"question": "office"},
        {"employee_id": "bob"},
        {"panel_id": "p9"},
        {"ts": T + 1},
    ):
        feed, told = fed()
        right = told["riga-1", "first"]
        told["riga-1", "first"] = msgspec.structs.replace(right, revision=2 * NOW_MS, **change)
        again = told_again(feed, told)
        assert again == {"first": msgspec.structs.replace(right, revision=2 * NOW_MS + 1)}


def test_a_bounce_that_was_told_is_withdrawn():
    """What turned out to be no survey is withdrawn, though nobody here has ever told of it."""
    feed, told = fed(press(T + 500, event_id="bounce"))
    told["riga-1", "bounce"] = msgspec.structs.replace(told["riga-1", "first"], survey_id="bounce", ts=T + 500)
    again = told_again(feed, told)
    assert {name: record.outcome for name, record in again.items()} == {"bounce": "withdrawn"}


def test_what_was_told_later_from_here_stays():
    """A message with a smaller revision than the state's is of before: the state's own was told since."""
    feed, told = fed()
    presses = feed.partition.tables.presses[: feed.partition.tables.sizes[PRESSES]]
    presses["revision"][presses["kind"] == SELLER] = NOW_MS
    told["riga-1", "first"] = msgspec.structs.replace(told["riga-1", "first"], outcome="no", revision=NOW_MS - 1)
    assert told_again(feed, told) == {}


def test_revisions_go_on_from_what_was_told():
    """However far ahead the clock of whoever told it was: the next change counts."""
    feed, told = fed()
    told["riga-1", "first"] = msgspec.structs.replace(told["riga-1", "first"], revision=5 * NOW_MS)
    assert told_again(feed, told) == {}
    (record,) = feed.step([verdict(T + 20_000, FIRST, reliable=False)])
    assert (record.valid, record.revision) == (False, 5 * NOW_MS + 1)


def test_what_is_no_longer_known_is_withdrawn():
    """A survey that is not in the state, but would be if it were one, is withdrawn; one of before may have been one."""
    feed, told = fed()
    right = told["riga-1", "first"]
    for office, survey in (("elsewhere", "one"), ("riga-1", "two")):
        told[office, survey] = msgspec.structs.replace(right, office_id=office, survey_id=survey, revision=7)
    again = told_again(feed, told)
    assert {(each.office_id, name, each.outcome, each.revision) for name, each in again.items()} == {
        ("elsewhere", "one", "withdrawn", 8),
        ("riga-1", "two", "withdrawn", 8),
    }
    assert not any(each.valid for each in again.values())
    assert told_again(feed, told, kept_since_ms=T + 1) == {}
    assert told_again(feed, {("riga-1", "two"): again["two"]}) == {}


def test_the_greatest_revision_is_heard():
    """Messages come in any order; of equal revisions the last one counts."""
    messages = [
        Survey("s", "o", "p", "e", 1, "personnel", outcome, valid=True, force_majeure=False, revision=revision)
        for outcome, revision in (("yes", 5), ("no", 7), ("silent", 6), ("hard_to_say", 7))
    ]
    told = {}
    for message in messages:
        hear(told, message)
    assert told["o", "s"].outcome == "hard_to_say"
