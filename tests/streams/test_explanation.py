"""Explanations against the method by brute force: everything is listed once, for the right reason, and adds up."""

import json
import random
from collections import Counter
from datetime import datetime

import msgspec
import numpy as np
import pytest

from streams.answer import answer
from streams.clock import Now
from streams.configuration import configure
from streams.decode import decode
from streams.evidence import Evidence, Log, begin_of
from streams.explanation import REASONS_LEFT_OUT, explain, topics_of
from streams.formula import COUNTERS, counters_of, sum_in_words
from streams.inquiry import WHOSE, Question, understand
from streams.messages import Messages
from streams.numbers import number
from streams.partition import Events
from streams.results import rows
from tests import by_hand
from tests.reference import cases
from tests.reference.companies import START_MS, company
from tests.reference.method import DEFAULTS, in_window, indices, known, latest_verdicts, roles, surveys
from tests.reference.questions import question_of
from tests.reference.zones import zone_of
from tests.streams.feeding import directory_of, encoded

WINDOWS = {"windows": ["15m", "1h"]}
DIRECTORY = {  # in Los Angeles the 15th of January begins while the company works
    "defaults": {"questions": "loyalty", "matrix": "all"},
    "offices": [
        {
            "id": "office-0",
            "time_zone": "America/Los_Angeles",
            "questions": [{"days": "1-14", "question": "personnel"}, {"days": "15-31", "question": "office"}],
            "representative_by": "coverage",
            "coverage_limits": [0, 100],
        }
    ],
    "employees": [
        {"id": name, "office": "office-0", "department": "help", "leader": "boss"}
        for name in ("floater", "agent", "cashier", "emp-p0-a")
    ]
    + [{"id": "boss", "office": "office-0"}],
    "plans": [
        {"office": "office-0", "period": "2027", "revenue_minor": 10**8, "margin_minor": 10**7},
        {"office": "office-0", "employee": "cashier", "period": "2027-01", "revenue_minor": 10**6},
    ],
    "matrices": [
        {
            "id": "all",
            "lines": [
                {"index": "silent_share", "weight": 0.5, "base": 1, "goal": 0},
                {"index": "sales", "weight": 0.5, "base": 0, "goal": 10},
            ],
        }
    ],
}
TARGETS = [
    {"priority": "critical", "stage": "first_response", "within": "10m", "objective": 0.8},
    {"priority": "critical", "stage": "on_site", "within": "20m", "objective": 0.8},
    {"priority": "normal", "stage": "resolved", "within": "15m", "objective": 0.7},
]
COMPARISON = {
    "indices": ["ink_personnel", "nps", "sales", "average_speed_of_answer_s"],
    "min_employees": 2,
    "critical_points": {"ink_personnel": 0.3, "sales": 3},
}
CONFIGURATIONS = {
    "default": WINDOWS,
    "unfavourable": WINDOWS
    | {"force_majeure_excludes": "unfavourable", "silent_weight": 0.5, "answer_window_s": 20}
    | {"min_surveys": 2, "force_majeure_level_max": 1, "diagnosis_margin": 0.01, "directory": DIRECTORY}
    | {"request_targets": TARGETS, "comparison": COMPARISON},
    "numerator": WINDOWS
    | {"force_majeure_excludes": "numerator", "force_majeure_pending": "exclude", "min_surveys": 20}
    | {"representative_by": "conversion", "conversion_limits": [0, 0.3], "asked_within_s": 120},
}


def gathered(events, office=None, size=97):
    """Return events as a log, as if they stood in a file."""
    log = Log()
    lines = encoded(events)
    for start in range(0, len(lines), size):
        values = Messages.of(lines[start : start + size])
        accepted, buffer, rejects = decode(values)
        assert rejects == []
        numbers = np.arange(start, start + values.size) + 1
        log.add(Events(accepted, buffer), values, {"file": "f"}, numbers, office, 2**60)
    return log


def evidence(events, at_ms, config=None, office=None):
    """Return what a log is evidence of."""
    configuration, directory = configured(config or {})
    return Evidence(configuration, gathered(events, office), Now(at_ms, at_ms), directory)


def configured(config):
    """Return a configuration and the directory that the tests give with it."""
    keys = {key: value for key, value in config.items() if key != "directory"}
    return configure(("the test", keys)), directory_of(config.get("directory"))


