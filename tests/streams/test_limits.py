"""What every field of every event type takes, and what is just beyond."""

import json

import pytest

from streams.events import EVENT_NAMES
from streams.refusals import REASONS
from tests.streams.specimens import COMMON, SPECIMENS, alone, event, message


class Raw(str):
    """A value that stands in the message as it is written here."""

    __slots__ = ()


ID_GOOD = ("x", "x" * 128, "\U0001f600" * 128, "\u00a0", "a b", "\u2028", Raw('"\\u00e9\\/"'), "[{}]")
ID_BAD = (
    "",
    "x" * 129,
    "\U0001f600" * 129,
    1,
    True,
    [],
    {},
    ["x"],
    "\n",
    "a\x00",
    "\x1f",
    "\x7f",
    "\x80b",
    "\x9f",
    Raw('"\\u0085"'),
)
TIME_GOOD = (0, 2**53 - 1, "2020-09-13T12:26:40Z", "1970-01-01T02:00:00.0009+02:00", "2016-12-31T23:59:60Z")
TIME_BAD = (
    -1,
    2**53,
    Raw("9" * 400),
    Raw("0.0"),
    Raw("1e3"),
    1.5,
    True,
    "",
    "0",
    "2020-09-13",
    "2020-09-13T12:26:40",
    [],
)
TIME_BAD += (
    "1969-12-31T23:59:59.999Z",
    "2020-02-30T00:00:00Z",
    "2020-09-13 12:26:40Z",
    "2020-09-13T12:26:40Z\n",
    Raw("1e400"),
)
INTEGER_GOOD = (0, -1, 2**63 - 1, -(2**63), Raw("-0"))
INTEGER_BAD = (2**63, -(2**63) - 1, 1.0, 0.5, Raw("1e2"), Raw("1e400"), "1", True, [])
SECONDS_GOOD = (0, 10_000_000, 1e7, 0.001, Raw("-0.0"), Raw("1e-400"), Raw("1E2"))
SECONDS_BAD = (-0.001, 10_000_000.001, 10_000_001, Raw("1e400"), Raw("9" * 400), "1", True, [], -1)
TEXT_GOOD = ("", "x" * 1000, "\x00\n\x85", "\U0001f600")
TEXT_BAD = (1, False, [], {})
IDS_GOOD = ([], ["x"], ["x", "x"], ["x" * 128])
IDS_BAD = ("x", {}, [None], [1], [""], ["x" * 129], ["x", "\x07"], [["x"]], 1)


def words(*good):
    """Return values for an enumeration: those that it has, and others."""
    return good, ("", good[0].upper(), good[0] + " ", 1, True, [good[0]], {})


