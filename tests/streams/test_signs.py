"""Signs of gaming against brute force, and stories whose counts were worked out by hand."""

import random

import pytest

from streams.clock import Now
from streams.configuration import configure
from streams.evidence import Evidence
from streams.signs import SIGNS, Signs
from tests.reference import signs as reference
from tests.reference.companies import START_MS, company
from tests.reference.contract import judge
from tests.streams.feeding import encoded
from tests.streams.test_explanation import gathered

HOUR = {"windows": ["1h"]}
T = 1_800_000_000_000


def signs(events, at_ms, config=None, size=97):
    """Return the signs of some events."""
    configuration = configure(("the test", config or {}))
    return Signs(Evidence(configuration, gathered(events, size=size), Now(at_ms, at_ms)), configuration)


def counts(found):
    """Return count and base of each row."""
    names = ("scope", "office_id", "employee_id", "window", "sign")
    return {tuple(row[name] for name in names): (row["count"], row["base"]) for row in found.rows()}


@pytest.mark.parametrize("seed", range(8))
def test_counts_are_those_of_brute_force(seed):
    """Counts, bases and single entries of random companies at any instant are those of the reference."""
    chance = random.Random(seed)
    events = company(seed, steps=25)
    plain = [judge(line)[0] for line in encoded(events)]
    config = {
        "windows": ["15m", "1h"],
        "signs": {
            "yes_run": chance.choice((2, 3)),
            "context_s": chance.choice((0.001, 5, 40)),
            "quick_answer_s": chance.choice((0, 0.5, 1)),
            "force_majeure_after_no_s": chance.choice((0, 30, 120)),
        },
    }
    at_ms = START_MS + chance.randrange(-600_000, 1_500_000)
    found = signs(events, at_ms, config)
    assert counts(found) == reference.rows(plain, at_ms, config)
    right = sorted(entry[:5] for entry in reference.entries(plain, at_ms, config) if entry[5])
    names = ("sign", "office_id", "employee_id", "ts", "event_id")
    assert sorted(tuple(entry[name] for name in names) for entry in found.listed()) == right
    lines = dict(enumerate(events, 1))
    assert all(lines[entry["place"]["line"]]["event_id"] == entry["event_id"] for entry in found.listed())


def test_the_companies_have_every_sign():
    """What is compared with brute force is not nothing."""
    config = {"signs": {"yes_run": 2, "context_s": 5}}
    found = [row for seed in range(8) for row in signs(company(seed, steps=25), START_MS + 900_000, config).rows()]
    for sign in SIGNS:
        some = [row for row in found if row["sign"] == sign]
        assert any(row["count"] for row in some), sign
        assert sign == "force_majeures_declared" or any(row["count"] < row["base"] for row in some), sign


def test_order_batches_and_repeats_change_nothing():
    """Signs are a function of the set of events."""
    events = company(seed=9, mess=0, steps=30)
    at_ms = START_MS + 900_000
    mixed = events + random.Random(1).choices(events, k=200)
    random.Random(2).shuffle(mixed)
    config = {"signs": {"yes_run": 2}}
    assert counts(signs(events, at_ms, config)) == counts(signs(mixed, at_ms, config, size=7))


# By hand -----------------------------------------------------------------------------------------------------------


def press(n, ts_ms, who="anna", hold_ms=200, panel="p1"):
    """Return a seller press."""
    names = {"event_id": f"s{n}", "office_id": "o", "panel_id": panel, "employee_id": who}
    return {"type": "seller_press", "ts": T + ts_ms, "hold_ms": hold_ms} | names


def answer(n, ts_ms, which="yes", panel="p1"):
    """Return a customer press."""
    return {"type": "customer_press", "ts": T + ts_ms, "event_id": f"c{n}", "office_id": "o", "panel_id": panel} | {
        "answer": which
    }


def sale(n, ts_ms, who="anna", amount_minor=500):
    """Return a sale."""
    names = {"event_id": f"v{n}", "office_id": "o", "currency": "EUR"}
    return (
        {"type": "sale", "ts": T + ts_ms, "amount_minor": amount_minor} | names | ({"employee_id": who} if who else {})
    )


def verdict(n, target, target_id, reliable, ts_ms=60_000):
    """Return a verdict."""
    return {"type": "verdict", "event_id": f"w{n}", "ts": T + ts_ms, "office_id": "o"} | {
        "target": target,
        "target_id": target_id,
        "reliable": reliable,
    }


