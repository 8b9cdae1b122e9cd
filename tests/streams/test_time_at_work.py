"""Time at work through the engine, against brute force: whatever comes in whatever order, it is the same."""

import random

import pytest

from streams.published import PublishedIndices
from tests.reference import cases, method
from tests.reference.companies import START_MS
from tests.streams.feeding import HOUR_MS, MINUTE_MS, SIZES, Feed, caught_up_clock, shuffled
from tests.streams.happenings import call, sale, shift

T = START_MS
WINDOWS = {"windows": ["15m", "1h", "8h"]}
INDICES = ("utilisation", "occupancy")


def told(feed):
    """The indices of time at work by whose they are, window and index: value and base."""
    return {
        (row["employee_id"], row["window"], row["index"]): (row["value"], row["base"])
        for row in feed.rows
        if row["index"] in INDICES
    }


def plans(seed, count=60):
    """Shifts and calls of a few people around an instant, at edges of the windows, overlapping, some of them backwards."""
    chance = random.Random(seed)
    edges = [
        T + near + step for near in (0, -15_000, -885_000, -3_540_000, -8 * HOUR_MS + 480_000) for step in (-1, 0, 1)
    ]
    events = []
    for _ in range(count):
        whom = {"office_id": f"office-{chance.randrange(2)}", "employee_id": f"employee-{chance.randrange(3)}"}
        ts_ms = chance.choice(edges) - chance.choice((0, 60_000, 600_000, chance.randrange(HOUR_MS)))
        if chance.random() < 0.5:
            end_ms = chance.choice([*edges, T + HOUR_MS, ts_ms + chance.randrange(HOUR_MS)])
            kind = chance.choice(("work", "work", "work", "break", "training", "leave"))
            events.append(shift(ts_ms, kind=kind, end_ts=end_ms, **whom))
        else:
            parts = {
                part: chance.choice((0, 0.0005, 59.9995, 600, 3000))
                for part in ("wait_s", "talk_s", "hold_s", "wrap_s")
            }
            disposition = chance.choice(("answered", "answered", "abandoned"))
            events.append(call(ts_ms, disposition=disposition, **whom | parts))
    return events


@pytest.mark.parametrize("seed", range(12))
def test_it_is_that_of_brute_force(seed):
    """At any instant, in any order and batches, with repeats, and swept after every step."""
    events = plans(seed)
    for at_ms in (T - 1, T, T + 1, T + 50 * MINUTE_MS):
        feed = Feed(WINDOWS, at_ms, sweeps=seed % 2 == 0)
        feed.feed(shuffled(events, seed), random.Random(seed).choice(SIZES))
        assert cases.differences(feed.rows, method.indices(events, at_ms, WINDOWS)) == []


@pytest.mark.parametrize("seed", range(6))
def test_readings_on_the_way_change_nothing(seed):
    """As time goes on and events come late, each reading is that of brute force, with sweeps in between."""
    chance = random.Random(seed)
    events = plans(seed, 40)
    chance.shuffle(events)
    feed = Feed(WINDOWS, clock=caught_up_clock())
    now_ms = T - HOUR_MS
    arrived = []
    for event in events:
        now_ms += chance.choice((0, 1, 14_999, 5 * MINUTE_MS))
        feed.clock.wall_ms = now_ms
        arrived.append(event)
        feed.step([event])
        if chance.random() < 0.2:
            feed.sweep()
        if chance.random() < 0.5:
            right = [row for row in method.indices(arrived, now_ms, WINDOWS) if row["index"] in INDICES]
            assert cases.differences([row for row in feed.rows if row["index"] in INDICES], right) == []


def test_a_late_correction_counts_once():
    """Told a day later that she left early and had trained: the plan is cut, and what overlaps is cut once."""
    at_ms = T + 8 * HOUR_MS
    plan = [shift(T, end_ts=at_ms), call(T + HOUR_MS, employee_id="ann", wait_s=0, talk_s=3600)]
    late = [
        shift(T + 6 * HOUR_MS, kind="leave", end_ts=at_ms),
        shift(T + 4 * HOUR_MS, kind="training", end_ts=T + 7 * HOUR_MS),
        shift(T, end_ts=T + 5 * HOUR_MS),
    ]
    feed = Feed({"windows": ["24h"]}, at_ms).feed(plan)
    assert told(feed)["ann", "24h", "utilisation"] == (1 / 8, 8 * HOUR_MS)
    feed.feed(late)
    assert told(feed)["ann", "24h", "utilisation"] == (1 / 4, 4 * HOUR_MS)
    feed.feed(late + plan)
    assert told(feed)["ann", "24h", "utilisation"] == (1 / 4, 4 * HOUR_MS)


