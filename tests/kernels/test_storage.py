"""Room and the sweep: what is kept, what is forgotten, and that nothing else changes."""

import random

import numpy as np
import pytest

from kernels import layout
from kernels.layout import NONE, OFFICE_SCOPE, VISIT, Tables
from kernels.storage import (
    MAPPED_BYTES,
    Needs,
    add_office,
    add_panel,
    empty_tables,
    index_capacity,
    longer,
    reserve,
    slot_width_ms,
    sparser,
    with_longer_sequence,
    with_names,
)
from kernels.sweeping import count_kept
from kernels.windows import BUCKETS
from tests.kernels.machine import Machine, other, retention, rules, seller

T = 10**12
SURVEY, FORCE_MAJEURE = layout.SURVEY_TARGET, layout.FORCE_MAJEURE_TARGET


def busy(panels=3):
    """A machine with a bit of everything, at an instant when some surveys are undecided."""
    machine = Machine(rules(1, 60), panels=panels, offices=1, employees=2)
    machine.advance(T + 10**6)
    for panel in range(panels):
        machine.sellers(
            *((T + 9000 * number + number % 2 * 500, f"s{panel}-{number}", panel, number % 2) for number in range(120))
        )
        machine.sellers(*((T + 27_000 * number + 700, f"b{panel}-{number}", panel) for number in range(40)))  # bounce
        machine.customers(*((T + 18_000 * number + 1000, f"c{panel}-{number}", panel) for number in range(50)))
    machine.long((T + 100_000, "l0", 0), (T + 200_000, "l1", 1), (T + 300_000, "l2", 2))
    machine.verdict(T, "v0", FORCE_MAJEURE, "l0", 1, to_ms=T + 150_000)
    machine.verdict(T, "v1", FORCE_MAJEURE, "l1", 1, scope=OFFICE_SCOPE, to_ms=T + 210_000)
    machine.verdict(T, "v2", SURVEY, "s0-4", 0)
    machine.verdict(T, "v3", SURVEY, "s9-9", 0)
    machine.facts(VISIT, *((T + 20_000 * number, number, 0) for number in range(50)))
    return machine


def state(machine, panels=3):
    """All that anyone may ask of a machine."""
    fields = ("ts_ms", "kind", "choice", "accepted", "outcome", "rejected", "in_force_majeure", "code", "revision")
    presses = {
        text: [int(press[field]) for field in fields]
        for panel in range(panels)
        for text, press in machine.presses(panel)
    }
    begin_ms = machine.tables.window_begin_ms.tolist()
    return presses, machine.totals.tolist(), begin_ms, [machine.roles(panel) for panel in range(panels)]


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


def go_on(machine, step):
    """Something of everything happens."""
    machine.sellers((T + 4321 + step, f"late{step}", step % 3), (T + 10**6 + 40_000 * step, f"new{step}", step % 3))
    machine.customers((T + 9000 * step + 10, f"extra{step}", step % 3, layout.NO))
    machine.verdict(T + 1 + step, f"w{step}", SURVEY, f"s0-{2 * step + 2}", step % 2)
    machine.verdict(T + 1 + step, f"x{step}", FORCE_MAJEURE, f"l{step % 3}", (step + 1) % 2)
    machine.verdict(T + 1 + step, f"y{step}", SURVEY, "s9-9", 1)
    machine.facts(VISIT, (T + 5 * step, 7))
    machine.advance(T + 10**6 + 50_000 * step)


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
    """After everything was swept away, a press, a force majeure, a verdict and a fact are as in tables that are new."""
    used, new = busy(), Machine(rules(1, 60), panels=3, offices=1, employees=2)
    new.advance(T + 10**6)
    used.sweep(retention(press_ms=T + 10**9, fact_ms=T + 10**9, verdict_ms=T + 10**9, force_majeure_ms=T + 10**9))
    used.tables.sizes[[layout.BOUNCES, layout.ANSWERS, layout.EXTRAS, layout.ORPHANS, layout.CHANGED]] = 0
    for machine in (used, new):
        machine.tables.survey_counts[:] = 0
        machine.tables.fact_sums[:] = 0
        machine.customers((T + 10**6, "c", 1))
        machine.sellers((T + 10**6, "s", 2, 1))
        machine.long((T + 10**6, "l", 2))
        machine.verdict(T, "v", SURVEY, "s", 0)
        machine.facts(VISIT, (T + 10**6, 7))
    for table in ("presses", "force_majeures", "verdicts", "facts"):
        count = new.size(table.upper())
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
        {"press_ms": T, "fact_ms": T + 10**9},
    ],
)
@pytest.mark.parametrize("seen_ms", [T, T + 10**9])
def test_what_is_counted_is_what_is_kept(ages, seen_ms):
    """The rows that a sweep would keep, and then does; a sample tells about the same."""
    machine = busy()
    machine.apply(*(other(T + 100, f"id-{number}") for number in range(200)))
    kept = retention(seen_ms=seen_ms, **ages)
    used = sum(machine.size(name) for name in ("PRESSES", "FACTS", "SEEN_IDS"))
    counted, looked_at = count_kept(machine.tables, kept, 1)
    of_sample, sample = count_kept(machine.tables, kept, 7)
    machine.sweep(kept)
    assert (counted, looked_at) == (sum(machine.size(name) for name in ("PRESSES", "FACTS", "SEEN_IDS")), used)
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


