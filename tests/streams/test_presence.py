"""Which offices are open, and how quiet their panels are."""

import random
from typing import NamedTuple

import pytest

from streams.presence import IN_SERVICE_MS, LATELY_MS, is_open, open_ms, panels_in_service, panels_now
from tests.reference.method import DEFAULTS
from tests.streams.feeding import DAY_MS, HOUR_MS, MINUTE_MS, Feed, caught_up_clock, directory_of
from tests.streams.happenings import answer, press

MONDAY_MS = 1_794_787_200_000  # 2026-11-16T00:00:00Z, in Riga 02:00
HOURS = {day: ["09:00-13:00", "14:00-18:00"] for day in ("monday", "tuesday", "wednesday", "thursday", "friday")}
DIRECTORY = {"offices": [{"id": "riga-1", "time_zone": "Europe/Riga", "opening_hours": HOURS}]}
RIGA = {"office_id": "riga-1", "panel_id": "p1"}


def at(day, hour, minute=0):
    """Return an instant of Riga's clocks, days after the Monday."""
    return MONDAY_MS + day * DAY_MS + (hour - 2) * HOUR_MS + minute * MINUTE_MS


class Panel(NamedTuple):
    """How one does."""

    quiet_ms: int
    customer_presses: tuple


def now(feed, ts_ms):
    """Return the panels that are told of at an instant."""
    feed.tick(ts_ms)
    numbers = panels_in_service(feed.partition)
    quiet_ms, presses = panels_now(feed.partition, feed.engine.directory, numbers)
    names = [feed.partition.names.panels[number] for number in numbers]
    return {
        name: Panel(quiet, tuple(each))
        for name, quiet, each in zip(names, quiet_ms.tolist(), presses.tolist(), strict=True)
    }


@pytest.fixture
def feed():
    """Return a live partition with the directory in force."""
    return Feed({"directory": DIRECTORY}, clock=caught_up_clock(at(0, 0)))


@pytest.mark.parametrize(
    ("ts_ms", "opened"),
    [
        (at(0, 9) - 1, False),
        (at(0, 9), True),
        (at(0, 13) - 1, True),
        (at(0, 13), False),
        (at(0, 18), False),
        (at(5, 12), False),
    ],
)
def test_an_office_is_open_in_its_hours(ts_ms, opened):
    """From the first instant to the last before the end, on its weekdays alone."""
    assert is_open(directory_of(DIRECTORY), "riga-1", ts_ms) is opened


def test_it_is_not_known_when_others_are_open():
    """Of an office without hours nobody can say, and all its time counts; nothing is kept of names that anybody may make up."""
    directory = directory_of({"offices": [*DIRECTORY["offices"], {"id": "no-hours"}]})
    assert is_open(directory, "made-up", at(5, 3)) is None
    assert is_open(directory, "no-hours", at(5, 3)) is None
    assert open_ms(directory, "made-up", at(5, 3), at(5, 4)) == HOUR_MS
    assert "made-up" not in directory._hours


def test_a_panel_is_quiet_in_opening_hours_alone(feed):
    """Nights, breaks and Sundays do not count; any press ends it, the customer's too."""
    feed.step([press(at(4, 17, 50), **RIGA)])
    assert now(feed, at(4, 18))["riga-1", "p1"].quiet_ms == 10 * MINUTE_MS
    assert now(feed, at(7, 9))["riga-1", "p1"].quiet_ms == 10 * MINUTE_MS
    assert now(feed, at(7, 14, 5))["riga-1", "p1"].quiet_ms == 15 * MINUTE_MS + 4 * HOUR_MS
    feed.step([answer(at(7, 14, 4), **RIGA)])
    assert now(feed, at(7, 14, 5))["riga-1", "p1"].quiet_ms == MINUTE_MS


def test_a_panel_out_of_service_is_not_told_of(feed):
    """One that sent nothing for a week may have been taken away."""
    feed.step([press(at(0, 10), **RIGA)])
    assert now(feed, at(0, 10) + IN_SERVICE_MS)
    assert not now(feed, at(0, 10) + IN_SERVICE_MS + 1)


def test_time_stands_still_with_the_partition():
    """While the log cannot be read to its end nobody grows quiet: it is not known what they sent."""
    feed = Feed({"directory": DIRECTORY}, clock=caught_up_clock(at(0, 10)))
    feed.step([press(at(0, 10), **RIGA)])
    feed.clock.caught_up = False
    assert now(feed, at(0, 12))["riga-1", "p1"].quiet_ms == 0


@pytest.mark.parametrize("seed", range(3))
def test_customer_presses_of_the_last_hour(seed):
    """As the rules of pairing have them, whatever the order, also of panels with thousands of presses and after a sweep."""
    chance = random.Random(seed)
    events = []
    for number in range(1500):
        ts_ms = at(0, 10) + chance.randrange(3 * HOUR_MS)
        place = {"office_id": "riga-1", "panel_id": chance.choice(["p1", "p1", "p1", "p2"])}
        make = press if chance.random() < 0.4 else answer
        events.append(make(ts_ms, **place, event_id=f"e{number:04}"))
    clock = caught_up_clock(at(0, 13))
    shuffled = chance.sample(events, len(events))
    feed = Feed({"directory": DIRECTORY}, clock=clock, sweeps=seed == 2).feed(shuffled, 97)
    told = now(feed, at(0, 13))
    for panel in ("p1", "p2"):
        roles = roles_of([each for each in events if each["panel_id"] == panel])
        lately = [role for ts_ms, role in roles if ts_ms > at(0, 13) - LATELY_MS]
        counts = tuple(lately.count(role) for role in ("answer", "extra", "orphan"))
        assert told["riga-1", panel].customer_presses == counts
        assert min(counts[0], counts[2]) > 10


def roles_of(events):
    """Yield instant and role of each customer press of one panel, by the rules as they are written."""
    opened, answered = None, False
    kinds = ("seller_press", "customer_press")
    for each in sorted(events, key=lambda each: (each["ts"], kinds.index(each["type"]), each["event_id"])):
        since_ms = each["ts"] - opened if opened is not None else None
        if each["type"] == "seller_press":
            if since_ms is None or since_ms > DEFAULTS["debounce_ms"]:
                opened, answered = each["ts"], False
        elif since_ms is None or since_ms > DEFAULTS["answer_window_s"] * 1000:
            yield each["ts"], "orphan"
        else:
            yield each["ts"], "extra" if answered else "answer"
            answered = True
