"""More employees and queues than may have numbers: offices lose nothing, nobody is shown by halves, and memory stays bounded."""

import random

import numpy as np
import pytest

from kernels.layout import ID_BYTES
from streams.clock import EventClock
from streams.published import PublishedIndices
from streams.surveys import employee_of, records, surveys
from tests.metrics import DEPARTMENT_SCOPES
from tests.reference import cases, method
from tests.reference.companies import START_MS, company
from tests.reference.contract import normalise
from tests.streams.feeding import MINUTE_MS, SIZES, Feed, by_name, caught_up_clock, decoded, shuffled, topic_of
from tests.streams.happenings import answer, call, press, sale, shift

T = START_MS
HOUR = {"windows": ["1h"]}


def numbered(events, most):
    """Who gets a number, (scope, office, name): an office while it has fewer than are left."""
    found = {}
    for event in events:
        if event["type"] in {"customer_press", "verdict", "visit"}:
            continue  # they name nobody of whom an index is made
        office = event["office_id"]
        queue = event.get("queue") if event["type"] == "call" else None
        people = [event.get("employee_id"), *event.get("employee_ids", ()), *event.get("vote_employee_ids", ())]
        for scope, name in (("queue", queue), *(("employee", person) for person in people)):
            if name is not None and (scope, office, name) not in found:
                of_office = sum(holder == office for _, holder, _ in found)
                if of_office < most - len(found):
                    found[scope, office, name] = len(found)
    return set(found)


def is_named(event, named):
    """Whether the employee of an event has a number."""
    return ("employee", event["office_id"], event["employee_id"]) in named


def name_of(row):
    """Whose a row of a replay is."""
    return row["scope"], row["office_id"], row["employee_id"] or row.get("queue")


def flooded(seed):
    """A company, and in between presses, calls and sales in one of its offices that name somebody new each time."""
    events = [normalise(event) for event in company(seed, mess=0, steps=25)]
    chance = random.Random(seed)
    for number in range(150):
        whom = {"office_id": "office-0", "employee_id": f"made-up-{number}-\u00e9" * chance.choice((1, 8))}
        ts_ms = T + chance.randrange(3_000_000)
        panel_id = chance.choice(("p0", "p-shared", "another"))
        events.append(
            chance.choice(
                (
                    press(ts_ms, panel_id=panel_id, **whom),
                    call(ts_ms, queue=f"q-{number}", **whom),
                    sale(ts_ms, **whom),
                    shift(ts_ms, **whom),
                )
            )
        )
    return events


@pytest.mark.parametrize("most", [1, 2, 9, 30])
@pytest.mark.parametrize("seed", range(3))
def test_offices_and_all_who_have_numbers_are_exact(seed, most):
    """In any order, doubled, and swept after every step; surveys name everyone by their names."""
    events = flooded(seed)
    given = shuffled(events, seed)
    at_ms = T + 3_600_000
    feed = Feed({"names_max": most}, at_ms, sweeps=True).feed(given, random.Random(seed).choice(SIZES))
    named = numbered([event for event in given if event["ts"] <= at_ms], most)
    # Nobody knows whose the time of those without numbers is.
    known = [event for event in events if event["type"] != "shift" or is_named(event, named)]
    expected = [row for row in method.indices(known, at_ms, {}) if row["scope"] == "office" or name_of(row) in named]
    rows = [
        row for row in feed.rows if row["scope"] not in DEPARTMENT_SCOPES
    ]  # whose groups have a ceiling of their own
    assert cases.differences(rows, expected) == []
    assert feed.surveys == by_name(method.surveys(events, at_ms))
    assert {name for name in map(name_of, rows) if name[0] != "office"} <= named
    assert len(named) <= most


def test_an_office_has_no_more_than_it_leaves_to_others():
    """A flood in one office takes half; those of another that come after it still get numbers."""
    feed = Feed({"names_max": 10})
    feed.step([sale(T, office_id="flooded", employee_id=f"f{number}") for number in range(50)])
    feed.step([sale(T, office_id="quiet", employee_id=f"q{number}") for number in range(2)])
    shown = [name for scope, _, name in map(name_of, feed.rows) if scope == "employee"]
    assert sorted(set(shown)) == ["f0", "f1", "f2", "f3", "f4", "q0", "q1"]


def test_events_of_the_nameless_are_counted():
    """One for each event that names anybody beyond the ceiling, with the office of the last one."""
    feed = Feed({"names_max": 2})
    names = feed.partition.names
    feed.step([call(T, queue="q", employee_id="e")])
    assert (names.nameless_events, names.nameless) == (1, 2)
    feed.step([call(T, queue="q"), call(T), press(T, employee_id="e2"), call(T, queue="x", employee_id="y")])
    assert names.nameless_events == 3
    feed.step([call(T, office_id="other", queue="q")])
    assert (names.nameless_events, names.nameless_office) == (3, "riga-1")
    feed.step([call(T, office_id="other", employee_id="e")])
    assert (names.nameless_events, names.nameless_office) == (4, "other")
    assert names.entities == [
        ("office", "riga-1", ""),
        ("queue", "riga-1", "q"),
        ("nameless", "", ""),
        ("office", "other", ""),
        ("queue", "other", "q"),
    ]


