"""Rows of structs: numbers and texts, each field by what it means."""

import numpy as np
import pytest

from kernels.layout import NOT_GIVEN
from streams import events
from streams.rows import Texts, to_rows
from streams.structs import decode_structs
from tests.reference import contract
from tests.streams.feeding import encoded
from tests.streams.happenings import answer, call, press, rating, sale, verdict, visit
from tests.streams.specimens import as_read, message, row_of

T = 1_800_000_000_000


def rows_of(kind, happenings, start=0):
    """The rows of events of one kind."""
    return to_rows(kind, decode_structs(encoded(happenings)).groups[kind], Texts(start))


def test_texts_lie_end_to_end_as_utf_8():
    """Behind what the buffer has already, lengths in bytes; a text that is absent has none."""
    texts = Texts(100)
    assert [column.tolist() for column in texts.add(["plain", None, "\u00e9"])] == [[100, 0, 105], [5, 0, 2]]
    assert [column.tolist() for column in texts.add([])] == [[], []]
    assert [column.tolist() for column in texts.add(["\U0001f600", "x"])] == [[107, 111], [4, 1]]
    assert texts.joined().tobytes() == "plain\u00e9\U0001f600x".encode()


@pytest.mark.parametrize("kind", range(len(events.EVENT_TYPES)))
def test_every_kind(kind):
    """As the reference has it, with all of its fields."""
    value = message(events.EVENT_NAMES[kind])
    texts = Texts(0)
    rows = to_rows(kind, decode_structs([value]).groups[kind], texts)
    assert as_read(rows, texts.joined()) == {0: row_of(contract.judge(value)[0])}


def test_positions_are_the_groups():
    """By the place of each in its batch."""
    assert rows_of(events.VISIT, [answer(T), visit(T), press(T), visit(T)])["position"].tolist() == [1, 3]


@pytest.mark.parametrize(
    ("seconds", "milliseconds"),
    [
        (0, 0),
        (0.0004, 0),
        (0.0005, 0),
        (0.0015, 2),
        (0.0025, 2),
        (4.9995, 5000),
        (1e7, 10**10),
        (61.25, 61_250),
        (0.1, 100),
    ],
)
def test_durations_are_whole_milliseconds(seconds, milliseconds):
    """Half to the even one, as Python rounds; those not given are 0."""
    assert milliseconds == round(seconds * 1000)
    calls = [call(T, wait_s=seconds, talk_s=seconds, hold_s=seconds), call(T, wait_s=0, wrap_s=seconds)]
    rows = rows_of(events.CALL, calls)
    assert rows["amount"].tolist() == [milliseconds, 0]
    assert rows["second_ms"].tolist() == [milliseconds, 0]
    assert rows["first_ms"].tolist() == [2 * milliseconds, milliseconds]


def test_calls_by_direction_and_disposition():
    """What no index tells apart shares a code."""
    directions = rows_of(events.CALL, [call(T, direction=name) for name in ("inbound", "outbound", "internal")])
    assert directions["flag"].tolist() == [1, 0, 0]
    names = ("answered", "abandoned", "no_answer", "busy", "failed")
    dispositions = rows_of(events.CALL, [call(T, disposition=name) for name in names])
    assert dispositions["code"].tolist() == [1, 2, 0, 0, 0]


def test_ends_of_a_force_majeure_may_be_texts_or_absent():
    """As any instant."""
    long = press(T, hold_ms=3000)
    ends = [{}, {"from": T}, {"to": "2027-01-15T08:00:00Z"}, {"from": T - 1, "to": T}]
    rows = rows_of(events.VERDICT, [verdict(T, long, 1, **each) for each in ends])
    assert rows["first_ms"].tolist() == [NOT_GIVEN, T, NOT_GIVEN, T - 1]
    assert rows["second_ms"].tolist() == [NOT_GIVEN, NOT_GIVEN, T, T]


def test_verdicts_by_their_codes():
    """Truth as 1 and 0 or as words of JSON; the panel where no scope is given."""
    long = press(T, hold_ms=3000)
    verdicts = [
        verdict(T, press(T), 1),
        verdict(T, press(T), False),
        verdict(T, long, True, scope="office"),
        verdict(T, long, 0, scope="panel"),
    ]
    rows = rows_of(events.VERDICT, verdicts)
    assert rows["flag"].tolist() == [1, 0, 1, 0]
    assert rows["code"].tolist() == [0, 0, 1, 1]
    assert rows["scope"].tolist() == [0, 0, 1, 0]


def test_a_question_that_is_not_named_is_told():
    """Which one it then is is not for the decoder to say."""
    rows = rows_of(events.SELLER_PRESS, [press(T, question=name) for name in (None, "personnel", "office", "loyalty")])
    assert rows["code"].tolist() == [-1, 0, 1, 2]


def test_margins_are_told_where_they_are_stated():
    """A margin of 0 is one; of 64 bits, too."""
    sales = [sale(T), *(sale(T, margin_minor=margin) for margin in (0, -(2**63), 2**63 - 1))]
    rows = rows_of(events.SALE, sales)
    assert rows["code"].tolist() == [0, 1, 1, 1]
    assert rows["first_ms"].tolist() == [0, 0, -(2**63), 2**63 - 1]


def test_amounts_are_64_bit():
    """Of sales and visits, a visit without a count being one visitor."""
    extremes = [2**63 - 1, -(2**63)]
    assert rows_of(events.SALE, [sale(T, amount_minor=amount) for amount in extremes])["amount"].tolist() == extremes
    assert rows_of(events.VISIT, [visit(T, count=extremes[0]), visit(T)])["amount"].tolist() == [extremes[0], 1]


def test_types_without_indices_are_known_by_their_ids():
    """And by their offices; nothing else of them is kept."""
    rows = rows_of(events.RATING, [rating(T), rating(T + 1)])
    assert rows["ts_ms"].tolist() == [T, T + 1]
    assert np.unique(rows["id_length"]).tolist() != [0]
    assert not rows["place_length"].any()
