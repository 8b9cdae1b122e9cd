"""Panel 0 of a machine against the obvious version of pairing."""

from collections import Counter

from kernels import layout
from tests.kernels import naive
from tests.kernels.machine import customer, seller

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