def test_it_moves_with_every_millisecond():
    """Work that goes on, and a call whose record says when it will end, count up to now."""
    feed = Feed({"windows": ["1h"]}, clock=caught_up_clock(T))
    feed.step([shift(T), call(T, employee_id="ann", wait_s=0, talk_s=10)])
    assert told(feed)["ann", "1h", "utilisation"] == (None, 0)
    for after_ms, busy_ms in ((1, 1), (10_000, 10_000), (10_001, 10_000), (20_000, 10_000)):
        feed.tick(T + after_ms)
        assert told(feed)["ann", "1h", "utilisation"] == (busy_ms / after_ms, after_ms)


def test_a_plan_counts_when_its_time_has_come():
    """Of a shift of tomorrow nothing is shown; whoever has nothing else is not shown either."""
    feed = Feed({"windows": ["1h"]}, clock=caught_up_clock(T)).feed([shift(T + 24 * HOUR_MS)])
    assert feed.rows == []
    feed.tick(T + 24 * HOUR_MS)
    assert feed.rows == []
    feed.tick(T + 24 * HOUR_MS + 1)
    assert told(feed)["ann", "1h", "occupancy"] == (0.0, 1)


def test_work_stays_when_its_call_has_left_the_window():
    """A call that began before the window counts as a call no more; its work lies in it, also if its record comes late."""
    at_ms = T + 20 * MINUTE_MS
    events = [shift(T - HOUR_MS, end_ts=at_ms), call(T, employee_id="ann", wait_s=0, talk_s=1200, client_id="x")]
    for given in (events, events[::-1]):
        feed = Feed({"windows": ["15m"]}, clock=caught_up_clock(T)).feed(given[:1])
        feed.tick(at_ms)
        feed.feed(given[1:]).sweep()
        values = {row["index"]: row["value"] for row in feed.rows if row["scope"] == "employee"}
        assert (values["utilisation"], values["calls_offered"], values["churn"]) == (1.0, 0, None)
        feed.feed(events)
        assert told(feed)["ann", "15m", "utilisation"][0] == 1.0


def test_a_repeat_is_known_as_long_as_the_work_on_it_counts():
    """Where no horizon refuses it: a call of two days ago that is worked on until now is not counted twice."""
    at_ms = T + 50 * HOUR_MS
    long = call(T, employee_id="ann", wait_s=0, talk_s=50 * 3600)
    feed = Feed({"windows": ["1h"]}, at_ms).feed([shift(T, end_ts=at_ms), long])
    feed.sweep()
    feed.feed([long])
    assert told(feed)["ann", "1h", "utilisation"][0] == 1.0


def test_time_alone_is_told_once_a_minute():
    """Whose counts change is told at once, with their time as of then; whose time alone does, when a minute has begun."""
    feed = Feed({"windows": ["1h"]}, clock=caught_up_clock(T)).feed([shift(T - 1), sale(T, employee_id="ben")])
    published = PublishedIndices()

    def changed():
        messages = list(published.changes(feed.engine, feed.partition))
        return {each.employee_id: each.windows.get("1h", {}) for each in messages}

    assert changed().keys() == {None, "ann", "ben"}
    feed.tick(T + 30_000)
    assert changed() == {}
    feed.step([call(T + 20_000, employee_id="ann", wait_s=0, talk_s=5)])
    found = changed()
    assert found.keys() == {None, "ann"}
    assert found["ann"]["utilisation"].base == 30_001
    feed.tick(T + 59_999)
    assert changed() == {}
    feed.tick(T + 60_000)
    found = changed()
    assert found.keys() == {None, "ann"}
    assert found["ann"]["utilisation"].base == 60_001
    assert changed() == {}
