"""The ledger: which events are new, and what each kind of event comes to."""

import random

import numpy as np
import pytest

from kernels import layout, ledger
from kernels.events import ABANDONED_CALL, ANSWERED_CALL, INBOUND, OTHER_DIRECTION, OTHER_DISPOSITION
from kernels.layout import NONE
from tests.kernels.machine import (
    Machine,
    customer,
    fact,
    long_press,
    other,
    retention,
    rules,
    seller,
    verdict,
)

T = 10**12


def admitted(machine, texts, kind=4):
    """Which ids of a batch are new."""
    machine.reserve(ids=len(texts))
    rows, _ = machine.rows([other(T, text, kind) for text in texts])
    seen_rows = np.full(len(texts), 77, np.int32)
    before = machine.size("SEEN_IDS")
    known = ledger.admit(machine.tables, rows, seen_rows)
    new = seen_rows != NONE
    assert known == len(texts) - new.sum()
    assert seen_rows[new].tolist() == list(range(before, machine.size("SEEN_IDS")))
    return new.tolist()


def sizes_of(machine):
    """All sizes but the one that means nothing."""
    return np.delete(machine.tables.sizes, layout.TOUCHED).tolist()


def test_an_id_is_new_once():
    """Within a batch and over all of them, whatever the type."""
    chance = random.Random(1)
    machine = Machine()
    known = set()
    for kind in range(10):
        texts = [f"id-{chance.randrange(400)}" for _ in range(200)]
        expected = []
        for text in texts:
            expected.append(text not in known)
            known.add(text)
        assert admitted(machine, texts, kind) == expected
    assert machine.size("SEEN_IDS") == len(known)
    assert np.count_nonzero(machine.tables.seen_index) == len(known)


def test_an_id_of_another_office_is_another():
    """An id is unique within its office."""
    machine = Machine(panels=2, offices=2)
    assert machine.apply(seller(T, "s", 0), seller(T, "s", 1)) == 0
    assert machine.apply(customer(T, "s", 1), customer(T, "s", 0)) == 2
    assert machine.entry("s", 0)["row"] != machine.entry("s", 1)["row"]


def test_an_id_leads_to_the_row_that_it_has():
    """A short press to its own, a long one to a force majeure's; what else there is leads to none."""
    machine = Machine()
    machine.advance(T)
    machine.apply(
        customer(T, "c"),
        verdict(T, "v", layout.SURVEY_TARGET, "s", 0),
        seller(T, "s"),
        other(T, "x"),
        fact(layout.SALE, T, 5, "f"),
        long_press(T, "l", 0),
    )
    known = {text: (int(machine.entry(text)["kind"]), int(machine.entry(text)["row"])) for text in "cvsxfl"}
    assert known == dict.fromkeys("cvxf", (layout.SEEN, NONE)) | {
        "s": (layout.PRESS, 1),
        "l": (layout.FORCE_MAJEURE, 0),
    }
    assert machine.entry("unknown") is None
    assert machine.apply(*(other(T, text) for text in "cvsxfl")) == 6
    assert machine.entry("s")["kind"] == layout.PRESS


def test_what_is_known_has_no_effect():
    """Neither a repeat in the same batch nor one later, of whatever kind."""
    machine = Machine(panels=2)
    machine.advance(T)
    batch = [
        seller(T, "s"),
        customer(T + 1, "c", 0, layout.NO),
        long_press(T, "l", 0),
        verdict(T, "v", layout.SURVEY_TARGET, "s", 0),
        fact(layout.VISIT, T, 3, "f"),
    ]
    assert machine.apply(*batch, *batch) == 5
    before = machine.totals, sizes_of(machine), machine.roles()
    others = [event | {"ts_ms": T + 5, "place": -1 if event["kind"] > 2 else 1} for event in batch]
    assert machine.apply(*others, *batch) == 10
    assert (machine.totals == before[0]).all()
    assert sizes_of(machine) == before[1]
    assert machine.roles() == before[2] == {"s": "no", "c": "answer"}
    assert machine.roles(1) == {}


