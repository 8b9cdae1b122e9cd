"""Columns of events: numbers only, each field by what it means."""

import numpy as np
import pytest

from kernels import layout
from kernels.identity import hash_bytes
from streams import events
from streams.columns import Limits, to_columns
from streams.decode import decode
from streams.names import Names
from tests.streams.feeding import encoded
from tests.streams.happenings import answer, call, press, rating, sale, verdict, visit

T = 1_800_000_000_000
LIMITS = Limits(service_level_ms=20_000, short_abandon_ms=5000)


def columns(kind, happenings, names=None):
    """The batch of events of one kind."""
    return to_columns(kind, decode(encoded(happenings)).groups[kind], names or Names(), LIMITS)


def test_ids_lie_end_to_end_as_utf_8():
    """Starts and lengths are of bytes, and the hash is of them, the office's number being the seed."""
    names = Names()
    texts = ["plain", "\u00e9", "\U0001f600x", "last"]
    batch = columns(events.CUSTOMER_PRESS, [answer(T, event_id=text, office_id=f"o-{text}") for text in texts], names)
    for number, text in enumerate(texts):
        start, length = batch.columns.id_starts[number], batch.columns.id_lengths[number]
        assert batch.id_data[start : start + length].tobytes() == text.encode()
        expected = hash_bytes(batch.id_data, start, length, names.offices[f"o-{text}"])
        assert tuple(batch.columns.hashes[number]) == expected


def test_one_id_in_two_offices_is_two():
    """An id is unique per office."""
    batch = columns(events.CUSTOMER_PRESS, [answer(T, event_id="x"), answer(T, event_id="x", office_id="other")])
    assert batch.columns.hashes[0].tolist() != batch.columns.hashes[1].tolist()


def test_a_target_is_hashed_like_the_press_it_means():
    """Within its office."""
    names = Names()
    survey = press(T, event_id="s\u00e9", office_id="o")
    hashes = columns(events.SELLER_PRESS, [press(T), survey], names).columns.hashes
    targets = columns(events.VERDICT, [verdict(T, survey, 1)], names).columns.target_hashes
    assert targets[0].tolist() == hashes[1].tolist()


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
    given = columns(
        events.CALL, [call(T, wait_s=seconds, talk_s=seconds, hold_s=seconds), call(T, wait_s=0, wrap_s=seconds)]
    )
    assert given.columns.amounts.tolist() == [milliseconds, 0]
    assert given.columns.talk_ms.tolist() == [milliseconds, 0]
    assert given.columns.handle_ms.tolist() == [2 * milliseconds, milliseconds]


def test_flags_say_what_a_call_counts_for():
    """By direction, disposition and wait, both limits with their edges."""
    offered, answered, in_time = layout.CALL_OFFERED, layout.CALL_ANSWERED, layout.CALL_IN_TIME
    late, short = layout.CALL_ABANDONED_LATE, layout.CALL_ABANDONED_SHORT
    expected = {
        ("inbound", "answered", 20): offered | answered | in_time,
        ("inbound", "answered", 20.0006): offered | answered,
        ("inbound", "abandoned", 4.9994): offered | short,
        ("inbound", "abandoned", 5): offered | late,
        ("inbound", "busy", 0): offered,
        ("inbound", "no_answer", 60): offered,
        ("inbound", "failed", 0): offered,
        ("outbound", "answered", 1): answered | in_time,
        ("internal", "abandoned", 9): late,
        ("outbound", "no_answer", 9): 0,
    }
    calls = [call(T, direction=direction, disposition=what, wait_s=wait_s) for direction, what, wait_s in expected]
    assert columns(events.CALL, calls).columns.flags.tolist() == list(expected.values())


def test_ends_of_a_force_majeure_may_be_texts_or_absent():
    """As any instant."""
    long = press(T, hold_ms=3000)
    ends = [{}, {"from": T}, {"to": "2027-01-15T08:00:00Z"}, {"from": T - 1, "to": T}]
    given = columns(events.VERDICT, [verdict(T, long, 1, **each) for each in ends]).columns
    absent = layout.NOT_GIVEN
    assert given.from_ms.tolist() == [absent, T, absent, T - 1]
    assert given.to_ms.tolist() == [absent, absent, T, T]


def test_verdicts_by_their_codes():
    """Truth as 1 and 0 or as words of JSON; the panel where no scope is given."""
    given = columns(
        events.VERDICT,
        [
            verdict(T, press(T), 1),
            verdict(T, press(T), False),
            verdict(T, press(T, hold_ms=3000), True, scope="office"),
            verdict(T, press(T, hold_ms=3000), 0, scope="panel"),
        ],
    ).columns
    assert given.reliable.tolist() == [1, 0, 1, 0]
    assert given.targets.tolist() == [0, 0, 1, 1]
    assert given.scopes.tolist() == [0, 0, 1, 0]


def test_facts_know_to_whom_they_belong():
    """Entities of office, employee and queue; -1 where none is named."""
    names = Names()
    given = columns(events.CALL, [call(T), call(T, employee_id="ann", queue="help")], names).columns
    assert given.offices.tolist() == [0, 0]
    assert [names.entities.order[number] for number in (0, given.employees[1], given.queues[1])] == [
        ("office", "riga-1", ""),
        ("employee", "riga-1", "ann"),
        ("queue", "riga-1", "help"),
    ]
    assert (given.employees[0], given.queues[0]) == (-1, -1)


def test_amounts_are_64_bit():
    """Of sales and visits, a visit without a count being one visitor."""
    largest, smallest = 2**63 - 1, -(2**63)
    assert columns(events.SALE, [sale(T, amount_minor=n) for n in (largest, smallest)]).columns.amounts.tolist() == [
        largest,
        smallest,
    ]
    assert columns(events.VISIT, [visit(T, count=largest), visit(T)]).columns.amounts.tolist() == [largest, 1]


def test_a_batch_is_cut_by_a_mask():
    """All columns alike; the ids' bytes stay where they are."""
    batch = columns(events.SELLER_PRESS, [press(T, question=question) for question in (None, "office", "loyalty")])
    cut = batch.cut(np.array([True, False, True]))
    assert {len(column) for column in cut.columns} == {2}
    assert cut.columns.questions.tolist() == [layout.PERSONNEL, layout.LOYALTY]
    assert cut.columns.id_starts.tolist() == batch.columns.id_starts[[0, 2]].tolist()
    assert cut.id_data is batch.id_data


def test_types_without_indices_are_known_by_their_ids():
    """And make their office an entity."""
    names = Names()
    batch = columns(events.RATING, [rating(T), rating(T + 1)], names)
    assert batch.columns.ts_ms.tolist() == [T, T + 1]
    assert batch.columns.hashes.shape == (2, 2)
    assert names.entities.order == [("office", "riga-1", "")]
