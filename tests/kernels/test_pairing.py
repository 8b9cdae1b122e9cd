"""Pairing against the obvious version: every small world, in every order of arrival."""

import random
from collections import Counter
from itertools import combinations, permutations

import numpy as np
import pytest

from kernels import layout, ledger
from kernels.layout import NONE
from kernels.pairing import survey_state
from tests.kernels import naive
from tests.kernels.machine import Machine, customer, long_press, retention, rules, seller, verdict

WINDOW_MS, DEBOUNCE_MS = 30_000, 1000
T = 10**12
# Where something changes: debounce and answer window, and what those move again.
PLACES_MS = (0, 999, 1000, 1001, 2001, 30_000, 30_001, 31_001, 31_002)
ANSWERS = {"yes": layout.YES, "no": layout.NO, "hard_to_say": layout.HARD_TO_SAY}


def event(press, panel=0):
    """The event of a press (ts_ms, id, "seller" | answer)."""
    ts_ms, text, what = press
    return seller(ts_ms, text, panel) if what == "seller" else customer(ts_ms, text, panel, ANSWERS[what])


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
    assert machine.waiting().size == len(waiting)


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
    states = [survey_state(1, outcome, r, f) for outcome in range(4) for r in (0, 1) for f in (0, 1)]
    assert len(set(states)) == 16
    assert layout.NONE not in states
    assert survey_state(1, layout.UNDECIDED, 0, 0) == survey_state(0, layout.YES, 0, 0) == layout.NONE


# In order and late: a press that comes in order is paired at once, any other marks its panel ------------------------------


def worlds(seed, panels=3):
    """A configuration, events of several panels with ties and edges, and silences to be decided in between."""
    chance = random.Random(seed)
    given = rules(15, answer_window_ms=chance.choice((500, 30_000)), debounce_ms=chance.choice((0, 1000, 40_000)))
    edges = [0, given.debounce_ms, given.debounce_ms + 1, given.answer_window_ms, given.answer_window_ms + 1, 1]
    events, ts_ms = [], T
    for number in range(90):
        ts_ms += chance.choice(edges)
        what = chance.choice(("seller", "seller", *ANSWERS))
        press = event((ts_ms, chance.choice("za\u00e9") + str(number), what), chance.randrange(panels))
        events.append(press)
        if what == "seller" and chance.random() < 0.2:
            events.append(verdict(ts_ms + 1, f"v{number}", layout.SURVEY_TARGET, press["text"], 0))
    events += [long_press(T + 40_000, "long", 0), verdict(T, "w", layout.FORCE_MAJEURE_TARGET, "long", 1)]
    return chance, given, events


def all_of(machine, panels=3):
    """All that anyone may see of surveys, and all that later presses depend on."""
    fields = ("ts_ms", "kind", "accepted", "outcome", "rejected", "in_force_majeure", "code")
    presses = [
        [(text, *(int(press[field]) for field in fields)) for text, press in machine.presses(panel)]
        for panel in range(panels)
    ]
    sizes = [machine.size(name) for name in ("BOUNCES", "ANSWERS", "EXTRAS", "ORPHANS")]
    undecided = [
        {
            text
            for text, press in machine.presses(panel)
            if press["queued"] and press["accepted"] and press["outcome"] == layout.UNDECIDED
        }
        for panel in range(panels)
    ]
    return (
        presses,
        sizes,
        undecided,
        machine.totals.tolist(),
        [int(each) for each in machine.tables.panels["last_ms"][:panels]],
    )


def cut(chance, events, size):
    """Events in batches of up to a size."""
    batches, start = [], 0
    while start < len(events):
        count = chance.randint(1, size)
        batches.append(events[start : start + count])
        start += count
    return batches


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("size", [1, 4, 200])
def test_in_order_or_not_the_same(seed, size):
    """Every order and every batching ends where one press after another in order does, with the same changes told."""
    chance, given, events = worlds(seed)
    at_once = Machine(given, panels=3)
    at_once.advance(T + 10**6)
    for each in events:
        at_once.apply(each)
    expected = all_of(at_once)
    told = sorted(at_once.changes())
    nearly = sorted(events, key=lambda each: each["ts_ms"] + chance.choice((0, 0, 0, 0, 45_000)))
    for order in (events, nearly, events[::-1], chance.sample(events, len(events))):
        machine = Machine(given, panels=3)
        machine.advance(T + 10**6)
        batches = cut(chance, order, size)
        for number, batch in enumerate(batches):
            machine.apply(*batch)
            if number % 7 == 6:
                machine.sweep()
        assert all_of(machine) == expected
        assert (machine.tables.panels["dirty_from"][:3] == NONE).all()
        assert machine.size("DIRTY") == 0
        assert sorted(machine.changes()) == told


@pytest.mark.parametrize("seed", range(8))
def test_in_order_or_not_silence_comes_alike(seed):
    """Time that passes between batches decides the same silences, however the panel learnt of its presses."""
    chance, given, events = worlds(seed)
    events = [each for each in events if each["kind"] < 2 and "amount" not in each]
    machines = [Machine(given, panels=3) for _ in range(2)]
    for batch in cut(chance, events, 9):
        for each in batch:
            machines[0].apply(each)
        machines[1].apply(*chance.sample(batch, len(batch)))
        silent_ms = batch[-1]["ts_ms"] + chance.choice((-given.answer_window_ms, 0, 1, given.answer_window_ms))
        for machine in machines:
            machine.advance(T, silent_ms)
        assert all_of(machines[0]) == all_of(machines[1])


