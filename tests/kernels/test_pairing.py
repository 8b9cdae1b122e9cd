"""Pairing against the obvious version: every small world, in every order of arrival."""

import random
from itertools import combinations, permutations

import numpy as np
import pytest

from kernels import layout, ledger
from kernels.pairing import survey_state
from tests.kernels import naive
from tests.kernels.machine import Machine, long_press, rules, seller
from tests.kernels.panel import DEBOUNCE_MS, PLACES_MS, WINDOW_MS, T, check, event


@pytest.mark.parametrize("sellers", [1, 2, 3])
def test_every_small_world_in_every_order(sellers):
    """Sellers at the edges and a customer between them arrive in every order, and are right after each arrival."""
    for places in combinations(PLACES_MS, sellers):
        for answer_ms in PLACES_MS[:: 1 if sellers < 3 else 3]:
            world = [(T + ms, f"s{ms}", "seller") for ms in places] + [(T + answer_ms, "c", "no")]
            for order in permutations(world):
                machine = Machine()
                for count, press in enumerate(order, start=1):
                    machine.apply(event(press))
                    if count == len(order):
                        check(machine, order)


@pytest.mark.parametrize("seed", range(12))
def test_a_random_panel(seed):
    """Many presses, some at one instant, with time passing in between and ids in no order."""
    chance = random.Random(seed)
    machine = Machine(
        rules(15, answer_window_ms=chance.choice((500, 30_000)), debounce_ms=chance.choice((0, 1000, 40_000)))
    )
    presses, silent_ms = [], 0
    for number in range(60):
        press = (
            T + chance.choice(PLACES_MS) + 30_000 * chance.randrange(6),
            chance.choice(("z", "\u00e9", "\U0001f600", "a")) + str(number),
            chance.choice(("seller", "seller", "yes", "no", "hard_to_say")),
        )
        presses.append(press)
        machine.apply(event(press))
        if number % 10 == 9:
            silent_ms = max(silent_ms, T + chance.choice(PLACES_MS) + 30_000 * chance.randrange(6))
            machine.advance(0, silent_ms)
        check(machine, presses, silent_ms)


def test_a_batch_is_paired_at_once():
    """Several presses of several panels, in no order, in one go."""
    chance = random.Random(3)
    machine = Machine(panels=3)
    worlds = {panel: [(T + ms, f"{panel}-{ms}", "seller") for ms in PLACES_MS] for panel in range(3)}
    batch = [(ts_ms, text, panel) for panel, world in worlds.items() for ts_ms, text, _ in world]
    chance.shuffle(batch)
    machine.sellers(*batch)
    for panel, world in worlds.items():
        assert machine.roles(panel) == naive.roles(world, WINDOW_MS, DEBOUNCE_MS, 0)


@pytest.mark.parametrize("seed", range(6))
def test_a_batch_may_change_a_panel_in_several_places(seed):
    """Presses of one batch among those that were paired before, far apart and in any order."""
    chance = random.Random(seed)
    machine = Machine()
    presses = [(T + number * 40_000, f"s{number}", "seller") for number in range(30)]
    machine.sellers(*((ts_ms, text) for ts_ms, text, _ in presses))
    for batch in range(8):
        places = [
            (T + chance.randrange(30) * 40_000 + chance.choice((-900, -1, 900, 1001, 29_000)), n) for n in range(4)
        ]
        sellers = [(ts_ms, f"t{batch}-{n}", "seller") for ts_ms, n in places]
        customers = [(ts_ms + chance.choice((-1, 0, 1, 5000)), f"c{batch}-{n}", "no") for ts_ms, n in places]
        machine.sellers(*((ts_ms, text) for ts_ms, text, _ in sellers))
        machine.customers(*((ts_ms, text, 0, layout.NO) for ts_ms, text, _ in customers))
        presses += sellers + customers
        check(machine, presses)


def test_one_press_flips_a_whole_chain():
    """Each press of a chain changes sides when a first one appears before them all."""
    machine = Machine()
    chain = [(T + number * 600, f"s{number}", "seller") for number in range(200)]
    machine.sellers(*((ts_ms, text) for ts_ms, text, _ in chain))
    machine.changes()
    first = (T - 500, "first", "seller")
    machine.apply(event(first))
    check(machine, [*chain, first])
    assert len(machine.changes()) == 199  # neither last survey, before and after, was decided