ID, TIME, INTEGER, SECONDS = (
    (ID_GOOD, ID_BAD),
    (TIME_GOOD, TIME_BAD),
    (INTEGER_GOOD, INTEGER_BAD),
    (SECONDS_GOOD, SECONDS_BAD),
)
TEXT, IDS = (TEXT_GOOD, TEXT_BAD), (IDS_GOOD, IDS_BAD)
LIMITS = {
    **{(name, field): ID for name in EVENT_NAMES for field in ("event_id", "office_id")},
    **{(name, "ts"): TIME for name in EVENT_NAMES},
    ("shift", "end_ts"): TIME,
    ("seller_press", "panel_id"): ID,
    ("seller_press", "employee_id"): ID,
    ("seller_press", "hold_ms"): ((0, 2**63 - 1), (*INTEGER_BAD, -1)),
    ("seller_press", "question"): words("personnel", "office", "loyalty"),
    ("customer_press", "panel_id"): ID,
    ("customer_press", "answer"): words("yes", "no", "hard_to_say"),
    ("verdict", "target"): words("survey", "force_majeure"),
    ("verdict", "target_id"): ID,
    ("verdict", "reliable"): ((True, False, 1, 0), (2, -1, 1.0, 0.0, "true", "1", [])),
    ("verdict", "expert_id"): ID,
    ("verdict", "from"): ((1_600_000_900_000, "2020-09-13T12:30:00Z"), (*TIME_BAD, 1_600_000_900_001, 0)),
    ("verdict", "to"): ((1_600_000_000_000, "2020-09-13T12:30:00Z"), (*TIME_BAD, 1_599_999_999_999, 2**53 - 1)),
    ("verdict", "scope"): words("panel", "office"),
    ("verdict", "note"): TEXT,
    ("call", "direction"): words("inbound", "outbound", "internal"),
    ("call", "disposition"): words("answered", "abandoned", "no_answer", "busy", "failed"),
    **{("call", field): SECONDS for field in ("wait_s", "talk_s", "hold_s", "wrap_s")},
    **{("call", field): ID for field in ("queue", "employee_id", "client_id")},
    ("call", "recording_url"): TEXT,
    **{("sale", field): INTEGER for field in ("amount_minor", "margin_minor", "positions")},
    **{("sale", field): ID for field in ("currency", "employee_id", "client_id", "category")},
    ("visit", "count"): INTEGER,
    ("visit", "counter_id"): ID,
    ("rating", "metric"): (("nps", "csat", "ces"), words("nps")[1]),
    ("rating", "score"): ((1, 5), (0, 6, -1, 1.0, "5", True, 2**63)),
    ("rating", "client_id"): ID,
    ("rating", "employee_ids"): IDS,
    ("rating", "occasion"): words("regular", "leaving"),
    ("rating", "comment"): TEXT,
    **{("request", field): ID for field in ("request_id", "priority", "employee_id", "client_id")},
    ("request", "stage"): words("opened", "first_response", "on_site", "resolved", "cancelled"),
    ("shift", "employee_id"): ID,
    ("shift", "kind"): words("work", "break", "training", "leave"),
    ("peer_rating", "from_department"): ID,
    ("peer_rating", "to_department"): ID,
    ("peer_rating", "scores"): (
        ({}, {"a": 1}, {"a" * 128: 10}, {"a": None}, {"": None}, {"\n": None}, Raw('{"a":"x","a":1}'), Raw('{"a":11, "a" : null}')),
        (1, "x", [], [["a", 1]], {"a": 0}, {"a": 11}, {"a": 1.0}, {"a": True}, {"a": "1"}, {"": 1}, {"a" * 129: 1}, {"\n": 1},
         Raw('{"a":1,"a":11}'), {"a": {}}),
    ),
    ("peer_rating", "comment"): TEXT,
    ("peer_rating", "vote_employee_ids"): ((*IDS_GOOD, ["x"] * 5), (*IDS_BAD, ["x"] * 6)),
}  # fmt: skip


def with_value(name, field, value):
    """Return a message whose field has a value, given as such or raw."""
    changed = json.dumps(event(name) | {field: "HERE"}, ensure_ascii=False)
    text = value if isinstance(value, Raw) else json.dumps(value, ensure_ascii=False)
    return changed.replace('"HERE"', text).encode()


@pytest.mark.parametrize(("name", "field"), LIMITS, ids=map(".".join, LIMITS))
def test_limits(name, field):
    """Every field takes the values that the contract gives it and refuses the next ones as bad_value."""
    good, bad = LIMITS[name, field]
    for value in good:
        assert alone(with_value(name, field, value))[0] not in REASONS, value
    for value in bad:
        assert alone(with_value(name, field, value)) == ("bad_value", None), value


def test_every_field_has_limits():
    """No field was forgotten above."""
    assert LIMITS.keys() == {(name, field) for name in EVENT_NAMES for field in COMMON.keys() | SPECIMENS[name].keys()}


@pytest.mark.parametrize(("metric", "lowest", "highest"), [("nps", 0, 10), ("csat", 1, 5), ("ces", 1, 7)])
def test_scores(metric, lowest, highest):
    """A score lies on the scale of its metric, both ends included."""
    for score in range(-1, 12):
        found, _ = alone(message("rating", metric=metric, score=score))
        assert (found == "bad_value") is not (lowest <= score <= highest)


def test_verdict_interval():
    """The ends of a force majeure are at most the longest window apart, however they are written."""
    from_ms = 1_600_000_000_000
    for written in (from_ms, "2020-09-13T12:26:40Z"):
        for longest_ms in (900_000, 30 * 86_400_000):
            good = message("verdict", from_=written, to=from_ms + longest_ms)
            assert alone(good, longest_window_ms=longest_ms)[1] == COMMON["ts"]
            bad = message("verdict", from_=written, to=from_ms + longest_ms + 1)
            assert alone(bad, longest_window_ms=longest_ms) == ("bad_value", None)
    assert alone(message("verdict", from_=None, to=0))[1] == COMMON["ts"]
    assert alone(message("verdict", from_=2**53 - 1, to=None))[1] == COMMON["ts"]
    assert alone(message("verdict", target="survey", from_=1, to=0)) == ("bad_value", None)
