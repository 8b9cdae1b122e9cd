"""Plans and matrices over random courses of events: what is reached of them is what the reference finds, whatever the order."""

import random

import pytest

from streams.published import PublishedIndices
from tests.reference import cases, method
from tests.streams.feeding import ALL, HOUR_MS, MINUTE_MS, Feed
from tests.streams.happenings import call, rating, sale, visit

BEGIN_MS = 1_806_141_600_000  # Saturday, 27 March 2027, 12:00 in Riga; the clocks are put forward in the night
WINDOWS = {"windows": ["1h", "24h"]}
PEOPLE = ("ann", "ben", "carl", "dora")
OFFICES = ("riga-1", "riga-2")
GOALS = {"plan_attainment", "margin_plan_attainment", "kpi_score", "margin"}
LINES = [
    {"index": "plan_attainment", "weight": 0.4, "base": 0.2, "goal": 1.1, "clip": [-0.5, 1.5]},
    {"index": "margin_plan_attainment", "weight": 0.1, "base": 0, "goal": 1},
    {"index": "nps", "weight": 0.3, "base": -1, "goal": 0.5},
    {"index": "sales", "weight": 0.2, "base": 20, "goal": 0},
]


def directory(chance):
    """A directory with plans, some of which leave time without a plan, and matrices."""
    saturday, sunday, both = "2027-03-27/2027-03-27", "2027-03-28/2027-03-28", "2027-03-27/2027-03-28"
    plans = []
    for office in OFFICES:
        whose = [{}, *({"employee": name} for name in PEOPLE), {"category": "tea"}]
        for each in whose:
            for period in chance.choice(((both,), (both,), (saturday, sunday), (sunday,), ())):
                amounts = {"revenue_minor": chance.randrange(1, 10**6), "margin_minor": chance.randrange(1, 10**5)}
                chosen = chance.choice((["revenue_minor"], ["margin_minor"], list(amounts), list(amounts)))
                plans.append({"office": office, "period": period} | each | {name: amounts[name] for name in chosen})
    people = [{"id": name, "office": office} for office in OFFICES for name in PEOPLE]
    for person in people:
        if person["id"] != "dora":
            person |= {"leader": "dora", "leader_office": chance.choice(OFFICES)}
        if chance.random() < 0.3:
            person["from"] = chance.choice(("2027-03-28", "2027-01-01"))
        if chance.random() < 0.2:
            person["to"] = "2027-03-28"
        if chance.random() < 0.4:
            person["matrix"] = chance.choice(("sellers", "lately"))
    hours = {"saturday": ["09:00-14:30", "20:00-04:30"], "sunday": ["06:00-24:00"]}
    return {
        "defaults": {"time_zone": "Europe/Riga", "matrix": "sellers"},
        "offices": [{"id": "riga-1"}, {"id": "riga-2", "opening_hours": hours, "matrix": "lately"}],
        "employees": people,
        "plans": plans,
        "matrices": [
            {"id": "sellers", "lines": LINES},
            {"id": "lately", "window": "24h", "lines": [LINES[2] | {"weight": 1.0, "base": 1, "goal": -1}]},
        ],
    }


def happened(chance, count):
    """Events of a day and a half."""
    events = []
    for _ in range(count):
        ts_ms = BEGIN_MS + chance.randrange(36 * HOUR_MS)
        office = {"office_id": chance.choice(OFFICES)}
        person = chance.choice((*PEOPLE, "nobody the directory knows"))
        given = {"margin_minor": chance.choice((0, -40, 700)), "category": chance.choice(("tea", "jam"))}
        given = {name: value for name, value in given.items() if chance.random() < 0.6}
        if chance.random() < 0.6:
            given["employee_id"] = person
            events.append(sale(ts_ms, amount_minor=chance.choice((9000, 25_000, -3000, 0)), **given, **office))
        elif chance.random() < 0.8:
            events.append(rating(ts_ms, score=chance.randrange(11), employee_ids=[person], **office))
        else:
            events.append(chance.choice((visit(ts_ms, **office), call(ts_ms, employee_id=person, **office))))
    return events


def of_goals(rows):
    """The rows of goals."""
    return [row for row in rows if row["index"] in GOALS]


