"""The ledger of ids: what is new, what was seen."""

import random

import numpy as np

from kernels import layout, ledger
from tests.kernels.machine import Machine

T = 10**12


def admitted(machine, texts, kind=4):
    """Which ids of a batch are new."""
    machine.reserve(ids=len(texts))
    hashes, *_ = machine.named(texts, [0] * len(texts))
    return ledger.admit(machine.tables, hashes, np.full(len(texts), T), kind).tolist()


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
    assert machine.size("INDEX") == len(known)


def test_an_id_that_was_seen_leads_to_no_row():
    """Until a press or a force majeure takes it."""
    machine = Machine()
    assert admitted(machine, ["s", "l", "x"]) == [True] * 3
    machine.sellers((T, "s"))
    machine.long((T, "l", 0))
    kinds = [(int(machine.entry(text)["kind"]), int(machine.entry(text)["row"])) for text in "slx"]
    assert kinds == [(layout.PRESS, 0), (layout.FORCE_MAJEURE, 0), (layout.SEEN, layout.NONE)]
    assert machine.entry("unknown") is None
    assert admitted(machine, ["s", "l", "x"]) == [False] * 3
    assert machine.entry("s")["kind"] == layout.PRESS


def test_facts_out_of_reach_are_not_kept():
    """They can never count again."""
    machine = Machine()
    machine.advance(T)
    machine.facts(layout.SALE, (T - 3_600_000 - 60_000, 5), (T, 7))
    assert machine.size("FACTS") == 1
    assert machine.tables.facts[0]["amount"] == 7


def test_changes_are_taken_once():
    """Those that end as they began are none."""
    machine = Machine()
    machine.sellers((T, "s"), (T + 40_000, "t"))
    machine.customers((T, "c"))
    machine.verdict(T, "v", layout.SURVEY_TARGET, "s", 0)
    assert ledger.take_changes(machine.tables).tolist() == [0]
    assert ledger.take_changes(machine.tables).tolist() == []
    machine.verdict(T + 1, "w", layout.SURVEY_TARGET, "s", 1)
    machine.verdict(T + 2, "x", layout.SURVEY_TARGET, "s", 0)
    assert ledger.take_changes(machine.tables).tolist() == []
    machine.verdict(T + 3, "y", layout.SURVEY_TARGET, "s", 1)
    assert ledger.take_changes(machine.tables).tolist() == [0]