def test_nothing_is_published_of_the_nameless():
    """Of them all together neither."""
    feed = Feed(HOUR | {"names_max": 1})
    published = PublishedIndices()
    feed.step([sale(T, employee_id=name) for name in ("a", "b", "c")])
    told = [(each.scope, each.employee_id) for each in published.changes(feed.engine, feed.partition)]
    assert told == [("office", None), ("employee", "a")]
    feed.step([sale(T, employee_id="d")])
    assert [each.scope for each in published.changes(feed.engine, feed.partition)] == ["office"]


AWKWARD = ['"', "\\", "r\u012bga", "\U0001f600" * 128, '"' * 128, "x" * 128]


@pytest.mark.parametrize("name", AWKWARD)
def test_survey_records_have_their_names(name):
    """As the encoder of JSON writes them, of any length up to the longest."""
    feed = Feed({"names_max": 1})
    feed.step([press(T - MINUTE_MS, employee_id="first")])
    survey = press(T, employee_id=name)
    rows = feed.engine.step(feed.partition, decoded([survey, answer(T)]), feed.clock)
    (told,) = [each for each in surveys(feed.partition, rows) if each.survey_id == survey["event_id"]]
    assert told.employee_id == name
    (written,) = records(feed.partition, rows)
    text = name.replace("\\", "\\\\").replace('"', '\\"')
    assert f'"employee_id":"{text}","ts":{T}'.encode() in written.data


def test_names_are_kept_of_what_lies_ahead():
    """An event held until its time comes still knows its employee."""
    feed = Feed({"names_max": 1}, horizons=True, clock=caught_up_clock(T))
    feed.arrive([press(T - 1000, employee_id="first")])
    early = [press(T + 5000, employee_id="second", panel_id="p2"), press(T + 6000, employee_id="third", panel_id="p3")]
    feed.arrive(early, T)
    assert len(feed.surveys) == 1
    feed.tick(T + 7000)
    found = {survey["event_id"]: survey["employee_id"] for survey in feed.surveys.values()}
    assert [found[event["event_id"]] for event in early] == ["second", "third"]


def test_numbers_are_as_good_for_the_nameless_in_any_order():
    """Whoever was refused once is refused for good, so that nobody's counts are halves."""
    chance = random.Random(5)
    feed = Feed({"names_max": 40})
    named_at_first = {}
    for _ in range(400):
        whom = {"office_id": f"o{chance.randrange(6)}", "employee_id": f"e{chance.randrange(60)}"}
        feed.step([sale(T, **whom)])
        entity = ("employee", *whom.values())
        is_named = entity in feed.partition.names.entities
        assert named_at_first.setdefault(entity, is_named) == is_named
    assert len(named_at_first) > 100
    assert 20 < sum(named_at_first.values()) < 40


def test_a_flood_takes_no_more_rows():
    """Twenty thousand new employees and queues: the names, counters and texts of a hundred."""
    feed = Feed(HOUR | {"names_max": 100})
    for start in range(0, 20_000, 1000):
        feed.step([call(T, employee_id=f"e{n}", queue=f"q{n}") for n in range(start, start + 1000)])
    tables, names = feed.partition.tables, feed.partition.names
    assert len(names.entities) == 52  # half of a hundred, their office and the nameless
    assert tables.survey_counts.shape[0] < 200
    assert names.tables.rows.shape[0] < 5000
    (calls,) = [row for row in feed.rows if row["scope"] == "office" and row["index"] == "calls_answered"]
    assert calls["value"] == 20_000


def test_names_that_lie_with_presses_are_swept_with_them():
    """Of a steady flow of new employees no more is held than the horizon and the windows span."""
    config = HOUR | {"names_max": 1, "correction_horizon_s": {"presses": 3600}}
    feed = Feed(config, horizons=True, clock=EventClock())
    held = []
    for hour in range(150):
        events = [press(T + (hour * 60 + n) * MINUTE_MS, employee_id=f"employee-{hour:05}-{n:02}") for n in range(60)]
        assert topic_of(events[0]) == "presses"
        feed.arrive(events)
        held.append(feed.partition.tables.id_bytes.shape[0])
    assert max(held[75:]) <= 1.01 * max(held[:75])
    assert feed.partition.tables.sizes[ID_BYTES] < 1_000_000
    for press_row in feed.partition.tables.presses[:10]:
        end = int(press_row["id_start"]) + int(press_row["id_length"])
        assert employee_of(feed.partition, int(press_row["employee"]), end).startswith("employee-")


def test_counters_of_the_nameless_end_at_zero():
    """What they did leaves the windows like anything else."""
    feed = Feed(HOUR | {"names_max": 1})
    feed.step([call(T, employee_id=f"e{n}", queue=f"q{n}") for n in range(5)] + [press(T), answer(T)])
    nameless = feed.partition.names.nameless
    totals = feed.engine.evaluation.totals(feed.partition)
    assert totals[nameless].any()
    feed.clock.now_ms = T + 2 * 3_600_000
    feed.step()
    assert not np.any(feed.engine.evaluation.totals(feed.partition))