def test_what_lies_behind_the_next_survey_is_left_alone():
    """Pairing again ends at the first survey after the new presses that was one before: nothing after it is noted."""
    machine = Machine()
    machine.sellers(*((T + number * 40_000, f"s{number}") for number in range(50)))
    machine.changes()
    machine.tables.presses["outcome"][40:] = 77  # would be put right if it were looked at
    machine.customers((T + 1, "c", 0, layout.NO))
    assert (machine.tables.presses["outcome"][40:50] == 77).all()
    assert [(text, int(press["outcome"])) for text, press in machine.presses()[:2]] == [("s0", 1), ("c", layout.ANSWER)]


@pytest.mark.parametrize(("first", "second"), [("a", "b"), ("a", "ab"), ("z", "\u00e9"), ("\uffee", "\U0001f600")])
def test_ties_break_by_the_bytes_of_ids(first, second):
    """Of two presses at one instant the one with the lesser id comes first, whichever arrived first."""
    for order in ((first, second), (second, first)):
        machine = Machine()
        for text in order:
            machine.sellers((T, text))
        assert machine.roles() == {first: "undecided", second: "bounce"}
        machine = Machine()
        machine.sellers((T, "survey"))
        for text in order:
            machine.customers((T, text))
        assert machine.roles() == {"survey": "yes", first: "answer", second: "extra"}


def test_silence_is_decided_in_the_order_of_time():
    """Surveys that arrive in any order leave the heap by their instants, each when its window has passed."""
    chance = random.Random(5)
    machine = Machine(panels=300)
    panels = list(range(300))
    chance.shuffle(panels)
    for panel in panels:
        machine.sellers((T + panel // 3, f"s{panel}", panel))
    for now_ms in range(T + WINDOW_MS - 1, T + WINDOW_MS + 110, 7):
        machine.advance(0, now_ms)
        silent = {panel for panel in panels if machine.roles(panel)[f"s{panel}"] == "silent"}
        assert silent == {panel for panel in panels if T + panel // 3 + WINDOW_MS < now_ms}
    assert machine.waiting().size == 0


@pytest.mark.parametrize("count", range(1, 13))
def test_a_heap_of_any_size_gives_the_earliest(count):
    """One millisecond after another, just those surveys whose time has come are decided."""
    chance = random.Random(count)
    for _ in range(6):
        instants = [T + chance.randrange(15) for _ in range(count)]
        machine = Machine(panels=count)
        for panel, ts_ms in enumerate(instants):
            machine.sellers((ts_ms, f"s{panel}", panel))
        for passed in range(16):
            machine.advance(0, T + WINDOW_MS + passed)
            assert machine.waiting().size == sum(ts_ms - T >= passed for ts_ms in instants)


def test_silence_once_decided_is_not_asked_again():
    """An earlier instant than before decides nothing and undoes nothing."""
    machine = Machine(panels=2)
    machine.sellers((T, "a"))
    machine.advance(0, T + WINDOW_MS + 1)
    machine.advance(0, T)
    machine.sellers((T, "b", 1))
    assert (machine.roles(0), machine.roles(1)) == ({"a": "silent"}, {"b": "silent"})


def test_a_full_pool_changes_nothing():
    """Without room to move a panel to, a batch stops before the press, and leaves panel, pool and ids' bytes as they were."""
    machine = Machine(panels=2)
    machine.sellers(*((T + number, f"s{number}") for number in range(8)))
    machine.reserve(presses=2, ids=3, id_bytes=20, force_majeures=1)
    short = machine.tables._replace(sequence=machine.tables.sequence[:8].copy())
    rows, data = machine.rows([long_press(T, "l", 0), seller(T + 9, "one more"), seller(T, "other", 1)])
    seen_rows = np.empty(3, np.int32)
    ledger.admit(short, rows, seen_rows)
    assert ledger.apply_events(short, machine.rules, rows, seen_rows, data, 0) == 1
    panels, sizes = short.panels.copy(), short.sizes.copy()
    for _ in range(2):
        assert ledger.apply_events(short, machine.rules, rows, seen_rows, data, 1) == 1
        assert (short.panels == panels).all()
        assert (short.sizes == sizes).all()
    longer = short._replace(sequence=np.concatenate((short.sequence, np.zeros(24, np.int32))))
    assert ledger.apply_events(longer, machine.rules, rows, seen_rows, data, 1) == 3
    assert longer.panels["length"][:2].tolist() == [9, 1]


def test_states_are_told_apart():
    """What the world may know of a survey is one number for each combination, and none of what is not decided."""
    states = [
        survey_state(q, 1, outcome, r, f) for q in range(3) for outcome in range(4) for r in (0, 1) for f in (0, 1)
    ]
    assert len(set(states)) == 48
    assert layout.NONE not in states
    assert survey_state(0, 1, layout.UNDECIDED, 0, 0) == survey_state(0, 0, layout.YES, 0, 0) == layout.NONE
