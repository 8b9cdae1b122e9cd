"""The sweep: what is kept, what is forgotten, and that nothing else changes."""

import numpy as np
import pytest

from kernels import layout
from kernels.layout import NONE, VISIT
from kernels.storage import Needs, reserve
from kernels.sweeping import count_kept
from tests.kernels.busy import SURVEY, T, busy, go_on, state
from tests.kernels.machine import Machine, other, retention, rules, seller, stage


def test_a_sweep_that_keeps_all_changes_nothing():
    """Nor does what comes after it: presses, verdicts, force majeures, silence and time find all as it was."""
    machines = busy(), busy()
    machines[1].sweep()
    for step in range(4):
        assert state(machines[0]) == state(machines[1])
        for machine in machines:
            go_on(machine, step)
        machines[1].sweep(ids=step)
    assert state(machines[0]) == state(machines[1])
    for machine in machines:
        machine.advance(T + 10**10)
        assert not machine.totals.any()


@pytest.mark.parametrize("survey_ms", [T, T + 198_000, T + 10**6])
@pytest.mark.parametrize("press_ms", [T + 10**6 + 1, T + 1 + 9000 * 100, T + 18_000 * 40 + 1000, T + 27_000 * 20 + 700])
def test_a_sweep_keeps_presses_by_their_instants(survey_ms, press_ms):
    """Accepted ones from one instant on, bounces and customers from another; the order of those that stay is theirs."""
    machine = busy()
    before = {panel: machine.presses(panel) for panel in range(3)}
    expected = {
        panel: [
            (text, int(press["ts_ms"]))
            for text, press in held
            if press["ts_ms"] >= (survey_ms if press["kind"] == layout.SELLER and press["accepted"] else press_ms)
        ]
        for panel, held in before.items()
    }
    machine.sweep(retention(press_ms=press_ms, survey_ms=survey_ms))
    assert {p: [(text, int(press["ts_ms"])) for text, press in machine.presses(p)] for p in range(3)} == expected
    assert machine.size("PRESSES") == sum(map(len, expected.values()))


def test_a_sweep_keeps_ids_by_type_and_those_of_rows():
    """An id is forgotten when it is too old and nothing that is kept has it; what remains leads to its row."""
    machine = busy()
    machine.apply(other(T + 10, "old"), other(T + 900_000, "young"))
    seen = retention(press_ms=T + 500_000, survey_ms=T + 400_000, force_majeure_ms=T + 250_000, seen_ms=T + 600_000)
    machine.sweep(seen)
    assert machine.entry("old") is None
    assert machine.entry("young")["kind"] == layout.SEEN
    for panel in range(3):
        for text, press in machine.presses(panel):
            if press["kind"] == layout.SELLER:
                row = machine.entry(text)["row"]
                assert machine.text(machine.tables.presses[row]) == text
    assert machine.entry("s0-1") is None
    assert machine.entry("l2")["kind"] == layout.FORCE_MAJEURE
    assert machine.tables.force_majeures[machine.entry("l2")["row"]]["ts_ms"] == T + 300_000
    assert np.count_nonzero(machine.tables.seen_index) == machine.size("SEEN_IDS")


def test_every_type_has_its_own_horizon():
    """Ids of one second and of two types: one is forgotten, the other not; a horizon within that second keeps them."""
    machine = Machine()
    for kind in range(10):  # presses, too, as if they had never been any
        machine.apply(other(T, f"id-{kind}"))
        machine.tables.seen["event_type"][kind] = kind
    kept = retention()
    kept.seen_ms[:] = T + 999
    machine.sweep(kept)
    assert machine.size("SEEN_IDS") == 10
    kept.seen_ms[::3] = T + 1000
    machine.sweep(kept)
    assert [machine.entry(f"id-{kind}") is None for kind in range(10)] == [kind % 3 == 0 for kind in range(10)]


def test_rows_that_were_used_before_begin_anew():
    """After everything was swept away, a press, a force majeure, a verdict, a fact and a request are as in tables that are new."""
    used, new = busy(), Machine(rules(1, 60), panels=3, offices=1, employees=2)
    new.advance(T + 10**6)
    used.apply(*(stage(T + 10**6, f"end{n}", n, layout.CANCELLED) for n in range(17)))  # what is open would stay
    ages = dict.fromkeys(("press_ms", "fact_ms", "request_ms", "verdict_ms", "force_majeure_ms"), T + 10**9)
    used.sweep(retention(**ages))
    used.tables.sizes[[layout.BOUNCES, layout.ANSWERS, layout.EXTRAS, layout.ORPHANS, layout.CHANGED]] = 0
    for machine in (used, new):
        machine.tables.survey_counts[:] = 0
        machine.tables.fact_sums[:] = 0
        machine.customers((T + 10**6, "c", 1))
        machine.sellers((T + 10**6, "s", 2, 1))
        machine.long((T + 10**6, "l", 2))
        machine.verdict(T, "v", SURVEY, "s", 0)
        machine.facts(VISIT, (T + 10**6, 7))
        machine.apply(stage(T + 10**6, "o", "r", layout.OPENED))
    sizes = {table: table.upper() for table in ("presses", "force_majeures", "verdicts", "facts", "requests")}
    for table, size in (sizes | {"stages": "STAGE_ROWS"}).items():
        count = new.size(size)
        assert getattr(used.tables, table)[:count].tolist() == getattr(new.tables, table)[:count].tolist()