def explanations(events, at_ms, config, *, narrow=False, most=None):
    """Yield rows of a replay with their explanations: all, or so many of each index of each scope at most."""
    configuration, _ = configured(config)
    seen = evidence(events, at_ms, config)
    offices = {row["office_id"] for row in rows(seen.engine, seen.partition)}
    of_office = {office: evidence(events, at_ms, config, office) for office in offices} if narrow else {}
    for row in some_of(list(rows(seen.engine, seen.partition)), most):
        asked = understand(question_about(row), configuration)
        if not narrow or asked.read_office is not None:
            used = of_office.get(row["office_id"], seen)
            yield row, json.loads(msgspec.json.encode(answer(used, asked)))


def some_of(found, most):
    """Return rows in another order, so many of each index of each scope at most."""
    random.Random(3).shuffle(found)
    seen = Counter()
    for row in found:
        seen[row["scope"], row["index"]] += 1
        if most is None or seen[row["scope"], row["index"]] <= most:
            yield row


def question_about(row):
    """Return the question about a row of a replay."""
    whose = {name: row[name] for name in WHOSE if name in row}
    if row["employee_id"] is not None:
        whose[row["scope"]] = row["employee_id"]
    return Question(row["office_id"], row["index"], row["window"], None, whose)


def is_sum(row, told):
    """Return whether a value is a sum of counters, or a quotient of two."""
    return not (
        is_judged(row) or "peers" in told or row["window"] is None or row["index"] in GOALS or row["scope"] in GROUPS
    )


GOALS = ("plan_attainment", "margin_plan_attainment", "kpi_score")
PRIVATE = ("department", "pair")  # of which nothing single is told
GROUPS = ("leader", "department", "pair")


@pytest.fixture(scope="module", params=CONFIGURATIONS)
def story(request):
    """Return a company, an instant and all its explanations."""
    config = CONFIGURATIONS[request.param]
    events = company(seed=len(request.param), steps=40)
    at_ms = sorted(each["ts"] for each in events if each.get("hold_ms", 9999) < 3000)[-25] + 1  # one has just begun
    return events, at_ms, config, list(explanations(events, at_ms, config, most=8))


def test_what_is_listed_gives_the_value(story):
    """Counting what is listed, by hand, gives value and base, as the terms of the formula do; so says the reference."""
    events, at_ms, config, told = story
    assert len(told) > 500
    right = {by_scope(row): (row["value"], row["base"]) for row in indices(events, at_ms, config)}
    for row, each in told:
        assert (each["value"], each["base"]) == (row["value"], row["base"])
        if row["scope"] not in PRIVATE:
            value, base = by_hand.value(each)
            assert each["value"] == pytest.approx(value, abs=1e-12), each
            assert base == each["base"]
        if is_sum(row, each) and each["value"] is not None:
            assert by_hand.value_of_formula(each) == pytest.approx(each["value"], abs=1e-12)
        if each["value"] is not None:
            assert right[by_scope(row)] == pytest.approx((each["value"], each["base"]))


def is_judged(row):
    """Return whether a row is no sum, but a judgement on others."""
    return row["index"].endswith(("_representative", "diagnosis"))


def by_scope(row):
    """Return what names a row."""
    return tuple(row.get(part) for part in ("scope", "office_id", "employee_id", *WHOSE[1:], "window", "index"))


def test_weights_of_each_survey_and_event_add_up(story):
    """The weights beside each survey and event sum up to numerator and base; but shifts, of which no part has a weight."""
    for row, each in story[3]:
        if "shifts" in each or {"clients", "votes"} & each.keys() or not is_sum(row, each):
            continue
        parts = ("surveys", "calls", "sales", "visits", "ratings", "requests")
        entries = [entry for part in parts for entry in each.get(part, ())]
        over = sum(entry["counts"]["numerator"] for entry in entries)
        terms = sum(term["count"] * term["weight"] for term in each["formula"]["numerator"])
        assert over == pytest.approx(terms), row
        assert sum(entry["counts"]["base"] for entry in entries) == pytest.approx(each["base"])


