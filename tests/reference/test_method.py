"""The reference of the method against the method's sentences, put another way than the reference puts them."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reference import cases
from tests.reference.companies import company
from tests.reference.contract import judge, normalise
from tests.reference.method import indices, roles, surveys
from tests.reference.strategies import START_MS, configurations, event_sets

instants = st.sampled_from((-1, 0, 1, 1000, 30_000, 30_001, 31_000, 62_001, 931_000)).map(START_MS.__add__)
COMPANIES = [[normalise(event) for event in company(seed, mess=0)] for seed in range(3)]


def by_id(events):
    return {event["event_id"]: event for event in events}


@pytest.mark.parametrize(
    ("name", "expected"),
    [("hand-answers", {"answer": 9, "extra": 3, "orphan": 2}), ("hand-bounces", {"bounce": 7, "long": 2, "orphan": 1})],
)
def test_presses_have_their_roles(name, expected):
    """The diagnostics of the cases worked out by hand are theirs."""
    case = cases.load(name)
    found = Counter(roles([judge(line)[0] for line in case.lines], case.at_ms, case.config).values())
    assert {role: found[role] for role in expected} == expected


@given(event_sets(), instants)
def test_a_press_bounces_exactly_when_an_accepted_one_came_shortly_before(events, at_ms):
    """Of the short presses of a panel, those within 1000 ms after an accepted one are dropped and no others."""
    role = {event_id: part for (_, event_id), part in roles(events, at_ms).items()}
    shorts = [event for event in events if role.get(event["event_id"]) in {"survey", "bounce"}]
    for press in shorts:
        before = [
            other
            for other in shorts
            if other["panel_id"] == press["panel_id"]
            and role[other["event_id"]] == "survey"
            and (other["ts"], other["event_id"].encode()) < (press["ts"], press["event_id"].encode())
            and press["ts"] - other["ts"] <= 1000
        ]
        assert (role[press["event_id"]] == "bounce") == bool(before)


@given(event_sets(), instants)
def test_the_answer_is_the_first_press_in_the_window(events, at_ms):
    """From the survey's side: the first customer press from t to t + 30 s and before the panel's next survey."""
    found = surveys(events, at_ms)
    presses = sorted(
        (event for event in events if event["type"] == "customer_press" and event["ts"] <= at_ms),
        key=lambda event: (event["ts"], event["event_id"].encode()),
    )
    for survey in found:
        later = [s["ts"] for s in found if s["panel_id"] == survey["panel_id"] and s["ts"] > survey["ts"]]
        inside = [
            press["answer"]
            for press in presses
            if press["panel_id"] == survey["panel_id"]
            and survey["ts"] <= press["ts"] <= survey["ts"] + 30_000
            and all(press["ts"] < following for following in later)
        ]
        ended = at_ms > survey["ts"] + 30_000 or any(following <= survey["ts"] + 30_000 for following in later)
        assert survey["outcome"] == (inside[0] if inside else "silent" if ended else "undecided")


@given(event_sets(), instants, instants)
def test_what_is_decided_stays_decided(events, one_ms, other_ms):
    """As time goes on, no outcome changes but undecided ones: nothing that lies in the past is unknown."""
    earlier, later = (by_id(surveys(events, at_ms)) for at_ms in sorted((one_ms, other_ms)))
    assert earlier.keys() <= later.keys()
    for event_id, survey in earlier.items():
        assert survey["outcome"] in {"undecided", later[event_id]["outcome"]}


@given(event_sets(), instants, configurations)
def test_the_future_is_unknown(events, at_ms, config):
    """Events after the instant change no row, and neither do repeats or the order."""
    past = [event for event in events if event["ts"] <= at_ms]
    assert indices(past[::-1] + past, at_ms, config) == indices(events, at_ms, config)


@given(event_sets(), instants, configurations)
def test_indices_stay_in_their_ranges(events, at_ms, config):
    """INK and all shares lie in [0, 1], IEL in [-1, 1]."""
    lowest = {"iel": -1}
    bounded = {
        "ink_personnel",
        "ink_office",
        "iel",
        "force_majeure_level",
        "silent_share",
        "response_share",
        "service_level",
    }
    for row in indices(events, at_ms, config):
        if row["index"] in bounded and row["value"] is not None:
            assert lowest.get(row["index"], 0) <= row["value"] <= 1


@pytest.mark.parametrize("number", range(len(COMPANIES)))
@pytest.mark.parametrize("after_ms", [0, 30_000, 29_777, 3_600_000, 10_000_000])
def test_an_office_is_the_sum_of_its_employees(number, after_ms):
    """Every survey has one employee, so the bases of the office's main indices and its surveys are their sums."""
    totals = Counter()
    for row in indices(COMPANIES[number], START_MS + after_ms, {"windows": ["1h", "7d"]}):
        if row["index"] in {"ink_personnel", "ink_office", "iel", "silent_share"}:
            sign = {"office": 1, "employee": -1}[row["scope"]]
            totals[row["office_id"], row["window"], row["index"]] += sign * row["base"]
    assert totals
    assert set(totals.values()) == {0}


@pytest.mark.parametrize("number", range(len(COMPANIES)))
def test_companies_hold_what_they_are_for(number):
    """A random company has every role, outcome, rejected surveys and surveys in force majeure."""
    at_ms = START_MS + 10_000_000
    found = surveys(COMPANIES[number], at_ms, {"force_majeure_pending": "include"})
    assert set(roles(COMPANIES[number], at_ms).values()) == {"survey", "bounce", "long", "answer", "extra", "orphan"}
    assert {survey["outcome"] for survey in found} == {"yes", "no", "hard_to_say", "silent"}
    assert {(survey["valid"], survey["in_force_majeure"]) for survey in found} == {
        (a, b) for a in (True, False) for b in (True, False)
    }
