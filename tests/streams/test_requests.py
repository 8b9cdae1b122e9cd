"""Service requests through the engine: what counts when, as events, time and opening hours go on."""

import random

import pytest

from kernels import layout
from streams.checkpoint import rules_fingerprint
from streams.clock import EventClock
from tests.reference import cases, method
from tests.reference.companies import company
from tests.reference.contract import normalise
from tests.streams.feeding import DAY_MS, HOUR_MS, MINUTE_MS, Feed, caught_up_clock, shuffled
from tests.streams.happenings import request, sale

T = 1_800_000_000_000  # Friday, 15 January 2027, 08:00 UTC
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def targets(**within):
    """Targets of critical requests by stage, in elapsed time; with an `o` behind it in opening hours."""
    return [
        {"priority": "critical", "stage": stage, "within": text.rstrip("o"), "objective": 0.8}
        | ({"hours": "opening"} if text.endswith("o") else {})
        for stage, text in within.items()
    ]


ELAPSED = {"windows": ["24h"], "request_targets": targets(first_response="1h", on_site="2h", resolved="4h")}
# Of any company of the reference: some due before, some amid and some after what happens.
CROWDED = {
    "windows": ["15m", "1h", "8h"],
    "request_targets": [
        *targets(first_response="1m", resolved="30m", on_site="10m"),
        {"priority": "normal", "stage": "on_site", "within": "5m", "objective": 0.7},
        {"priority": "normal", "stage": "resolved", "within": "1h", "objective": 0.7, "hours": "opening"},
        {"priority": "normal", "stage": "first_response", "within": "20m", "objective": 0.7, "hours": "opening"},
    ],
    "directory": {
        "offices": [{"id": "office-0", "opening_hours": {day: ["06:10-07:20", "07:45-08:10"] for day in DAYS}}]
    },
}


def office(feed, *names):
    """Value and base of indices of the office, in the order of their names; those without a value as None."""
    found = {
        row["index"]: None if row["value"] is None else (row["value"], row["base"])
        for row in feed.rows
        if row["scope"] == "office"
    }
    return [found.get(name) for name in names]


def fed(*events, config=ELAPSED, at_ms=T + 12 * HOUR_MS):
    """A feed that events were given to, as of an instant."""
    feed = Feed(config, at_ms).feed(list(events))
    feed.step()
    return feed


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("later_ms", [0, 50 * MINUTE_MS])
def test_a_company_in_any_order(seed, later_ms):
    """Shuffled and repeated, in batches of any size, swept after each of them, some in opening hours."""
    events = [normalise(event) for event in company(seed + 10, mess=0, panels=1, steps=30)]
    at_ms = max(event["ts"] for event in events) + later_ms
    expected = method.indices(events, at_ms, CROWDED)
    assert sum("sla" in row["index"] and bool(row["value"]) for row in expected) > 10
    for size in (1, 50):
        feed = Feed(CROWDED, at_ms, sweeps=True).feed(shuffled(events, seed), size)
        assert cases.differences(feed.rows, expected) == []


def test_a_breach_comes_by_time_alone():
    """As of the due instant, once it has passed, and is taken back when a late event shows the stage in time."""
    feed = Feed(ELAPSED, clock=EventClock())
    feed.step([request(T, "r", "opened")])
    sla = "sla_first_response", "requests_open", "requests_overdue"
    feed.step([sale(T + HOUR_MS)])
    assert office(feed, *sla) == [None, (1, 1), (0, 1)]
    feed.step([sale(T + HOUR_MS + 1)])
    assert office(feed, *sla) == [(0, 1), (1, 1), (1, 1)]
    feed.step([request(T + HOUR_MS, "r", "first_response")])
    assert office(feed, *sla) == [(1, 1), (1, 1), (0, 1)]


def test_a_live_breach_waits_as_silence_does():
    """Two seconds, which an event may be on its way."""
    feed = Feed(ELAPSED, horizons=True, clock=caught_up_clock())
    feed.tick(T)
    feed.arrive([request(T, "r", "opened")], T)
    feed.tick(T + HOUR_MS + 2000)
    assert office(feed, "sla_first_response") == [None]
    feed.tick(T + HOUR_MS + 2001)
    assert office(feed, "sla_first_response") == [(0, 1)]