def test_every_press_is_listed_once_for_the_right_reason(story):
    """Each short press of a scope counts or is left out, as the reference says, with the verdicts that make it so."""
    events, at_ms, config, told = story
    settings = DEFAULTS | config
    role = roles(events, at_ms, config)
    states = {(survey["office_id"], survey["event_id"]): survey for survey in surveys(events, at_ms, config)}
    seen = {(event["office_id"], event["event_id"]): event for event in known(events, at_ms)}
    verdicts = latest_verdicts(seen.values())
    reasons = set()
    for row, each in told:
        if row["index"] not in QUESTIONS or row["scope"] == "queue":
            continue
        listed = {entry["survey_id"]: entry for entry in each["surveys"] + each["left_out"]}
        assert len(listed) == len(each["surveys"]) + len(each["left_out"])
        own = {
            name[1]
            for name, event in seen.items()
            if role.get(name) in {"survey", "bounce"}
            and name[0] == row["office_id"]
            and row["employee_id"] in {None, event["employee_id"]}
        }
        assert listed.keys() == own
        for event_id, entry in listed.items():
            name = (row["office_id"], event_id)
            right = reason(row, seen[name], role[name], states.get(name), at_ms, settings)
            reasons.add(right)
            assert entry.get("reason") == right, entry
            if right == "rejected":
                assert entry["by"] == [verdicts[row["office_id"], "survey", event_id]["event_id"]]
            if right == "bounce":
                assert role[row["office_id"], entry["by"][0]] == "survey"
            if right == "force_majeure":
                assert entry["by"]
    assert reasons - {None} < set(REASONS_LEFT_OUT)
    wanted = {None, "outside_window", "bounce", "undecided", "rejected", "other_question", "force_majeure"}
    assert reasons == wanted - ({"force_majeure"} if config.get("force_majeure_excludes") == "numerator" else set())


QUESTIONS = {
    "ink_personnel": {"personnel"},
    "ink_office": {"office"},
    "iel": {"loyalty"},
    "silent_share": {"personnel", "office", "loyalty"},
}


def reason(row, press, role, survey, at_ms, settings):
    """Return why a press does not count, by the method; None if it does."""
    if not in_window(press["ts"], at_ms, row["window"]):
        return "outside_window"
    if role == "bounce":
        return "bounce"
    if survey["outcome"] == "undecided":
        return "undecided"
    if not survey["valid"]:
        return "rejected"
    if survey["question"] not in QUESTIONS[row["index"]]:
        return "other_question"
    excluded = {"all": DEFAULT_OUTCOMES, "unfavourable": {"no", "silent"}, "numerator": set()}
    if row["index"] == "ink_personnel" and survey["in_force_majeure"]:
        return "force_majeure" if survey["outcome"] in excluded[settings["force_majeure_excludes"]] else None
    return None


def listed_surveys(told):
    """Return the surveys that an explanation lists, if it lists any."""
    return told.get("surveys", []) + told.get("left_out", [])


DEFAULT_OUTCOMES = {"yes", "no", "hard_to_say", "silent"}


def test_reasons_come_with_what_was_compared(story):
    """Each reason is that of the method, and what was compared says so: nothing else does; so with the causes."""
    events, at_ms, config, told = story
    right = {by_scope(row): row for row in indices(events, at_ms, config)}
    reasons, causes = set(), set()
    for row, each in told:
        found = [each] if "checks" in each else each.get("main", [])
        for judged in found:
            assert [check["reason"] for check in judged["checks"] if check["applies"]] == judged["reasons"]
            assert [check["reason"] for check in judged["checks"] if by_hand.is_broken(check)] == judged["reasons"]
            reasons |= set(judged["reasons"])
        assert each.get("numbers") == row.get("numbers")
        if "checks" in each:
            assert each["reasons"] == right[by_scope(row)]["reasons"] == row["reasons"]
            against = ", ".join(each["reasons"]) or "no reason against it"
            assert each["formula"]["text"] == f"{each['value']}: {against}"
        if row["index"] == "diagnosis":
            causes.add(row["value"])
            assert each["formula"]["text"].startswith(row["value"])
    if "representative_by" in config:
        assert reasons >= {"too_few_surveys", "conversion", "force_majeure", "not_asked_lately"}
    if "directory" in config:
        assert causes - {"not_enough_data"}


def test_presses_say_by_which_rule_they_were_asked(story):
    """A press that names its question is right; of any other the schedule is named, with the local day that decided."""
    events, at_ms, config, told = story
    seen = {(event["office_id"], event["event_id"]): event for event in known(events, at_ms)}
    directory = config.get("directory")
    rules = set()
    for row, each in told:
        assert (each["directory"]["hash"] is None) == (directory is None)
        for entry in listed_surveys(each):
            press, asked = seen[row["office_id"], entry["survey_id"]], entry["asked"]
            assert entry["question"] == question_of(press, directory)
            assert (asked["by"] == "press") == ("question" in press)
            local = datetime.fromtimestamp(press["ts"] / 1000, zone_of("America/Los_Angeles"))
            by_day = asked["by"] == "office"
            assert asked["local_day"] == (local.date().isoformat() if by_day else None)
            assert asked["days"] == (("1-14" if local.day <= 14 else "15-31") if by_day else None)
            rules.add((asked["by"], asked["days"]))
    by_schedule = {("office", "1-14"), ("office", "15-31"), ("defaults", None)}
    assert rules == {("press", None)} | (by_schedule if directory else {("method", None)})