# Room ---------------------------------------------------------------------------------------------------------------

CAPACITIES = {
    "presses": ("PRESSES", "presses"),
    "force_majeures": ("FORCE_MAJEURES", "force_majeures"),
    "verdicts": ("VERDICTS", "verdicts"),
    "facts": ("FACTS", "facts"),
    "id_bytes": ("ID_BYTES", "id_bytes"),
    "seen": ("SEEN_IDS", "ids"),
    "seen_hashes": ("SEEN_IDS", "ids"),
    "verdict_hashes": ("VERDICTS", "verdicts"),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("press_ms", [0, T + 10**9])
def test_there_is_room_for_what_is_needed(seed, press_ms):
    """Whatever is asked for fits afterwards, grown or swept; indices keep a third of their places free."""
    chance = random.Random(seed)
    machine = busy()
    for _ in range(8):
        needs = Needs(*(chance.choice((0, 0, 1, 100, 5000)) for _ in Needs._fields))
        kept = retention(press_ms=press_ms, seen_ms=press_ms, fact_ms=press_ms)
        machine.tables = reserve(machine.tables, machine.rules, kept, needs)
        for table, (size, need) in CAPACITIES.items():
            assert machine.size(size) + getattr(needs, need) <= getattr(machine.tables, table).shape[0]
        assert (machine.size("SEEN_IDS") + needs.ids) * 3 <= machine.tables.seen_index.shape[0] * 2
        assert (machine.size("VERDICTS") + needs.verdicts) * 3 <= machine.tables.verdict_index.shape[0] * 2
        presses = machine.tables.presses.shape[0]
        assert machine.tables.changed.shape[0] >= presses
        assert machine.tables.open_surveys.shape[0] >= presses
        assert machine.tables.late_surveys.shape[0] >= presses


def test_where_there_is_room_nothing_is_done():
    """The very same tables."""
    machine = busy()
    assert reserve(machine.tables, machine.rules, retention(), Needs()) is machine.tables


def test_growth_is_by_a_share():
    """Twenty thousand rows that come one at a time are copied a few dozen times, not twenty thousand."""
    machine = Machine()
    grown = 0
    tables = machine.tables
    for _ in range(20_000):
        larger = reserve(tables, machine.rules, retention(), Needs(facts=1))
        larger.sizes[layout.FACTS] += 1
        grown += larger is not tables
        tables = larger
    assert grown < 50


def test_names_get_rows_and_keep_what_they_had():
    """Panels, offices and counters grow in place of their numbers, new counters begin at nothing."""
    machine = busy()
    before = {name: getattr(machine.tables, name).copy() for name in ("panels", "survey_counts", "fact_sums")}
    machine.tables.panels["last_ms"][3:] = 77  # what lies behind may hold anything
    tables = with_names(machine.tables, 50, 200, 300)
    for name in ("survey_counts", "fact_sums"):
        count = before[name].shape[0]
        assert (getattr(tables, name)[:count] == before[name]).all()
        assert not getattr(tables, name)[count:].any()
        assert getattr(tables, name).shape[0] >= 300
    assert (tables.panels[:3] == before["panels"][:3]).all()
    assert (tables.offices.shape[0] >= 50, tables.panels.shape[0] >= 200) == (True, True)
    assert tables.dirty.shape[0] >= tables.panels.shape[0]


def test_a_new_panel_begins_anew():
    """Whatever its row held before."""
    machine = Machine()
    machine.tables = with_names(machine.tables, 2, 3, 4)
    machine.tables.panels[:] = np.ones(1, layout.PANEL_ROW)[0]
    add_office(machine.tables, 1)
    add_panel(machine.tables, 1, 1, 3)
    add_panel(machine.tables, 2, 1, 3)
    for number, following in ((1, NONE), (2, 1)):
        panel = machine.panel(number)
        expected = {"last_ms": -1, "dirty_from": NONE, "current": NONE, "office": 1, "entity": 3}
        expected |= {"next_in_office": following, "first_standing": NONE, "answered": 0, "length": 0, "capacity": 0}
        assert {name: int(panel[name]) for name in expected} == expected
    assert machine.tables.offices["first_panel"][1] == 2
    assert machine.size("PANELS") == 3


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_a_long_array_is_lengthened_in_place(dimensions):
    """It stays the same object, a short one is copied; either keeps its rows, and the new ones are zero."""
    array = np.zeros((0, 2, 3)[:dimensions], np.int32)
    for rows in (1, 1000, 300_000, 500_000, 800_000):
        before = array.copy()
        was, array = array, longer(array, rows)
        assert (array is was) == (before.nbytes >= MAPPED_BYTES)
        assert array.shape[0] >= rows
        assert array.shape[1:] == before.shape[1:]
        assert (array[: before.shape[0]] == before).all()
        assert not array[before.shape[0] :].any()
        array[:] = np.arange(array.size).reshape(array.shape) + 1
    length = array.shape[0]
    assert longer(array, length).shape[0] == length


@pytest.mark.parametrize("seed", range(4))
def test_growth_in_place_keeps_all_that_is_known(seed):
    """Room is made again and again, by much and by little, and nothing that was there differs."""
    chance = random.Random(seed)
    machine, plenty = busy(), busy()
    plenty.reserve(**dict.fromkeys(Needs._fields, 20_000))
    for step in range(6):
        machine.reserve(**{name: chance.choice((0, 1, 900, 3000 * step)) for name in Needs._fields})
        machine.tables = with_names(machine.tables, 1 + step, 3 + step * 40, 3 + chance.randrange(300))
        machine.tables = with_longer_sequence(machine.tables)
        assert state(machine) == state(plenty)
        for one in (machine, plenty):
            go_on(one, step)
        assert state(machine) == state(plenty)
    for panel in range(3):
        for text, press in machine.presses(panel):
            assert machine.entry(text)["kind"] == (layout.PRESS if press["kind"] == layout.SELLER else layout.SEEN)


def test_an_index_has_a_third_of_its_places_free():
    """As large as it must be, and larger by half again when it has to grow; it stays itself where it is large enough."""
    index = np.zeros(16, np.uint64)
    assert sparser(index, 0) is index
    for entries in (1, 11, 1000):
        grown = sparser(index, entries)
        assert grown.shape[0] >= index_capacity(entries) > entries * 3 // 2
        assert sparser(grown, entries) is grown
        assert sparser(grown, entries * 5 // 4) is grown


@pytest.mark.parametrize("minutes", [(1,), (15, 60), (43_200,), (1, 43_200), (1, 576_000), (576_000,)])
def test_a_calendar_spans_the_longest_window(minutes):
    """With slots no finer than the finest bucket, at most 65,538 of them, and room for 62 of the longest buckets."""
    given = rules(*minutes)
    slots = empty_tables(given).press_calendar.shape[0]
    assert slots <= 65_538
    assert slots * given.slot_ms >= given.bucket_ms.max() * (BUCKETS + 2)
    assert given.slot_ms == slot_width_ms(given.bucket_ms) >= given.bucket_ms.min()


def test_every_table_is_an_array():
    """Nothing of the state lies elsewhere."""
    tables = empty_tables(rules())
    assert set(Tables._fields) == set(tables._asdict())
    assert all(isinstance(array, np.ndarray) for array in tables)
