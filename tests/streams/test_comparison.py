"""Employees beside their peers: who takes part, and against the method by brute force."""

import random

import pytest

from kernels.formulas import VALUE
from streams.catalogue import catalogue, metric_name
from streams.comparable import BETTER
from streams.comparison import Comparing, Others
from streams.configuration import Configuration, ConfigurationError, configure
from tests.metrics import NAME_OF
from tests.reference import cases, method
from tests.reference.companies import START_MS, company
from tests.reference.comparison import HIGHER, LOWER
from tests.reference.contract import normalise
from tests.streams.feeding import HOUR_MS, MINUTE_MS, Feed
from tests.streams.happenings import answer, long_press, press, sale, verdict

T = START_MS
INK = {"windows": ["1h"], "min_surveys": 2, "comparison": {"indices": ["ink_personnel"], "min_employees": 2}}
TICKETS = {"windows": ["1h"], "min_surveys": 1, "comparison": {"indices": ["average_ticket"], "min_employees": 2}}


def asked(employee, *answers, **fields):
    """Surveys of an employee, a minute apart, with these answers."""
    events = []
    for number, said in enumerate(answers):
        own = {"panel_id": f"panel of {employee}"} | fields
        events.append(press(T + number * MINUTE_MS, employee_id=employee, **own))
        if said != "silent":
            events.append(answer(T + number * MINUTE_MS + 1, **own, answer=said))
    return events


def told(feed, index, window="1h"):
    """What is told of an index, by employee: value and base."""
    found = [row for row in feed.rows if (row["index"], row["window"]) == (index, window)]
    return {row["employee_id"]: (row["value"], row["base"]) for row in found}


def at_end(feed, events):
    """The feed, an hour less a minute later."""
    feed.clock.now_ms = T + HOUR_MS - MINUTE_MS
    return feed.feed(events)


@pytest.mark.parametrize("seed", range(6))
def test_everyone_is_compared_with_everyone(seed):
    """By any indices, in any order of events: as the reference has it, and the same to the last bit."""
    chance = random.Random(seed)
    events = company(seed, steps=40, offices=3)
    indices = ["calls_missed", *chance.sample([name for name in BETTER if name != "calls_missed"], 7)]
    points = {index: chance.choice([0.1, 0.5, 3]) for index in indices[:4]}
    rules = {"indices": indices, "min_employees": chance.choice([2, 3, 5]), "critical_points": points}
    config = {"windows": ["15m", "1h"], "min_surveys": chance.choice([1, 2, 4]), "comparison": rules}
    config["force_majeure_level_max"] = 1
    at_ms = START_MS + 500_000 + chance.randrange(1_500_000)
    rows = Feed(config, at_ms).feed(events).rows
    assert cases.differences(rows, method.indices([normalise(each) for each in events], at_ms, config)) == []
    assert any(row["index"] == "calls_missed_company_rank" for row in rows)
    chance.shuffle(events)
    assert Feed(config, at_ms).feed(events, 7).rows == rows


def test_who_is_not_representative_takes_no_part():
    """Too few surveys, or too much of them in force majeure: neither compared nor counted among the others."""
    declared = long_press(T + 30 * MINUTE_MS, employee_id="ben", panel_id="panel of ben")
    confirmed = verdict(T + 40 * MINUTE_MS, declared, 1, **{"from": T, "to": T + MINUTE_MS})
    events = asked("ann", "yes", "no") + asked("ben", "no", "no", "no", "no") + asked("cid", "no", "yes", "yes")
    events += asked("dee", "yes") + asked("eva", "yes", "no") + asked("fay", "no", "no", office_id="ogre-1")
    events += [declared, confirmed]
    feed = at_end(Feed(INK), events)
    assert told(feed, "ink_personnel_office_rank") == {"ann": (1, 3), "cid": (1, 3), "eva": (1, 3), "fay": (None, 1)}
    assert told(feed, "ink_personnel_company_rank") == dict.fromkeys(("ann", "cid", "eva", "fay"), (1, 4))
    assert told(feed, "ink_personnel_from_office_leader")["ann"] == (pytest.approx(1 / 2 - 1 / 3), 3)


def test_other_indices_need_as_large_a_base():
    """Of sales as many as of surveys; a refund has no ticket."""
    events = [sale(T, employee_id="ann", amount_minor=100), sale(T, employee_id="ben", amount_minor=300)]
    events += [sale(T, employee_id="cid", amount_minor=-5)]
    feed = Feed(TICKETS).feed(events)
    assert told(feed, "average_ticket_office_z") == {"ann": (-1, 2), "ben": (1, 2)}
    assert told(feed, "average_ticket_office_rank") == {"ann": (2, 2), "ben": (1, 2)}
    assert told(Feed(TICKETS | {"min_surveys": 2}).feed(events), "average_ticket_office_z") == {}


def test_what_is_taken_back_is_compared_no_more():
    """A verdict that a survey was unreliable changes everyone's deviation, and another brings it back."""
    (pressed, said), rest = asked("ann", "no")[:2], asked("ben", "yes", "yes") + asked("ann", "yes", "yes")[2:]
    events = [pressed, said, *asked("ann", "yes", "yes"), *rest, *asked("cid", "no", "no")]
    feed = at_end(Feed(INK | {"min_surveys": 1}), events)
    before = feed.rows
    feed.step([verdict(T + 50 * MINUTE_MS, pressed, 0)])
    assert told(feed, "ink_personnel_office_z") != told(
        at_end(Feed(INK | {"min_surveys": 1}), events), "ink_personnel_office_z"
    )
    feed.step([verdict(T + 51 * MINUTE_MS, pressed, 1)])
    assert feed.rows == before


