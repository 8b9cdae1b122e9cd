"""Why somebody reached so much: what is listed gives the value again, by hand."""

import json
from datetime import UTC, datetime

import msgspec
import pytest

from streams.explanation import explain, topics_of
from tests.reference import cases
from tests.streams.test_explanation import configured, evidence

INDICES = ("plan_attainment", "margin_plan_attainment", "kpi_score")


def explained(name):
    """Yield the expected rows of a case's goals, of offices and employees, with what is explained of them."""
    case = cases.load(name)
    seen = evidence([json.loads(line) for line in case.lines], case.at_ms, case.config)
    by_name = {index.name: index for index in seen.engine.evaluation.indices}
    for row in case.expected:
        if row["index"] in INDICES and row["scope"] in {"office", "employee"}:
            entity = row["scope"], row["office_id"], row["employee_id"] or ""
            told = explain(seen, configured(case.config)[0], entity, by_name[row["index"]], row["window"])
            yield row, json.loads(msgspec.json.encode(told))


def by_hand(told):
    """Return the value of what is listed."""
    if told["index"] == "kpi_score":
        shares = [(each["weight"], each["fact"], each["base"], each["goal"], each["clip"]) for each in told["lines"]]
        if any(fact is None for _, fact, *_ in shares):
            return None
        return sum(
            weight * min(max((fact - base) / (goal - base), least), most)
            for weight, fact, base, goal, (least, most) in shares
        )
    planned = sum(each["amount"] * each["inside_ms"] / each["working_ms"] for each in told["plans"])
    return sum(each["count"] * each["weight"] for each in told["formula"]["numerator"]) / planned


@pytest.mark.parametrize(("name", "count"), [("hand-plans", 7), ("hand-kpi", 8)])
def test_goals_of_hand_made_cases_are_explained(name, count):
    """Value and base are those expected, and what is listed gives the value again."""
    rows = [(row, told) for row, told in explained(name) if row["value"] is not None]
    assert len(rows) == count
    for row, told in rows:
        assert cases.same(told["value"], row["value"])
        assert told["base"] == row["base"]
        assert by_hand(told) == pytest.approx(row["value"], abs=1e-12)


def test_goals_read_as_a_person_works_them_out():
    """Plans with their hours, lines with their weights; what is missing is said."""
    texts = {(row["window"], row["employee_id"], row["index"]): told for row, told in explained("hand-kpi")}
    attainment = texts["24h", "anna", "plan_attainment"]
    assert attainment["formula"]["text"] == "(revenue 5,900) / (48,000 x 23.6 h / 48 h) = 0.25"
    (plan,) = attainment["plans"]
    assert (plan["period"], plan["working_ms"] / 3_600_000) == ("2027-03-09/2027-03-10", 48)
    assert [sale["amount_minor"] for sale in attainment["sales"]] == [5900]
    score = texts["24h", "boris", "kpi_score"]
    assert score["formula"]["text"] == "0.5 x 1.2 + 0.3 x 1 + 0.2 x 0 = 0.9"
    assert (score["matrix"], [line["index"] for line in score["lines"]]) == (
        "sellers",
        ["plan_attainment", "nps", "ces"],
    )


def test_why_nothing_is_attained_is_said():
    """Working time without a plan, none at all, and margins that nobody stated are told apart."""
    directory = {
        "offices": [{"id": "o"}],
        "plans": [{"office": "o", "period": f"{AT.date()}/{AT.date()}", "revenue_minor": 1000, "margin_minor": 100}],
    }
    at_ms = round(AT.timestamp() * 1000)
    sold = {"type": "sale", "event_id": "s", "ts": at_ms, "office_id": "o", "amount_minor": 1, "currency": "EUR"}
    config = {"windows": ["1h", "24h"], "directory": directory}
    seen = evidence([sold], at_ms, config)
    by_name = {index.name: index for index in seen.engine.evaluation.indices}
    asked = ("plan_attainment", "1h"), ("margin_plan_attainment", "1h"), ("plan_attainment", "24h")
    texts = [
        explain(seen, configured(config)[0], ("office", "o", ""), by_name[name], window)["formula"]["text"]
        for name, window in asked
    ]
    assert [text.partition(" = ")[2] for text in texts] == [
        "0.024407",
        "no value: no margin was stated",
        "no value: some working time of the window lies in no plan",
    ]
    later = evidence([sold], at_ms + 13 * 3_600_000, config)
    told = explain(later, configured(config)[0], ("office", "o", ""), by_name["plan_attainment"], "24h")
    assert told["formula"]["text"].endswith("some working time of the window lies in no plan")


AT = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_what_is_missing_for_a_score_is_said():
    """The line without a fact has no share, and there is no value."""
    case = cases.load("hand-kpi")
    seen = evidence([json.loads(line) for line in case.lines], case.at_ms, case.config)
    index = next(each for each in seen.engine.evaluation.indices if each.name == "kpi_score")
    configuration, _ = configured(case.config)
    told = explain(seen, configuration, ("employee", "riga-1", "dace"), index, "24h")
    assert (told["value"], told["base"]) == (None, 1)
    assert told["formula"]["text"] == "0.5 x no value + 0.3 x 1 + 0.2 x no value = no value"
    elsewhere = explain(seen, configuration, ("employee", "riga-1", "carl"), index, "1h")
    assert (elsewhere["value"], elsewhere["lines"]) == (None, [])
    assert explain(seen, configuration, ("employee", "riga-1", "nobody"), index, "1h")["value"] is None
    assert len(topics_of(index)) > 5
