"""Rows of a replay: which there are, and that sums are exact."""

import math

import pytest

from streams.results import rows
from streams.trust import DIAGNOSES
from tests.reference import cases, method
from tests.reference.companies import START_MS
from tests.streams.feeding import Feed
from tests.streams.happenings import answer, call, press, sale, verdict, visit

T = START_MS
LARGEST = 2**63 - 1
SMALLEST = -(2**63)


def office(feed, index, window="1h"):
    """The value and the base of an office's index."""
    (row,) = [row for row in feed.rows if (row["scope"], row["index"], row["window"]) == ("office", index, window)]
    return row["value"], row["base"]


@pytest.mark.parametrize(
    "amounts",
    [
        [LARGEST] * 9,
        [SMALLEST] * 9,
        [LARGEST, LARGEST, SMALLEST, 1, 1],
        [2**53, 1, -3, -(2**53)],
        [-1] * 5,
        [1, 2**32, -(2**32) - 1, 2**31, 2**33 - 1],
    ],
)
def test_sums_of_64_bit_amounts_are_exact(amounts):
    """Revenue and visitors are integers to the last unit, however large, in any order."""
    events = [sale(T, amount_minor=amount) for amount in amounts] + [visit(T, count=amount) for amount in amounts]
    for order in (events, events[::-1]):
        feed = Feed().feed(order, 2)
        assert office(feed, "revenue") == (sum(amounts), len(amounts))
        assert office(feed, "visitor_coverage")[1] == sum(amounts)
        assert cases.differences(feed.rows, method.indices(events, T)) == []


@pytest.mark.parametrize("window", ["1h", "30d"])
def test_durations_are_exact(window):
    """Sums of durations are of whole milliseconds, half of one to the even side."""
    calls = [call(T, wait_s=0.0005, talk_s=0.0015, wrap_s=0.0025), call(T, wait_s=1e7, talk_s=1e7, hold_s=1e7)]
    feed = Feed().feed(calls)
    assert office(feed, "talk_s", window) == (10_000_000.002, 2)
    assert office(feed, "average_speed_of_answer_s", window) == (5_000_000.0, 2)
    assert office(feed, "average_handle_time_s", window) == (20_000_000.004 / 2, 2)


def test_rows_stand_in_order():
    """Offices by name, of each its own rows, then its employees', then its queues', windows and indices as configured."""
    events = []
    for name in ("b", "a"):
        events += [
            call(T, office_id=name, queue="z", employee_id="y"),
            press(T, office_id=name, employee_id="x"),
            answer(T + 1, office_id=name),
        ]
    feed = Feed({"windows": ["1h", "15m"]}).feed(events)
    places = [(row["office_id"], row["scope"], row["employee_id"], row.get("queue")) for row in feed.rows]
    entities = list(dict.fromkeys(places))
    assert entities == [
        (name, *rest)
        for name in ("a", "b")
        for rest in (
            ("office", None, None),
            ("employee", "x", None),
            ("employee", "y", None),
            ("queue", None, "z"),
        )
    ]
    assert [row["window"] for row in feed.rows if row["scope"] == "queue"] == (["1h"] * 12 + ["15m"] * 12) * 2
    of_offices = [index.name for index in feed.engine.evaluation.indices if "office" in index.scopes]
    assert [row["index"] for row in feed.rows][: len(of_offices)] == of_offices


def test_a_scope_that_saw_nothing_has_no_rows():
    """Rejected and undecided surveys count nowhere, so whoever has no others has no rows."""
    rejected = press(T, employee_id="rejected")
    events = [rejected, answer(T + 1), verdict(T + 2, rejected, 0), press(T + 5000, employee_id="undecided")]
    assert Feed({}, T + 6000).feed(events).rows == []


def test_values_are_finite_numbers_or_null():
    """No row holds NaN or an infinity, counts and money are integers, and a diagnosis is a word."""
    feed = Feed().feed([visit(T, count=0), sale(T, amount_minor=-5), call(T, disposition="busy")])
    for row in rows(feed.engine, feed.partition):
        if row["index"] == "diagnosis":
            assert row["value"] in DIAGNOSES
        else:
            assert row["value"] is None or math.isfinite(row["value"])
        assert isinstance(row["base"], int)
    assert office(feed, "visitor_coverage") == (None, 0)
    assert office(feed, "average_ticket") == (None, 0)
    assert isinstance(office(feed, "revenue")[0], int)