def office(events, sign, config=None, at_ms=3_000_000):
    """Return count and base of a sign of the office in the last hour."""
    return counts(signs(events, T + at_ms, HOUR | (config or {}))).get(("office", "o", None, "1h", sign))


def test_quick_answers_by_hand():
    """Of three answers at 999, 1000 and 1001 ms two are quick; a rejected survey counts nowhere; the limit is a key."""
    events = [
        each for n, ms in enumerate((999, 1000, 1001)) for each in (press(n, 60_000 * n), answer(n, 60_000 * n + ms))
    ]
    assert office(events, "quick_answers") == (2, 3)
    assert office([*events, verdict(1, "survey", "s0", reliable=False)], "quick_answers") == (1, 2)
    assert office(events, "quick_answers", {"signs": {"quick_answer_s": 0.999}}) == (1, 3)


def test_runs_of_yes_by_hand():
    """Three yes, a silent one, two yes: with runs of three, three of five; the silent one rejected, all five."""
    surveys = [press(n, 60_000 * n) for n in range(6)]
    answers = [answer(n, 60_000 * n + 5000) for n in (0, 1, 2, 4, 5)]
    limit = {"signs": {"yes_run": 3}}
    assert office(surveys + answers, "yes_runs", limit) == (3, 5)
    assert office([*surveys, *answers, verdict(1, "survey", "s3", reliable=False)], "yes_runs", limit) == (5, 5)
    late_no = answer(9, 60_000 + 4000, "no")  # which was there before the yes
    assert office([*surveys, *answers, late_no], "yes_runs", limit) == (0, 4)
    of_others = [press(n, 60_000 * n, who=f"e{n}") for n in range(6)]
    assert office(of_others + answers, "yes_runs", limit) == (0, 5)


def test_presses_without_context_by_hand():
    """A sale of anna 10 min away goes with her press, 1 ms more does not, nor does it go with boris's; a visit goes with both."""
    presses = [press(1, 0), press(2, 5000, who="boris")]
    assert office(presses, "presses_without_context") is None  # nobody tells of visits, calls or sales
    assert office([*presses, sale(1, 600_000)], "presses_without_context") == (1, 2)
    assert office([*presses, sale(1, 600_001)], "presses_without_context") == (2, 2)
    visit = {"type": "visit", "event_id": "x", "ts": T - 1000, "office_id": "o"}
    assert office([*presses, sale(1, 600_001), visit], "presses_without_context") == (0, 2)
    assert office([*presses, sale(1, 600_001), visit | {"count": 0}], "presses_without_context") == (2, 2)


def test_sales_without_press_by_hand():
    """Only a press of the seller's own, accepted and near, goes with a sale; refunds and sales of nobody are not looked at."""
    sales = [sale(1, 0), sale(2, 1000, who="boris"), sale(3, 2000, who=None), sale(4, 3000, amount_minor=-5)]
    assert office(sales, "sales_without_press") is None  # no panel is in use
    assert office([*sales, press(1, 500)], "sales_without_press") == (1, 2)
    bounce = press(2, 900, who="boris")
    assert office([*sales, press(1, 500), bounce], "sales_without_press") == (1, 2)
    assert office([*sales, press(1, 500), bounce | {"ts": T + 1501}], "sales_without_press") == (0, 2)


def test_force_majeure_by_hand():
    """One 2 min after a no on its panel, one 1 ms later, one on another panel; confirmed by the latest verdict."""
    events = [press(1, 0), answer(1, 1000, "no"), press(2, 121_000, hold_ms=3000), press(3, 121_001, hold_ms=3000)]
    events.append(press(4, 2000, hold_ms=5000, panel="p2"))
    assert office(events, "force_majeure_after_no") == (1, 3)
    assert office(events, "force_majeures_declared") == (3, 3)
    assert office(events, "force_majeures_confirmed") == (0, 3)
    confirmed = [*events, verdict(1, "force_majeure", "s2", reliable=True)]
    assert office(confirmed, "force_majeures_confirmed") == (1, 3)
    withdrawn = [*confirmed, verdict(2, "force_majeure", "s2", reliable=False, ts_ms=70_000)]
    assert office(withdrawn, "force_majeures_confirmed") == (0, 3)