@pytest.mark.parametrize("seed", range(6))
def test_goals_are_the_references(seed):
    """In any order, any batches, with repeats, swept or not, asked for meanwhile or not."""
    chance = random.Random(seed)
    config = WINDOWS | {"directory": directory(chance)}
    events = happened(chance, 120)
    at_ms = BEGIN_MS + chance.randrange(20 * HOUR_MS, 30 * HOUR_MS)
    expected = of_goals(method.indices(events, at_ms, config))
    values = {(row["scope"], row["index"]) for row in expected if row["value"] is not None}
    assert values >= {("employee", index) for index in GOALS}
    fed = events + chance.sample(events, 20)
    chance.shuffle(fed)
    feed = Feed(config, at_ms, sweeps=seed % 2)
    for start in range(0, len(fed), 17):
        feed.step(fed[start : start + 17])
        if seed % 3:
            assert feed.rows
    feed.step()
    assert cases.differences(of_goals(feed.rows), expected) == []
    again = Feed(config, at_ms).feed(sorted(events, key=lambda event: event["event_id"]), ALL)
    again.step()
    assert sorted(map(str, of_goals(again.rows))) == sorted(map(str, of_goals(feed.rows)))


def test_what_leaves_a_window_is_taken_back():
    """Hour by hour, as time passes and late events come."""
    chance = random.Random(7)
    config = WINDOWS | {"directory": directory(chance)}
    events = happened(chance, 60)
    feed = Feed(config)
    for hour in (9, 21, 33):
        at_ms = BEGIN_MS + hour * HOUR_MS + 7 * MINUTE_MS
        known = [event for event in events if event["ts"] <= at_ms]
        feed.step(chance.sample(known, len(known)))
        feed.clock.now_ms = at_ms
        feed.step()
        assert cases.differences(of_goals(feed.rows), of_goals(method.indices(known, at_ms, config))) == []


def test_who_stays_for_ever():
    """Until the last day that there is: it has none after it."""
    given = directory(random.Random(1))
    events = happened(random.Random(3), 60)
    plain = Feed(WINDOWS | {"directory": given}).feed(events, ALL)
    for employee in given["employees"]:
        employee.setdefault("to", "9999-12-31")
    found = Feed(WINDOWS | {"directory": given}).feed(events, ALL)
    assert of_goals(found.rows) == of_goals(plain.rows) != []


def test_another_directory_holds_at_once():
    """Plans and matrices of now count, also for what was before; without any there are no goals."""
    first, second = directory(random.Random(1)), directory(random.Random(2))
    events = happened(random.Random(3), 60)
    at_ms = BEGIN_MS + 25 * HOUR_MS
    feed = Feed(WINDOWS | {"directory": first}, at_ms).feed(events)
    feed.step()
    before = of_goals(feed.rows)
    feed.direct(second)
    feed.step()
    expected = of_goals(method.indices(events, at_ms, WINDOWS | {"directory": second}))
    assert cases.differences(of_goals(feed.rows), expected) == []
    assert cases.differences(of_goals(feed.rows), before)
    feed.direct({})
    feed.step()
    assert {row["index"] for row in of_goals(feed.rows) if row["value"] is not None} == {"margin"}
    assert not any(row["scope"] == "leader" for row in feed.rows)


def test_goals_are_published():
    """With the indices of whoever changed, as of then; to whom another plan is given, at once."""
    plan = {"office": "riga-1", "employee": "ann", "period": "2027", "revenue_minor": 365 * 24_000}
    document = {"offices": [{"id": "riga-1"}], "employees": [{"id": "ann", "office": "riga-1"}], "plans": [plan]}
    feed = Feed({"windows": ["1h"], "directory": document})
    published = PublishedIndices()

    def told():
        return {
            (each.scope, each.employee_id or each.category): each.windows["1h"]["plan_attainment"].value
            for each in published.changes(feed.engine, feed.partition)
        }

    feed.step([sale(BEGIN_MS, amount_minor=500, employee_id="ann", category="tea")])
    worked = 59 / 60  # hours since the window began, 1,000 planned of each
    assert told() == {
        ("office", None): None,
        ("employee", "ann"): pytest.approx(500 / (1000 * worked)),
        ("category", "tea"): None,
    }
    assert told() == {}
    document["plans"] = [plan | {"revenue_minor": 365 * 48_000}]
    feed.direct(document)
    feed.step()
    assert told() == {("employee", "ann"): pytest.approx(250 / (1000 * worked))}
    assert told() == {}
