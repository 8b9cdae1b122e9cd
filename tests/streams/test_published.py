"""Which changes of indices are told: those of a plain comparison of all values, each with all that its entity has."""

import msgspec
import pytest

from streams.published import PublishedIndices
from tests.streams.feeding import Feed
from tests.streams.happenings import press, sale, visit
from tests.streams.story import START_MS, story

TARGETS = [{"priority": "critical", "stage": "resolved", "within": "20m", "objective": 0.8}]
ASKED = (
    {},
    {"min_surveys": 1, "representative_by": "conversion", "conversion_limits": [0.2, 2], "asked_within_s": 600},
)
PARTS = ("value", "base", "reasons", "numbers")


def shown(feed):
    """What every entity that has anything to tell would tell, by its name."""
    known = {index.name for index in feed.engine.evaluation.indices}
    told = {}
    for row in feed.rows:
        if row["window"] is None or row["index"] not in known:  # of now, or beside others
            continue
        name = row["scope"], row["office_id"], row["employee_id"] or row.get("queue") or row.get("priority")
        told.setdefault(name, {}).setdefault(row["window"], {})[row["index"]] = {
            part: row[part] for part in PARTS if part in row
        }
    return told


def changes(feed, published):
    """What is told of every entity of which something is told."""
    told = {}
    for message in published.changes(feed.engine, feed.partition):
        name = message.scope, message.office_id, message.employee_id or message.queue or message.priority
        assert name not in told
        assert message.at == feed.partition.now.now_ms
        told[name] = msgspec.to_builtins(message.windows)
    return told


@pytest.mark.parametrize("seed", range(4))
def test_all_that_changed_is_told_and_nothing_else(seed):
    """Over a random course of events, whether one asks after each step or after some."""
    feed = Feed({"windows": ["15m", "3h"], "request_targets": TARGETS} | ASKED[seed % 2])
    published = PublishedIndices()
    before = {}
    vanished = 0
    for number, _ in enumerate(story(feed, seed, 80)):
        if number % 3 == 1:
            continue
        now = shown(feed)
        expected = {name: now.get(name, {}) for name in before | now if now.get(name) != before.get(name)}
        assert changes(feed, published) == expected
        vanished += sum(not windows for windows in expected.values())
        before = now
    assert vanished
    assert len(before) < len(feed.partition.names.entities)
    changes(feed, published)
    assert changes(feed, published) == {}


def test_counters_that_no_index_shows_are_not_told():
    """A second visit of nobody changes a counter, but no index."""
    feed = Feed({"windows": ["1h"]})
    published = PublishedIndices()
    feed.step([visit(START_MS, count=0)])
    assert list(changes(feed, published)) == [("office", "riga-1", None)]
    feed.step([visit(START_MS, count=0)])
    assert changes(feed, published) == {}


def test_who_becomes_representative_by_others_is_told():
    """An employee of whom nothing changed, when a sale of somebody else brings the office's conversion inside its limits."""
    feed = Feed({"windows": ["1h"], "representative_by": "conversion", "conversion_limits": [0.5, 1], "min_surveys": 1})
    published = PublishedIndices()
    feed.step([press(START_MS), press(START_MS + 60_000, employee_id="ben"), visit(START_MS + 120_000)])
    before = changes(feed, published)
    feed.step([sale(START_MS, employee_id="carl")])
    now = changes(feed, published)
    told = [each["employee", "riga-1", "ann"]["1h"]["ink_personnel_representative"] for each in (before, now)]
    assert told == [{"value": 0, "base": 1, "reasons": ["conversion"]}, {"value": 1, "base": 1, "reasons": []}]


def test_time_alone_changes_what_may_be_believed():
    """Nothing happens; the question was last asked too long ago."""
    feed = Feed({"windows": ["1h"], "asked_within_s": 600, "min_surveys": 1})
    published = PublishedIndices()
    feed.step([press(START_MS), visit(START_MS + 600_000)])
    name = "employee", "riga-1", "ann"
    assert changes(feed, published)[name]["1h"]["ink_personnel_representative"]["value"] == 1
    feed.step([visit(START_MS + 600_001, office_id="elsewhere")])
    told = changes(feed, published)
    assert told[name]["1h"]["ink_personnel_representative"]["reasons"] == ["not_asked_lately"]
    assert told["office", "riga-1", None]["1h"]["diagnosis"]["numbers"]["last_asked"]["personnel"] == START_MS