def test_the_critical_point_is_passed_for_certain():
    """By the end of the interval that is the better one; of an index without an interval, by the value, and at the point it is not."""
    rules = {"indices": ["ink_personnel", "iel"], "critical_points": {"ink_personnel": 0.5, "iel": 0.5}}
    config = INK | {"comparison": rules}
    events = asked("ann", *["no"] * 20) + asked("ben", "no", "no") + asked("cid", *["no"] * 20, question="loyalty")
    events += asked("dee", *["yes"] * 20, question="loyalty")
    feed = at_end(Feed(config), events)
    assert told(feed, "ink_personnel_past_critical") == {"ann": (1, 20), "ben": (0, 2)}
    assert told(feed, "iel_past_critical") == {"cid": (1, 20), "dee": (0, 20)}
    sales = [sale(T, employee_id=who, amount_minor=amount) for who, amount in (("ann", 99), ("ben", 100))]
    rules = TICKETS["comparison"] | {"critical_points": {"average_ticket": 100}}
    found = told(Feed(TICKETS | {"comparison": rules}).feed(sales), "average_ticket_past_critical")
    assert found == {"ann": (1, 1), "ben": (0, 1)}


def test_others_elsewhere_are_the_rest_of_the_company():
    """Two partitions, each beside what the other one tells of its own, give what both together give."""
    config = {"windows": ["15m", "1h"], "min_surveys": 1, "comparison": {"indices": ["ink_personnel", "revenue"]}}
    events = company(4, steps=40, offices=3)
    whole = Feed(config, T + HOUR_MS).feed(events)
    parts = [
        Feed(config, T + HOUR_MS).feed([each for each in events if (each["office_id"] == "office-0") == is_first])
        for is_first in (True, False)
    ]
    comparing = Comparing(whole.configuration)
    assert comparing.signs.tolist() == [1, -1]
    peers = [comparing.peers(feed.engine, feed.partition) for feed in parts]
    together = comparing.peers(whole.engine, whole.partition)
    for window in range(2):
        (expected,) = comparing.deviations([window], [together], {})
        right = dict(zip(names(whole, together), expected.values[:, 0].tolist(), strict=True))
        for own, other, feed in ((0, 1, parts[0]), (1, 0, parts[1])):
            elsewhere = {}
            for column in range(2):
                values, far = peers[other].values[:, window, column], peers[other].far[:, window, column]
                elsewhere[window, column] = Others(values[values == values], far[values == values])
            (found,) = comparing.deviations([window], [peers[own]], elsewhere)
            for name, values in zip(names(feed, peers[own]), found.values[:, 0].tolist(), strict=True):
                assert values == pytest.approx(right[name], nan_ok=True, abs=1e-12)


def names(feed, peers):
    """The names of those who take part."""
    return [feed.partition.names.entities[number] for number in peers.entities.tolist()]


def test_nothing_is_told_of_a_company_that_is_not_known():
    """But of the office all there is."""
    feed = Feed(TICKETS).feed([sale(T, employee_id=who, amount_minor=100 * n) for n, who in enumerate("abc", 1)])
    comparing = Comparing(feed.configuration)
    (found,) = comparing.deviations([0], [comparing.peers(feed.engine, feed.partition)], None)
    assert found.bases[:, 0].tolist() == [[3, 3, 3, 0, 0, 0]] * 3


# Rows and rules -----------------------------------------------------------------------------------------------------


def test_every_comparable_index_is_one_of_employees():
    """A value of the catalogue, on the side that the reference has it."""
    of_employees = {
        index.name for index in catalogue(Configuration()) if "employee" in index.scopes and index.kind == VALUE
    }
    assert BETTER.keys() <= of_employees
    assert {name: side == "lower" for name, side in BETTER.items()} == dict.fromkeys(LOWER, True) | dict.fromkeys(
        HIGHER, False
    )


def test_deviations_have_their_names():
    """As the contract has them, with the unit of what they tell."""
    points = dict.fromkeys(BETTER, 1)
    rows = Comparing(
        configure(("the test", {"comparison": {"indices": list(BETTER), "critical_points": points}}))
    ).indices
    assert len(rows) == 7 * len(BETTER)
    assert [metric_name("employee", row) for row in rows] == [f"kqi_employee_{NAME_OF[row.name]}" for row in rows]
    assert {row.scopes for row in rows} == {("employee",)}


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        (
            {"indices": ["talk_s"]},
            "`comparison.indices` names talk_s, by which employees are not compared: one of ink_personnel",
        ),
        ({"indices": ["nps", "nps"]}, "`comparison.indices` names an index twice"),
        ({"critical_points": {"iel": 0.1}}, "`comparison.critical_points` has a point of iel, which is not in"),
        ({"critical_points": {"nps": float("inf")}}, "`comparison.critical_points` of nps must be a finite number"),
        ({"min_employees": 1}, "`comparison.min_employees` in the test"),
    ],
)
def test_rules_are_checked(rules, sentence):
    """One sentence for each fault."""
    with pytest.raises(ConfigurationError) as caught:
        configure(("the test", {"comparison": rules}))
    (problem,) = caught.value.sentences
    assert problem.startswith(sentence)
