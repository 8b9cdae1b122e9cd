"""Room: there is enough of it, and what was there stays."""

import random

import numpy as np
import pytest

from kernels import layout
from kernels.layout import NONE, Tables
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
from kernels.windows import BUCKETS
from tests.kernels.busy import T, busy, go_on, state
from tests.kernels.machine import Machine, retention, rules

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