def test_places_are_those_of_the_events(story):
    """Each place is that of an event with that id; of repeats, of the first."""
    events, _, _, told = story
    lines = dict(enumerate(events, 1))
    for row, each in told:
        named = [(entry["survey_id"], entry["press"]) for entry in listed_surveys(each)]
        answers = [entry["answer"] for entry in listed_surveys(each) if entry["answer"]]
        for part in ("force_majeures", "verdicts", "calls", "sales", "visits", "shifts", "ratings", "clients", "votes"):
            answers += each.get(part, [])
        for part in ("requests", "requests_left_out"):
            answers += [stage for request in each.get(part, ()) for stage in request["stages"]]
        for event_id, place in named + [(entry["event_id"], entry["place"]) for entry in answers]:
            event = lines[place["line"]]
            assert (event["office_id"], event["event_id"]) == (row["office_id"], event_id)


@pytest.mark.parametrize("name", [name for name in cases.names() if name.startswith("hand-")])
def test_hand_made_cases_are_explained(name):
    """What was worked out by hand is what is explained, and what is listed gives it again."""
    case = cases.load(name)
    events = [json.loads(line) for line in case.lines]
    told = {by_scope(row): each for row, each in explanations(events, case.at_ms, case.config)}
    for row in case.expected:
        if by_scope(row) not in told:
            assert row["value"] is None
            continue
        each = told[by_scope(row)]
        assert cases.same(each["value"], row["value"])
        assert row["value"] is None or each["base"] == row["base"]
        if row["scope"] not in PRIVATE:
            value, base = by_hand.value(each)
            assert cases.same(value, row["value"])
            assert row["value"] is None or base == row["base"]
        assert each.get("reasons") == row.get("reasons")
        assert cases.same(each.get("numbers"), row.get("numbers"))


def test_a_cause_is_told_with_the_numbers_compared():
    """Each diagnosis says which line of the method holds, and why none before it does."""
    case = cases.load("hand-diagnosis")
    events = [json.loads(line) for line in case.lines]
    texts = {
        row["office_id"]: each["formula"]["text"]
        for row, each in explanations(events, case.at_ms, case.config)
        if row["index"] == "diagnosis"
    }
    fine = "ink_personnel {0} <= 0.2 and ink_office {1} <= 0.2"
    above = "ink_office {1} > ink_personnel {0} + 0.05"
    theirs = "ink_personnel {0} >= ink_office {1} - 0.05 and ink_personnel {0} > 0.2"
    assert texts == {
        "well": f"well: {fine.format('0', '0.2')}, and iel 0.8 >= 0.5",
        "edge": f"well: {fine.format('0.2', '0')}, and iel 0.5 >= 0.5",
        "product": f"product_or_price: {fine.format('0', '0')}, and iel 0.4 < 0.5",
        "processes": f"office_and_processes: not ({fine}); {above}".format("0.2", "0.4"),
        "personnel": f"personnel: not ({fine}); not {above}; {theirs}".format("0.6", "0.2"),
        "both": f"personnel: not ({fine}); not {above}; {theirs}".format("0.4", "0.45"),
        "unclear": f"unclear: not ({fine}); not {above}; not ({theirs})".format("0.2", "0.25"),
        "nobody": "not_enough_data: iel: too_few_surveys, not_asked_lately",
        "too-few": "not_enough_data: ink_office: too_few_surveys",
    }


def test_an_interval_is_told_with_the_sums():
    """The ends of each kind of interval read as a person works them out."""
    case = cases.load("hand-intervals")
    events = [json.loads(line) for line in case.lines]
    texts = {
        row["index"]: each["formula"]["text"]
        for row, each in explanations(events, case.at_ms, case.config)
        if row["scope"] == "office"
    }
    assert texts["iel_lower"] == (
        "m = (yes 6 - no 2 - 0.8 x silent 1 - 0.4) / (10 + 2) = 0.233333, variance = ((yes 6 + no 2 + 0.64 x silent 1"
        " + 1.32) / 12 - 0.233333 x 0.233333) / 13 = 0.059658: m - 1.96 x \u221avariance = -0.245397"
    )
    assert texts["ink_office_upper"] == "base 0: no value"
    assert texts["precise_conversion_upper"] == (
        "x = sales 4, n = 20: (4 + 1.9208 + 1.96 x \u221a(4 + 0.9604)) / 20 = 0.514305"
    )
    assert texts["service_level_lower"] == (
        "x = answered in time 3, n = 5: (3 + 1.9208 - 1.96 x \u221a(3 x 2 / 5 + 0.9604)) / (5 + 3.8416) = 0.23072"
    )