def test_a_breach_leaves_the_window_of_its_due_instant():
    """It counts where it was due, not where it was noticed."""
    config = ELAPSED | {"windows": ["1h"]}
    feed = fed(request(T, "r", "opened"), config=config, at_ms=T + 2 * HOUR_MS - MINUTE_MS)
    assert office(feed, "sla_first_response", "sla_resolved") == [(0, 1), None]
    feed = fed(request(T, "r", "opened"), config=config, at_ms=T + 2 * HOUR_MS)
    assert office(feed, "sla_first_response") == [None]


@pytest.mark.parametrize(
    ("ended", "due"),
    [
        (("cancelled", 4 * HOUR_MS - 1), None),
        (("cancelled", 4 * HOUR_MS), (0, 1)),
        (("resolved", 4 * HOUR_MS), (1, 1)),
        (("resolved", 4 * HOUR_MS + 1), (0, 1)),
    ],
)
def test_an_end_at_the_due_instant(ended, due):
    """Resolved then is in time; cancelled then is too late to be let off."""
    stage, after_ms = ended
    feed = fed(request(T, "r", "opened"), request(T + after_ms, "r", stage))
    assert office(feed, "sla_resolved", "requests_open") == [due, None]


def test_nobody_need_come_for_what_is_resolved():
    """By the due instant of the visit; afterwards the visit is overdue."""
    for after_ms, due in ((2 * HOUR_MS, None), (2 * HOUR_MS + 1, (0, 1))):
        feed = fed(request(T, "r", "opened"), request(T + after_ms, "r", "resolved"))
        assert office(feed, "sla_on_site") == [due]


def test_the_earliest_event_of_a_stage_counts():
    """By instant, then by id as bytes; the priority is that of the opening."""
    some = [
        request(T, "r", "opened", event_id="\U0001f600", priority="normal"),
        request(T, "r", "opened", event_id="\ufb01"),
        request(T + 30 * MINUTE_MS, "r", "first_response", priority="normal"),
        request(T + 20 * MINUTE_MS, "r", "first_response"),
    ]
    for events in (some, some[::-1]):
        feed = fed(*events, at_ms=T + HOUR_MS)
        assert office(feed, "sla_first_response", "first_response_s") == [(1, 1), (1200, 1)]


def test_without_an_opening_nothing_counts():
    """Until it comes, late or with an instant after the other stages: they then count as of it."""
    feed = fed(request(T, "r", "resolved"), at_ms=T + HOUR_MS)
    assert not feed.rows
    feed.step([request(T + MINUTE_MS, "r", "opened")])
    assert office(feed, "resolution_s", "sla_resolved", "requests_open") == [(0, 1), (1, 1), None]


def test_requests_of_two_offices_are_two():
    """An id is unique within its office."""
    feed = fed(request(T, "r", "opened"), request(T, "r", "resolved", office_id="ogre-1"), at_ms=T + HOUR_MS)
    assert office(feed, "requests_open", "resolution_s") == [(1, 1), None]


def test_a_priority_without_targets_has_no_scope():
    """It is not in the configuration, so anything may be written there; the office counts it."""
    feed = fed(request(T, "r", "opened", priority="whatever"))
    assert {row["scope"] for row in feed.rows} == {"office"}
    assert [name for _, _, name in feed.partition.names.entities] == [""]
    assert office(feed, "requests_opened", "sla_resolved", "requests_overdue") == [(1, 1), None, (0, 1)]


# Opening hours -----------------------------------------------------------------------------------------------------

HOURS = {"windows": ["7d"], "request_targets": targets(resolved="3ho")}
WEEKDAYS = {"id": "riga-1", "opening_hours": {day: ["09:00-10:00"] for day in DAYS[:5]}}


def directed(*offices):
    """A directory of offices."""
    return {"offices": list(offices)}