def test_an_id_outlives_its_row_until_it_is_too_old():
    """A repeat of a press that was forgotten is still a repeat."""
    machine = busy()
    machine.sweep(retention(press_ms=T + 10**7, seen_ms=T))
    assert machine.apply(seller(T, "s0-0")) == 1
    entry = machine.entry("s0-0")
    assert (entry["kind"], entry["row"]) == (layout.SEEN, NONE)
    machine.verdict(T, "v", SURVEY, "s0-0", 0)  # and a verdict on it finds nothing


@pytest.mark.parametrize("kept", ["young", "target"])
def test_a_sweep_keeps_verdicts_that_may_matter(kept):
    """The young ones, and those on a press or force majeure that stays."""
    machine = busy()
    ages = {"verdict_ms": T + 10**9, "press_ms": T, "force_majeure_ms": T}
    if kept == "young":
        ages = {"verdict_ms": T, "press_ms": T + 10**9, "force_majeure_ms": T + 10**9}
    machine.sweep(retention(**ages))
    texts = {machine.text(row) for row in machine.tables.verdicts[: machine.size("VERDICTS")]}
    assert texts == ({"v0", "v1", "v2", "v3"} if kept == "young" else {"v0", "v1", "v2"})


def test_a_sweep_keeps_force_majeures_that_still_stand():
    """Old ones stay while they cover surveys that may be kept."""
    machine = busy()
    machine.sweep(retention(press_ms=T + 210_000, force_majeure_ms=T + 10**9))
    held = machine.tables.force_majeures[: machine.size("FORCE_MAJEURES")]
    assert held["ts_ms"].tolist() == [T + 200_000]
    assert machine.tables.offices[0]["first_standing"] == 0
    assert machine.tables.panels["first_standing"].tolist()[:3] == [NONE] * 3
    machine.sweep(retention(press_ms=T + 210_001, force_majeure_ms=T + 10**9))
    assert machine.size("FORCE_MAJEURES") == 0
    assert machine.tables.offices[0]["first_standing"] == NONE


def test_a_sweep_keeps_facts_by_their_instants():
    """And they leave their windows as they would have."""
    machine = busy()
    machine.sweep(retention(fact_ms=T + 500_000))
    assert machine.tables.facts["ts_ms"][: machine.size("FACTS")].min() == T + 500_000
    assert machine.size("FACTS") == 25


def test_an_open_survey_stays_open():
    """In the new rows' numbers, in line or in the heap."""
    machine = busy(panels=20)
    machine.sellers(*((T + 1_100_000 + panel * 37 % 20, f"last-{panel}", panel) for panel in range(20)))
    machine.sweep(retention(press_ms=T + 1_100_005))
    waiting = machine.waiting()
    assert sorted(waiting["ts_ms"] - T - 1_100_000) == list(range(5, 20))


def test_changes_survive_until_they_are_taken():
    """A sweep comes between steps, when no change is waiting; growth may come at any time."""
    machine = Machine()
    machine.sellers((T, "s"), (T + 2000, "t"))
    machine.tables = reserve(machine.tables, machine.rules, retention(), Needs(presses=10_000))
    assert machine.changes() == ["s"]


@pytest.mark.parametrize(
    "ages",
    [
        {"press_ms": T + 500_000, "survey_ms": T + 300_000, "fact_ms": T + 400_000, "force_majeure_ms": T + 250_000},
        {"press_ms": T + 10**9, "force_majeure_ms": T + 10**9, "survey_ms": T + 10**9},
        {"press_ms": T, "fact_ms": T + 10**9, "request_ms": T + 10**9},
    ],
)
@pytest.mark.parametrize("seen_ms", [T, T + 10**9])
def test_what_is_counted_is_what_is_kept(ages, seen_ms):
    """The rows that a sweep would keep, and then does; a sample tells about the same."""
    machine = busy()
    machine.apply(*(other(T + 100, f"id-{number}") for number in range(200)))
    kept = retention(seen_ms=seen_ms, **ages)
    names = ("PRESSES", "FACTS", "SEEN_IDS", "CLIENTS", "REQUESTS")
    used = sum(map(machine.size, names))
    counted, looked_at = count_kept(machine.tables, kept, 1)
    of_sample, sample = count_kept(machine.tables, kept, 7)
    machine.sweep(kept)
    assert (counted, looked_at) == (sum(map(machine.size, names)), used)
    assert abs(of_sample / sample - counted / used) < 0.1


@pytest.mark.parametrize(("old", "sweeps"), [(0.2, False), (0.3, True)])
@pytest.mark.parametrize("first", ["old", "young"])
def test_a_quarter_of_all_rows_is_worth_a_sweep(old, sweeps, first):
    """Wherever they lie among many others."""
    count = 40_000
    machine = Machine(rules(60))
    ages = np.where(np.arange(count) < count * old, T, T + 5000)
    machine.advance(T + 5000)
    machine.facts(VISIT, *((ts_ms, 1) for ts_ms in (ages if first == "old" else ages[::-1]).tolist()))
    kept = retention(fact_ms=T + 5000, seen_ms=T + 5000)
    machine.tables = reserve(machine.tables, machine.rules, kept, Needs(facts=machine.tables.facts.shape[0]))
    assert machine.size("FACTS") == (int((ages > T).sum()) if sweeps else count)
