"""Pairing against the obvious version: every small world, in every order of arrival."""

import random
from collections import Counter
from itertools import combinations, permutations

import numpy as np
import pytest

from kernels import layout, ledger
from kernels.pairing import survey_state
from tests.kernels import naive
from tests.kernels.machine import Machine, rules

WINDOW_MS, DEBOUNCE_MS = 30_000, 1000
T = 10**12
# Where something changes: debounce and answer window, and what those move again.
PLACES_MS = (0, 999, 1000, 1001, 2001, 30_000, 30_001, 31_001, 31_002)
ANSWERS = {"yes": layout.YES, "no": layout.NO, "hard_to_say": layout.HARD_TO_SAY}


def arrive(machine, press, panel=0):
    """Insert one press (ts_ms, id, "seller" | answer) and pair."""
    ts_ms, text, what = press
    if what == "seller":
        machine.sellers((ts_ms, text, panel))
    else:
        machine.customers((ts_ms, text, panel, ANSWERS[what]))


def check(machine, presses, silent_ms=0):
    """Everything about panel 0 is as the obvious version has it."""
    expected = naive.roles(presses, machine.rules.answer_window_ms, machine.rules.debounce_ms, silent_ms)
    assert machine.roles() == expected
    assert [text for text, _ in machine.presses()] == [
        text for _, text, _ in sorted(presses, key=lambda press: (press[0], press[2] != "seller", press[1].encode()))
    ]
    counted = Counter(expected.values())
    sizes = [machine.size(name) for name in ("BOUNCES", "ANSWERS", "EXTRAS", "ORPHANS")]
    assert sizes == [counted[role] for role in ("bounce", "answer", "extra", "orphan")]
    waiting = [text for text, press in machine.presses() if press["queued"]]
    assert {text for text, role in expected.items() if role == "undecided"} <= set(waiting)
    assert machine.size("OPEN") == len(waiting)


@pytest.mark.parametrize("sellers", [1, 2, 3])
def test_every_small_world_in_every_order(sellers):
    """Sellers at the edges and a customer between them arrive in every order, and are right after each arrival."""
    for places in combinations(PLACES_MS, sellers):
        for answer_ms in PLACES_MS[:: 1 if sellers < 3 else 3]:
            world = [(T + ms, f"s{ms}", "seller") for ms in places] + [(T + answer_ms, "c", "no")]
            for order in permutations(world):
                machine = Machine()
                for count, press in enumerate(order, start=1):
                    arrive(machine, press)
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
        arrive(machine, press)
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
    ledger.take_changes(machine.tables)
    first = (T - 500, "first", "seller")
    arrive(machine, first)
    check(machine, [*chain, first])
    assert len(ledger.take_changes(machine.tables)) == 199  # neither last survey, before and after, was decided


def test_what_lies_behind_the_next_survey_is_left_alone():
    """Pairing again ends at the first survey after the new presses that was one before: nothing after it is noted."""
    machine = Machine()
    machine.sellers(*((T + number * 40_000, f"s{number}") for number in range(50)))
    ledger.take_changes(machine.tables)
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
    assert machine.size("OPEN") == 0


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
            assert machine.size("OPEN") == sum(ts_ms - T >= passed for ts_ms in instants)


def test_silence_once_decided_is_not_asked_again():
    """An earlier instant than before decides nothing and undoes nothing."""
    machine = Machine(panels=2)
    machine.sellers((T, "a"))
    machine.advance(0, T + WINDOW_MS + 1)
    machine.advance(0, T)
    machine.sellers((T, "b", 1))
    assert (machine.roles(0), machine.roles(1)) == ({"a": "silent"}, {"b": "silent"})


def test_a_full_pool_changes_nothing():
    """Without room to move a panel to, inserting says so and leaves panel, pool and ids' bytes as they were."""
    machine = Machine()
    machine.sellers(*((T + number, f"s{number}") for number in range(8)))
    machine.reserve(presses=1, id_bytes=9)
    short = machine.tables._replace(sequence=machine.tables.sequence[:8].copy())
    panels, sizes = short.panels.copy(), short.sizes.copy()
    hashes, data, starts, lengths = machine.named(["one more"], [0])
    one = np.zeros(1, np.int32)
    ids = (hashes, np.array([T]), data, starts, lengths)
    assert ledger.apply_presses(short, machine.rules, 0, layout.SELLER, *ids, one, one, np.zeros(1, np.int8)) == 0
    assert (short.panels == panels).all()
    assert (short.sizes == sizes).all()


def test_states_are_told_apart():
    """What the world may know of a survey is one number for each combination, and none of what is not decided."""
    states = [survey_state(1, outcome, r, f) for outcome in range(4) for r in (0, 1) for f in (0, 1)]
    assert len(set(states)) == 16
    assert layout.NONE not in states
    assert survey_state(1, layout.UNDECIDED, 0, 0) == survey_state(0, layout.YES, 0, 0) == layout.NONE
