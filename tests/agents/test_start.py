"""What the log of a worker shows: news of our own always, what libraries repeat once a minute."""

import logging

import pytest

from agents.start import SaidOnce


def shown(said_once, name, level, message, *arguments):
    """What would be shown of a message; None for nothing."""
    record = logging.LogRecord(name, level, "", 0, message, arguments, None)
    return record.getMessage() if said_once.filter(record) else None


@pytest.mark.parametrize(("name", "level"), [("kqi.worker", logging.WARNING), ("kqi.outputs", logging.INFO)])
def test_our_own_news_is_shown_each_time(name, level):
    """As that a worker owns the same partitions again, or loses touch for the same reason."""
    said_once = SaidOnce()
    assert [shown(said_once, name, level, "owns %d", 4) for _ in range(3)] == ["owns 4"] * 3


def test_every_fault_of_a_directory_is_shown():
    """They are different sentences of one form, and told once by themselves."""
    said_once = SaidOnce()
    faults = ["office 1 is wrong", "office 2 is wrong"]
    assert [shown(said_once, "kqi.directory", logging.WARNING, "%s", each) for each in faults] == faults


@pytest.mark.parametrize("name", ["faust.transport.consumer", "kqi.outputs"])
def test_repetitions_are_held_back(name, monkeypatch):
    """For a minute; then one tells how many there were."""
    now_s = [0.0]
    monkeypatch.setattr("agents.start.time.monotonic", lambda: now_s[0])
    said_once = SaidOnce()
    assert shown(said_once, name, logging.ERROR, "no room for %d", 1) == "no room for 1"
    assert [shown(said_once, name, logging.ERROR, "no room for %d", each) for each in (2, 3)] == [None, None]
    now_s[0] = 61.0
    assert (
        shown(said_once, name, logging.ERROR, "no room for %d", 4)
        == "no room for 4 (2 more like this in the last 61 s)"
    )


def test_what_is_remembered_is_bounded():
    """Messages that differ each time do not add up."""
    said_once = SaidOnce()
    for number in range(5000):
        assert shown(said_once, "aiokafka", logging.ERROR, f"error {number}") == f"error {number}"
    assert len(said_once._said) <= 1000