def test_an_id_keeps_its_second_and_its_type():
    """By which it is forgotten; what lies beyond 32 bits of seconds stands at their end."""
    machine = Machine()
    instants = {"early": 0, "now": T + 999, "edge": (2**32 - 1) * 1000, "late": 2**53 - 1}
    machine.apply(*(other(ts_ms, text, 6) for text, ts_ms in instants.items()))
    entries = {text: machine.entry(text) for text in instants}
    assert {text: int(entry["ts_s"]) for text, entry in entries.items()} == {
        "early": 0,
        "now": T // 1000,
        "edge": 2**32 - 1,
        "late": 2**32 - 1,
    }
    assert {int(entry["event_type"]) for entry in entries.values()} == {6}


@pytest.mark.parametrize("count", [1, 31, 32, 33, 64, 100])
def test_looking_ahead_changes_nothing(count):
    """Batches of any size find what was known, though their ids are looked up in advance."""
    machine = Machine()
    texts = [f"id-{number}" for number in range(count)]
    assert admitted(machine, texts) == [True] * count
    assert admitted(machine, texts[::-1]) == [False] * count


def test_a_press_is_long_from_the_limit_on():
    """Held as long as the rules say or longer, it declares a force majeure and is no survey."""
    machine = Machine(rules(15, long_press_ms=1234))
    machine.apply(
        *(seller(T, text) | {"amount": hold_ms} for text, hold_ms in (("a", 1233), ("b", 1234), ("c", 2**62)))
    )
    assert [text for text, _ in machine.presses()] == ["a"]
    assert [int(machine.entry(text)["kind"]) for text in "abc"] == [layout.PRESS] + 2 * [layout.FORCE_MAJEURE]
    assert machine.size("BOUNCES") == 0


def test_a_press_that_names_no_question_asks_about_personnel():
    """The others ask what they name."""
    machine = Machine()
    questions = (NONE, layout.PERSONNEL, layout.OFFICE, layout.LOYALTY)
    machine.sellers(*((T + 2000 * at, f"s{at}", 0, 0, question) for at, question in enumerate(questions)))
    assert [int(press["choice"]) for _, press in machine.presses()] == [layout.PERSONNEL, *questions[1:]]


def test_a_press_keeps_what_it_was():
    """Every column of a row that was used before for something else."""
    machine = Machine(panels=3, employees=4)
    machine.sellers((T, "old", 2, 3, layout.LOYALTY))
    machine.customers((T + 1, "older", 2, layout.NO))
    machine.sweep(retention(press_ms=T + 10))
    assert machine.size("PRESSES") == 0
    machine.apply(customer(T + 5, "\u00e9", 1, layout.HARD_TO_SAY), seller(T + 7, "s", 1, 2, layout.OFFICE))
    (_, answer), (_, press) = machine.presses(1)
    fields = ("ts_ms", "panel", "employee", "kind", "choice", "accepted", "outcome", "revision", "code", "rejected")
    assert [int(answer[each]) for each in fields] == [
        *(T + 5, 1, NONE, layout.CUSTOMER, layout.HARD_TO_SAY, 0, layout.ORPHAN, 0, NONE, 0)
    ]
    assert [int(press[each]) for each in fields] == [
        *(T + 7, 1, 1 + 2, layout.SELLER, layout.OFFICE, 1, layout.UNDECIDED, 0, NONE, 0)
    ]
    assert (machine.text(answer), machine.text(press)) == ("\u00e9", "s")


def test_flags_say_what_a_call_counts_for():
    """By direction, disposition and wait, both limits with their edges."""
    offered, answered, in_time = layout.CALL_OFFERED, layout.CALL_ANSWERED, layout.CALL_IN_TIME
    late, short = layout.CALL_ABANDONED_LATE, layout.CALL_ABANDONED_SHORT
    expected = {
        (INBOUND, ANSWERED_CALL, 20_000): offered | answered | in_time,
        (INBOUND, ANSWERED_CALL, 20_001): offered | answered,
        (INBOUND, ABANDONED_CALL, 4999): offered | short,
        (INBOUND, ABANDONED_CALL, 5000): offered | late,
        (INBOUND, OTHER_DISPOSITION, 0): offered,
        (INBOUND, OTHER_DISPOSITION, 60_000): offered,
        (OTHER_DIRECTION, ANSWERED_CALL, 1000): answered | in_time,
        (OTHER_DIRECTION, ABANDONED_CALL, 9000): late,
        (OTHER_DIRECTION, ABANDONED_CALL, 0): short,
        (OTHER_DIRECTION, OTHER_DISPOSITION, 9000): 0,
    }
    machine = Machine(rules(15, service_level_ms=20_000, short_abandon_ms=5000))
    machine.advance(T)
    machine.calls(*((T, wait_ms, NONE, NONE, 0, 0, *what) for *what, wait_ms in expected))
    assert machine.tables.facts["flags"][: machine.size("FACTS")].tolist() == list(expected.values())