def test_order_repeats_and_other_offices_change_nothing():
    """In another order and with repeats, and kept for one office alone, events are explained the same, but for places."""
    events = company(seed=5, mess=0, steps=25)
    at_ms = START_MS + 500_000
    mixed = events + random.Random(1).choices(events, k=300)
    random.Random(2).shuffle(mixed)
    first = [without_places(told) for _, told in explanations(events, at_ms, WINDOWS)]
    again = [without_places(told) for _, told in explanations(mixed, at_ms, WINDOWS, narrow=True)]
    assert sorted(map(json.dumps, first)) == sorted(map(json.dumps, again))


def without_places(told):
    """Return an explanation in one order and without places."""
    if isinstance(told, dict):
        kept = {key: without_places(value) for key, value in told.items() if key not in {"place", "press"}}
        return dict(sorted(kept.items()))
    if isinstance(told, list):
        return sorted(map(without_places, told), key=json.dumps)
    return told


def test_every_counter_has_a_name():
    """What an index of the catalogue counts has a name; the upper halves of sums go with the lower ones."""
    seen = evidence([], 0)
    used = set().union(*map(counters_of, seen.engine.evaluation.indices))
    upper = {
        counter for index in seen.engine.evaluation.indices for counter in counters_of(index) if counter - 1 in COUNTERS
    }
    assert not {counter for counter in used if counter >= 24} - COUNTERS.keys() - upper


def test_topics_that_decide():
    """An index needs the topics of its counters, and no others."""
    by_name = {index.name: topics_of(index) for index in evidence([], 0).engine.evaluation.indices}
    assert by_name["ink_personnel"] == {"presses", "verdicts"}
    assert by_name["visitor_coverage"] == {"presses", "verdicts", "visits"}
    assert by_name["precise_conversion"] == {"presses", "verdicts", "sales"}
    assert by_name["service_level"] == {"calls"}
    assert by_name["occupancy"] == {"calls", "shifts"}


def test_the_first_instant_of_a_window_is_inside():
    """A survey at the window's begin counts, one a millisecond before it does not."""
    begin_ms = begin_of(START_MS, 3_600_000)
    press = {"type": "seller_press", "office_id": "o", "employee_id": "e", "hold_ms": 1}
    presses = [
        press | {"event_id": name, "panel_id": name, "ts": ts_ms}
        for name, ts_ms in (("first", begin_ms), ("before", begin_ms - 1))
    ]
    seen = evidence(presses, START_MS)
    index = next(each for each in seen.engine.evaluation.indices if each.name == "silent_share")
    told = explain(seen, seen.engine.configuration, ("office", "o", ""), index, "1h")
    assert [each["survey_id"] for each in told["surveys"]] == ["first"]
    assert [(each["survey_id"], each["reason"]) for each in told["left_out"]] == [("before", "outside_window")]


def test_nothing_known():
    """Of an office that nothing was heard of there is no value, and nothing is listed."""
    seen = evidence(company(seed=1, steps=2), START_MS)
    told = explain(seen, seen.engine.configuration, ("office", "nowhere", ""), seen.engine.evaluation.indices[0], "1h")
    assert (told["value"], told["base"], told["surveys"], told["left_out"]) == (None, 0, [], [])
    assert told["formula"]["text"] == "0 / 0 = no value"


def test_formula_in_words():
    """The sum reads as a person writes it."""
    no, silent = ({"outcome": each, "count": n, "weight": w} for each, n, w in (("no", 8, 1.0), ("silent", 12, 0.8)))
    assert sum_in_words([no, silent]) == "no 8 + 0.8 x silent 12"
    assert sum_in_words([no | {"weight": -1.0}, no | {"weight": -1.0}]) == "-no 16"
    assert sum_in_words([]) == "0"
    assert [number(value) for value in (3, 3.0, 0.25, 1 / 3, 10**12)] == [
        "3",
        "3",
        "0.25",
        "0.333333",
        "1,000,000,000,000",
    ]
