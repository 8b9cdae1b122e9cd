"""A machine with a bit of everything, for what must leave all of it as it is."""

from kernels import layout
from kernels.layout import OFFICE_SCOPE, VISIT
from tests.kernels.machine import Machine, rules, stage

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
    machine.apply(
        *(stage(T + 9000 * n, f"q{n}", n % 17, n % 3, employee=1 + n % 2, priority=0 - n % 2) for n in range(60)),
        *(stage(T + 15_000 * n, f"e{n}", n, layout.RESOLVED) for n in range(9)),
    )
    machine.set_dues(10_000, 40_000, 2_000_000)
    machine.decide(T + 10**6)
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
    counts = machine.totals.tolist(), machine.requests_now.tolist()
    return presses, counts, begin_ms, [machine.roles(panel) for panel in range(panels)]


def go_on(machine, step):
    """Something of everything happens."""
    machine.sellers((T + 4321 + step, f"late{step}", step % 3), (T + 10**6 + 40_000 * step, f"new{step}", step % 3))
    machine.customers((T + 9000 * step + 10, f"extra{step}", step % 3, layout.NO))
    machine.verdict(T + 1 + step, f"w{step}", SURVEY, f"s0-{2 * step + 2}", step % 2)
    machine.verdict(T + 1 + step, f"x{step}", FORCE_MAJEURE, f"l{step % 3}", (step + 1) % 2)
    machine.verdict(T + 1 + step, f"y{step}", SURVEY, "s9-9", 1)
    machine.facts(VISIT, (T + 5 * step, 7))
    machine.apply(*(stage(T + 7 * step, f"z{step}-{n}", step + n, n, priority=0) for n in range(5)))
    machine.set_dues(10_000, 40_000, 2_000_000)
    machine.advance(T + 10**6 + 50_000 * step)