@pytest.mark.parametrize("behind", ["seller", "yes"])
@pytest.mark.parametrize("what", ["seller", "no"])
@pytest.mark.parametrize("text", ["a", "z"])
def test_a_press_at_the_instant_of_the_last_one(behind, what, text):
    """Is not taken for the next in order: sellers stand before customers, and of one kind the lesser id first."""
    machine = Machine()
    presses = [(T, "first", "seller"), (T + 5000, "m", behind), (T + 5000, text, what)]
    for press in presses:
        machine.apply(event(press))
    check(machine, presses)
    assert int(machine.panel()["last_ms"]) == T + 5000


def test_a_press_in_order_is_paired_at_once():
    """Nothing is left to be done at the end of the batch; one that is late marks its panel, once."""
    machine = Machine(panels=2)
    machine.sellers((T, "a", 0), (T, "b", 1))
    machine.reserve(presses=4, ids=4, id_bytes=4)
    rows, data = machine.rows(
        [seller(T + 2000, "c", 0), customer(T + 2500, "d", 0), customer(T - 1, "e", 1), customer(T - 2, "f", 1)]
    )
    seen_rows = np.empty(4, np.int32)
    ledger.admit(machine.tables, rows, seen_rows)
    assert ledger.apply_events(machine.tables, machine.rules, rows[:2], seen_rows[:2], data, 0) == 2
    assert machine.size("DIRTY") == 0
    assert machine.roles() == {"a": "silent", "c": "yes", "d": "answer"}
    assert ledger.apply_events(machine.tables, machine.rules, rows[2:], seen_rows[2:], data, 0) == 2
    assert machine.tables.dirty[: machine.size("DIRTY")].tolist() == [1]
    assert int(machine.panel(1)["dirty_from"]) == 0


def test_presses_in_order_behind_a_late_one_of_their_batch():
    """Are paired with it in mind, and those of the next batch at once again."""
    chain = [(T + number * 700, f"s{number}", "seller") for number in range(30)]
    machine = Machine()
    machine.apply(*map(event, chain[1:10]))
    machine.apply(*map(event, [*chain[10:15], chain[0], *chain[15:]]))
    check(machine, chain)
    machine.apply(event((T + 30_000, "next", "no")))
    check(machine, [*chain, (T + 30_000, "next", "no")])


@pytest.mark.parametrize(
    "late", [(T + 90_000, "x", "no"), (T + 90_000, "x", "seller"), (T + 1, "x", "no"), (T + 500, "x", "seller")]
)
@pytest.mark.parametrize("following", ["seller", "yes"])
@pytest.mark.parametrize("after_ms", [100_001, 100_500, 120_000, 130_001, 150_000])
def test_what_comes_in_order_after_a_late_press(late, following, after_ms):
    """Finds the panel as if the late press had come in time, whether that lies far from the last survey or near."""
    presses = [
        (T, "s", "seller"),
        (T + 99_999, "c", "yes"),
        late,
        (T + after_ms, "n", following),
        (T + after_ms + 1, "a", "no"),
    ]
    machine = Machine()
    for press in presses:
        machine.apply(event(press))
    check(machine, presses)


def test_the_last_survey_outlives_a_sweep():
    """What comes next still bounces off it, answers it or ends it, though its row has another number now."""
    for what, role in (("seller", "bounce"), ("yes", "answer")):
        machine = Machine()
        machine.sellers(*((T + number * 40_000, f"s{number}") for number in range(10)))
        machine.sweep(retention(press_ms=T + 9 * 40_000))
        assert int(machine.panel()["current"]) == 0
        machine.apply(event((T + 9 * 40_000 + 900, "next", what)))
        assert machine.roles() == {"s9": "yes" if what == "yes" else "undecided", "next": role}
    machine.apply(event((T + 9 * 40_000 + 901, "extra", "no")))
    assert machine.roles()["extra"] == "extra"


def test_a_last_survey_that_is_swept_is_gone():
    """Nothing refers to its row, and what comes next finds no survey before it."""
    machine = Machine(panels=2)
    machine.sellers((T, "s"), (T + 500, "other", 1))
    machine.sweep(retention(press_ms=T + 500))
    assert int(machine.panel(0)["current"]) == NONE
    assert int(machine.panel(1)["current"]) == 0
    machine.apply(customer(T + 600, "c"), seller(T + 700, "n"))
    assert machine.roles() == {"c": "orphan", "n": "undecided"}
    assert machine.roles(1) == {"other": "undecided"}


def test_a_swept_panel_knows_how_far_it_was():
    """A press no later than one that was forgotten is late all the same."""
    machine = Machine()
    machine.sellers((T, "s"))
    machine.sweep(retention(press_ms=T + 1))
    machine.apply(seller(T, "r"), seller(T - 5000, "q"))
    assert machine.roles() == {"q": "silent", "r": "undecided"}