def test_a_fact_keeps_what_it_was():
    """A sale that states its margin keeps that; it and a visit have nothing else that only a call has."""
    machine = Machine(employees=3)
    machine.advance(T)
    machine.apply(
        fact(layout.CALL, T - 1, 7000, "a", 0, 1, 2, first_ms=50, second_ms=40, flag=INBOUND, code=ANSWERED_CALL),
        fact(layout.SALE, T - 2, -(2**63), "b", 0, 3),
        fact(layout.VISIT, T, 2**63 - 1, "c"),
        fact(layout.SALE, T, 1, "d", 0, NONE, 2, first_ms=-9, code=1),
    )
    fields = ("ts_ms", "amount", "handle_ms", "talk_ms", "office", "employee", "queue", "kind", "flags")
    held = [tuple(int(row[each]) for each in fields) for row in machine.tables.facts[:4]]
    assert held == [
        (T - 1, 7000, 50, 40, 0, 1, 2, layout.CALL, 7),
        (T - 2, -(2**63), 0, 0, 0, 3, NONE, layout.SALE, 0),
        (T, 2**63 - 1, 0, 0, 0, NONE, NONE, layout.VISIT, 0),
        (T, 1, -9, 0, 0, NONE, 2, layout.SALE, 1),
    ]


def test_facts_out_of_reach_are_not_kept():
    """They can never count again."""
    machine = Machine()
    machine.advance(T)
    machine.facts(layout.SALE, (T - 3_600_000 - 60_000, 5), (T, 7))
    assert machine.size("FACTS") == 1
    assert machine.tables.facts[0]["amount"] == 7


def test_events_without_indices_are_only_remembered():
    """They take no row but that of their id."""
    machine = Machine()
    before = sizes_of(machine)
    machine.apply(other(T, "o8"), other(T, "again"))
    before[layout.SEEN_IDS] += 2
    assert sizes_of(machine) == before


def test_a_batch_of_every_kind_is_applied_in_its_order():
    """A verdict finds the press before it, and the press after it finds the verdict."""
    machine = Machine()
    machine.advance(T + 5)
    machine.apply(
        seller(T, "s"),
        verdict(T, "v", layout.SURVEY_TARGET, "s", 0),
        verdict(T, "w", layout.SURVEY_TARGET, "t", 0),
        fact(layout.VISIT, T, 1, "f"),
        seller(T + 2000, "t"),
        long_press(T, "l", 0),
        verdict(T, "x", layout.FORCE_MAJEURE_TARGET, "l", 1),
        seller(T + 4000, "u"),
    )
    marks = {text: (int(press["rejected"]), int(press["in_force_majeure"])) for text, press in machine.presses()}
    assert marks == {"s": (1, 1), "t": (1, 1), "u": (0, 1)}
    assert machine.totals[0, 0, layout.VISITS] == 1


def test_changes_are_taken_once():
    """Those that end as they began are none."""
    machine = Machine()
    machine.sellers((T, "s"), (T + 40_000, "t"))
    machine.customers((T, "c"))
    machine.verdict(T, "v", layout.SURVEY_TARGET, "s", 0)
    assert machine.changes() == ["s"]
    assert machine.changes() == []
    machine.verdict(T + 1, "w", layout.SURVEY_TARGET, "s", 1)
    machine.verdict(T + 2, "x", layout.SURVEY_TARGET, "s", 0)
    assert machine.changes() == []
    machine.verdict(T + 3, "y", layout.SURVEY_TARGET, "s", 1)
    assert machine.changes() == ["s"]
