"""Tables as plain arrays, and back; and finding a press in them by its id."""

import numpy as np
import pytest

from kernels import layout
from kernels.images import parts_of, tables_of
from kernels.ledger import take_changes
from kernels.lookup import find_presses
from tests.kernels.busy import T, busy, state
from tests.kernels.machine import Machine

FOLLOWS = {"changed", "dirty", "seen_index", "verdict_index", "client_index", "request_index"}  # from the rest


def parts(machine):
    """Copies of the parts of a machine's tables, as a checkpoint would have them."""
    take_changes(machine.tables, np.empty(machine.size("CHANGED"), np.int32))
    return {name: part.copy() for name, part in parts_of(machine.tables, machine.offices, machine.entities).items()}


def test_tables_that_come_back_are_the_same():
    """Every part is what it was, and nothing else is in them."""
    machine = busy()
    taken = parts(machine)
    assert {*taken, *FOLLOWS} == set(layout.Tables._fields)
    before = state(machine)
    machine.tables = tables_of({name: part.copy() for name, part in taken.items()}, machine.rules)
    assert state(machine) == before
    for name, part in parts(machine).items():
        assert np.array_equal(part, taken[name]), name


def test_they_go_on_as_the_others_would():
    """What comes afterwards has the same effect: ids are known, presses are paired, verdicts find their targets."""
    machines = busy(), busy()
    machines[1].tables = tables_of(parts(machines[1]), machines[1].rules)
    for machine in machines:
        machine.sellers((T + 5000, "s0-1", 0), (T + 450, "late", 0), (T + 2_000_000, "new", 1))
        machine.verdict(T + 1, "v4", layout.SURVEY_TARGET, "s1-8", 0)
        machine.verdict(T + 1, "v5", layout.FORCE_MAJEURE_TARGET, "l1", 0)
        machine.advance(T + 3_000_000)
    assert state(machines[0]) == state(machines[1])


@pytest.mark.parametrize("broken", ["missing", "unknown", "longer", "of another type", "counted otherwise"])
def test_what_does_not_fit_is_refused(broken):
    """Parts that are not those of a state are no tables."""
    machine = busy()
    taken = parts(machine)
    if broken == "missing":
        del taken["facts"]
    elif broken == "unknown":
        taken["more"] = taken["facts"]
    elif broken == "longer":
        taken["press_calendar"] = np.concatenate([taken["press_calendar"]] * 2)
    elif broken == "of another type":
        taken["sequence"] = taken["sequence"].astype(np.int64)
    else:
        taken["presses"] = taken["presses"][:-1].copy()
    with pytest.raises(ValueError, match=r"its parts are not|have the shape|where it counts"):
        tables_of(taken, machine.rules)


def test_presses_are_found_by_their_ids():
    """In their offices, and nowhere else; what is no press is not found."""
    machine = Machine(panels=2, offices=2)
    machine.sellers((T, "one", 0), (T, "two", 1))
    machine.long((T, "long", 0))

    def found(*wanted):
        offices = np.array([office for office, _ in wanted], np.int32)
        ids = [text.encode() for _, text in wanted]
        ends = np.cumsum([len(each) for each in ids], dtype=np.int64)
        rows = np.empty(len(wanted), np.int32)
        find_presses(machine.tables, offices, np.frombuffer(b"".join(ids), np.uint8), ends, rows)
        return [None if row == layout.NONE else int(machine.tables.presses[row]["panel"]) for row in rows]

    assert found((0, "one"), (1, "two")) == [0, 1]
    assert found((1, "one"), (0, "three"), (0, "one"), (0, "long"), (layout.NONE, "one")) == [None, None, 0, None, None]