def test_opening_hours_across_a_weekend():
    """An hour each on Friday, Monday and Tuesday: due on Tuesday at ten."""
    due_ms = T + 4 * DAY_MS + 2 * HOUR_MS
    config = HOURS | {"directory": directed(WEEKDAYS)}
    assert office(fed(request(T, "r", "opened"), config=config, at_ms=due_ms), "sla_resolved") == [None]
    assert office(fed(request(T, "r", "opened"), config=config, at_ms=due_ms + 1), "sla_resolved") == [(0, 1)]


def test_an_office_that_never_opens_again_is_never_late():
    """Its targets are not due."""
    config = HOURS | {"directory": directed(WEEKDAYS | {"opening_hours": {day: [] for day in DAYS}})}
    feed = fed(request(T, "r", "opened"), config=config, at_ms=T + 3000 * DAY_MS)
    assert office(feed, "sla_resolved", "requests_overdue") == [None, (0, 1)]


def test_other_opening_hours_are_followed_by_every_request():
    """Also by those that were breached before, and back again."""
    feed = Feed(HOURS | {"directory": directed(WEEKDAYS)}, T + DAY_MS).feed([request(T, "r", "opened")])
    assert office(feed, "sla_resolved", "requests_overdue") == [None, (0, 1)]
    feed.direct({}).step()
    assert office(feed, "sla_resolved", "requests_overdue") == [(0, 1), (1, 1)]
    feed.direct(directed(WEEKDAYS)).step()
    assert office(feed, "sla_resolved", "requests_overdue") == [None, (0, 1)]


def test_other_targets_need_another_state():
    """What is due stands in a state; a checkpoint under other targets is not taken."""
    prints = {rules_fingerprint(Feed(config).engine, 1) for config in (ELAPSED, HOURS, {"windows": ["24h"]})}
    assert len(prints) == 3


# What is kept ------------------------------------------------------------------------------------------------------


def requests_kept(feed):
    """How many requests a partition knows, after a sweep."""
    feed.sweep()
    return int(feed.partition.tables.sizes[layout.REQUESTS])


def test_an_open_request_is_kept_and_an_ended_one_forgotten():
    """The latter when its end lies before the windows and the horizon; what it counted for has left by then."""
    feed = Feed(ELAPSED, horizons=True, clock=caught_up_clock())
    feed.tick(T)
    feed.arrive([request(T, "open", "opened"), request(T, "ended", "opened"), request(T, "ended", "resolved")], T)
    for days, kept in ((1, 3), (6, 4), (8, 4), (400, 2)):
        feed.tick(T + days * DAY_MS)
        feed.arrive([request(T + days * DAY_MS, f"day-{days}", "cancelled")])
        assert requests_kept(feed) == kept
    assert office(feed, "requests_open", "requests_overdue") == [(1, 1), (1, 1)]
    feed.arrive([request(T + 400 * DAY_MS, "open", "resolved")])
    assert office(feed, "resolution_s", "requests_open") == [(400 * 86_400, 1), None]
    feed.tick(T + 500 * DAY_MS)
    feed.arrive([request(T + 500 * DAY_MS, "day-500", "cancelled")])
    assert requests_kept(feed) == 1
    assert not feed.rows
    assert not feed.partition.tables.request_sums.any()
    assert not feed.partition.tables.request_now.any()


def test_a_replay_keeps_every_request():
    """It knows no horizon."""
    feed = fed(request(T, "r", "opened"), request(T, "r", "resolved"), at_ms=T + 900 * DAY_MS)
    assert requests_kept(feed) == 1


def test_many_requests_in_any_batches():
    """Some hundreds at once and one by one leave the very same counters; tables grow as they must."""
    chance = random.Random(5)
    stages = ("opened", "first_response", "on_site", "resolved", "cancelled")
    events = [
        request(T + chance.randrange(10 * HOUR_MS), f"r{chance.randrange(150)}", chance.choice(stages))
        for _ in range(400)
    ]
    feeds = [Feed(ELAPSED, T + 10 * HOUR_MS).feed(shuffled(events, size), size) for size in (3, 10**9)]
    assert feeds[0].totals == feeds[1].totals
    assert cases.differences(feeds[0].rows, method.indices(events, T + 10 * HOUR_MS, ELAPSED)) == []
