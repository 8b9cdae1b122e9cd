"""Which changes of indices are told: those of a plain comparison of all values, each with all that its entity has."""

import msgspec
import pytest

from streams.published import PublishedIndices
from tests.streams.feeding import Feed
from tests.streams.happenings import visit
from tests.streams.story import START_MS, story


def shown(feed):
    """What every entity that has anything to tell would tell, by its name."""
    told = {}
    for row in feed.rows:
        name = row["scope"], row["office_id"], row["employee_id"] or row.get("queue")
        told.setdefault(name, {}).setdefault(row["window"], {})[row["index"]] = row["value"], row["base"]
    return told


def changes(feed, published):
    """What is told of every entity of which something is told."""
    told = {}
    for message in published.changes(feed.engine, feed.partition):
        name = message.scope, message.office_id, message.employee_id or message.queue
        assert name not in told
        assert message.at == feed.partition.now.now_ms
        windows = msgspec.to_builtins(message.windows)
        told[name] = {w: {i: (each["value"], each["base"]) for i, each in of.items()} for w, of in windows.items()}
    return told


@pytest.mark.parametrize("seed", range(4))
def test_all_that_changed_is_told_and_nothing_else(seed):
    """Over a random course of events, whether one asks after each step or after some."""
    feed = Feed({"windows": ["15m", "3h"]})
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
