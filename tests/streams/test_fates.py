"""What became of every offset: the numbers are right, and nothing is left over."""

import json
import random

import numpy as np
import pytest

from streams.configuration import configure
from streams.engine import Engine
from streams.fates import FATES, fates, note_batch
from streams.intake import take_in
from streams.messages import Messages
from streams.partition import NO_EVENTS
from tests.reference.companies import START_MS
from tests.streams.feeding import Feed, caught_up_clock
from tests.streams.happenings import rating
from tests.streams.specimens import event

T = START_MS
DAY_MS = 86_400_000
MINUTE_MS = 60_000
OFFICE = b"office-0"


def message(number, ts_ms=T, **changes):
    """A press as a message."""
    return json.dumps(event("seller_press", event_id=f"e-{number}", ts=ts_ms, office_id="office-0", **changes)).encode()


def log(chance, size):
    """Messages as (key, value, offsets before it that have no record), each of some fate; returns the counts, too.

    The first one's time, which the clock of the topic stands at, is the latest of all but those ahead.
    """
    counts = dict.fromkeys(FATES, 0) | {"applied": 1}
    rows = [(OFFICE, message(0), 0)]
    known, ahead = [rows[0][1]], []
    for number in range(1, size):
        fate = chance.choice(FATES)
        gap = 0
        key = OFFICE
        match fate:
            case "applied":
                value = message(number, T - chance.randrange(DAY_MS))
                known.append(value)
            case "duplicate":
                value = chance.choice(known)
            case "held":  # whether it comes once or twice, until its time has come nobody asks
                value = (
                    message(number, T + chance.randrange(1000, 4 * MINUTE_MS))
                    if not ahead or chance.random() < 0.7
                    else chance.choice(ahead)
                )
                ahead.append(value)
            case "too_late":
                value = message(number, T - DAY_MS - chance.randrange(1, DAY_MS))
            case "rejected":
                value = chance.choice([b"", None, b"{", message(number, panel_id=""), message(number, T + 10 * DAY_MS)])
            case "moved":
                key, value = chance.choice([b"office-1", None]), message(number)
            case "gap":
                gap = chance.randrange(1, 9)
                counts["gap"] += gap - 1
                value = message(number, T)
                known.append(value)
                counts["applied"] += 1
        counts[fate] += 1
        rows.append((key, value, gap))
    return rows, counts, len(ahead) - len(set(ahead))


class Reading:
    """A partition that is read as a worker does."""

    def __init__(self):
        self.configuration = configure(("the test", {}))
        self.engine = Engine(self.configuration)
        self.partition = self.engine.new_partition()
        self.clock = caught_up_clock(T)

    def read(self, rows):
        """Apply a batch."""
        intake = take_in(
            Messages.of([value for _, value, _ in rows]),
            Messages.of([key for key, _, _ in rows]),
            np.full(len(rows), T, np.int64),
            self.partition.names,
            topic="presses",
            partition=0,
            partition_of=lambda _: 0,
            clock_ms=self.partition.topic_clock_ms.get("presses", 0),
            horizon_ms=DAY_MS,
            longest_window_ms=self.configuration.longest_window_ms,
        )
        self.partition.topic_clock_ms["presses"] = intake.clock_ms
        self.engine.step(self.partition, intake.events, self.clock)
        offsets = len(rows) + sum(gap for _, _, gap in rows)
        note_batch(self.partition, intake, messages=len(rows), offsets=offsets)
        return offsets


@pytest.mark.parametrize("seed", range(5))
def test_every_offset_has_one_fate(seed):
    """Whatever a log holds and however it is cut, each number is right and they add up; so they do when time passes."""
    chance = random.Random(seed)
    rows, counts, held_twice = log(chance, 500)
    reading = Reading()
    passed = reading.read(rows[:1])
    at = 1
    while at < len(rows):
        size = chance.choice((1, 3, 50))
        passed += reading.read(rows[at : at + size])
        at += size
        assert sum(fates(reading.partition).values()) == passed
    assert fates(reading.partition) == counts
    reading.clock.wall_ms = T + 5 * MINUTE_MS
    reading.engine.step(reading.partition, NO_EVENTS, reading.clock)
    come = counts["held"] - held_twice
    assert fates(reading.partition) == counts | {
        "held": 0,
        "applied": counts["applied"] + come,
        "duplicate": counts["duplicate"] + held_twice,
    }


def test_a_batch_without_records_is_a_gap():
    """Offsets of marks and of what was taken back are passed all the same."""
    reading = Reading()
    intake = take_in(
        Messages.of([]),
        Messages.of([]),
        np.zeros(0, np.int64),
        reading.partition.names,
        topic="presses",
        partition=0,
        partition_of=lambda _: 0,
        clock_ms=0,
        horizon_ms=DAY_MS,
        longest_window_ms=DAY_MS,
    )
    note_batch(reading.partition, intake, messages=0, offsets=7)
    assert fates(reading.partition) == dict.fromkeys(FATES, 0) | {"gap": 7}


def test_who_took_part_is_no_offset():
    """A rating is one event, however many it counts for: while it waits for its time, and when it is applied."""
    feed = Feed(clock=caught_up_clock(T))
    feed.step([rating(T + 1000, employee_ids=["ann", "ben"]), rating(T, employee_ids=["ann", "ben"])])
    assert (fates(feed.partition)["held"], fates(feed.partition)["applied"]) == (1, 1)
    feed.tick(T + 1000)
    assert (fates(feed.partition)["held"], fates(feed.partition)["applied"]) == (0, 2)
