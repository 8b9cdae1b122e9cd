"""In order and late: a press that comes in order is paired at once, any other marks its panel; both end alike."""

import random

import numpy as np
import pytest

from kernels import layout, ledger
from kernels.layout import NONE
from tests.kernels.machine import Machine, customer, long_press, retention, rules, seller, verdict
from tests.kernels.panel import ANSWERS, T, check, event


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
