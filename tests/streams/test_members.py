"""Rows for everyone who took part in what a rating is about."""

import random

from kernels.layout import TAKING_PART
from streams.members import with_members
from tests.reference.companies import START_MS as T
from tests.streams.feeding import Feed, decoded
from tests.streams.happenings import rating, visit


def employees(events):
    """Kind and employee's name of every row."""
    found = decoded(events)
    rows = with_members(*found)
    data = found.buffer.tobytes()
    spans = zip(rows["kind"].tolist(), rows["employee_start"].tolist(), rows["employee_length"].tolist(), strict=True)
    return [(kind, data[start : start + length].decode()) for kind, start, length in spans]


def test_each_once_behind_their_rating():
    """However often they are named, in their order, in any script; other events stay where they are."""
    many = [f"employee-{number}" for number in range(400)]
    events = [
        visit(T),
        rating(T, employee_ids=["ann", "b\u00e9n", "ann"]),
        rating(T),
        rating(T, employee_ids=[]),
        visit(T),
        rating(T, employee_ids=many),
    ]
    assert employees(events) == [
        (5, ""),
        (6, ""),
        (TAKING_PART, "ann"),
        (TAKING_PART, "b\u00e9n"),
        (6, ""),
        (6, ""),
        (5, ""),
        (6, ""),
        *((TAKING_PART, name) for name in many),
    ]


def test_rows_without_ratings_are_handed_on():
    """They are not copied."""
    found = decoded([visit(T), rating(T)])
    assert with_members(*found) is found.rows


def test_a_rating_is_one_event():
    """However many took part: one applied, one duplicate, one id, and nobody twice."""
    events = [rating(T, employee_ids=["ann", "ben", "carl"]), rating(T, employee_ids=["ann"])]
    feed = Feed().feed(events * 2)
    assert (feed.partition.applied, feed.partition.duplicates) == (2, 2)
    answers = {row["employee_id"]: row["value"] for row in feed.rows if row["index"] == "nps_answers"}
    assert answers == {None: 2, "ann": 2, "ben": 1, "carl": 1}


def test_what_lies_ahead_is_held_with_them():
    """A rating ahead of now counts for everyone when its time has come."""
    feed = Feed(at_ms=T + 10).feed([rating(T + 5, employee_ids=["ann"])])
    feed.engine.until_ms = None
    feed.feed([rating(T + 20, employee_ids=["ann", "ben"]), visit(T + 20)])
    assert {row["employee_id"] for row in feed.rows} == {None, "ann"}
    feed.clock.now_ms = T + 20
    feed.step()
    answers = {row["employee_id"]: row["value"] for row in feed.rows if row["index"] == "nps_answers"}
    assert answers == {None: 2, "ann": 2, "ben": 1}


def test_any_order():
    """Ratings in any order and batches give the same."""
    chance = random.Random(1)
    people = ["ann", "ben", "carl", "dora"]
    events = [rating(T + n, score=n % 11, employee_ids=chance.sample(people, n % 5)) for n in range(40)]
    right = Feed().feed(events).rows
    for size in (1, 3, 100):
        chance.shuffle(events)
        assert Feed().feed(events, size).rows == right
