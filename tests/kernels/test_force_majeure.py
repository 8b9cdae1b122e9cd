"""Force majeures and verdicts against the obvious version."""

import random

import numpy as np
import pytest

from kernels import layout
from kernels.force_majeure import is_covered
from kernels.layout import NONE, OFFICE_SCOPE, PANEL_SCOPE
from tests.kernels import naive
from tests.kernels.machine import Machine, rules

T = 10**12
DURATION_MS = 900_000
SURVEY, FORCE_MAJEURE = layout.SURVEY_TARGET, layout.FORCE_MAJEURE_TARGET


def marks(machine, field, panels=1):
    """A field of every survey, by id."""
    return {text: int(press[field]) for panel in range(panels) for text, press in machine.presses(panel)}


def standing(machine, panel=0):
    """Ids' rows in the list of a panel and in that of its office."""
    lists = []
    for first in (machine.tables.panels[panel]["first_standing"], machine.tables.offices[0]["first_standing"]):
        rows, row = [], first
        while row != NONE:
            rows.append(int(row))
            row = machine.tables.force_majeures[row]["next_standing"]
        lists.append(rows)
    return lists


def test_only_a_confirmed_one_stands():
    """Without a verdict it does not, rejected it does not; both ends are in."""
    machine = Machine()
    places = {"before": -1, "start": 0, "end": DURATION_MS, "after": DURATION_MS + 1}
    machine.sellers(*((T + ms, text) for text, ms in places.items() if text != "start"), (T, "start"))
    machine.long((T, "long", 0))
    assert set(marks(machine, "in_force_majeure").values()) == {0}
    machine.verdict(T + 1, "v1", FORCE_MAJEURE, "long", 1)
    assert marks(machine, "in_force_majeure") == {"before": 0, "start": 1, "end": 1, "after": 0}
    machine.verdict(T + 2, "v2", FORCE_MAJEURE, "long", 0)
    assert set(marks(machine, "in_force_majeure").values()) == {0}


def test_a_pending_one_stands_where_configured():
    """Until it is rejected."""
    machine = Machine(rules(15, pending_stands=1))
    machine.sellers((T + 5, "s"))
    machine.long((T, "long", 0))
    assert marks(machine, "in_force_majeure") == {"s": 1}
    machine.verdict(T, "v", FORCE_MAJEURE, "long", 0)
    assert marks(machine, "in_force_majeure") == {"s": 0}


def test_a_verdict_may_come_before_its_target():
    """On a survey and on a force majeure, and the late one of two does not give way to the early one."""
    machine = Machine()
    machine.verdict(T + 2, "v2", SURVEY, "s", 0)
    machine.verdict(T + 1, "v1", SURVEY, "s", 1)
    machine.verdict(T + 1, "w1", FORCE_MAJEURE, "long", 1, from_ms=T - 5)
    machine.sellers((T - 5, "s"))
    machine.long((T, "long", 0))
    assert marks(machine, "rejected") == {"s": 1}
    assert marks(machine, "in_force_majeure") == {"s": 1}


def test_a_verdict_on_the_other_kind_has_no_effect():
    """Neither on a survey as a force majeure nor the other way round, before its target or after."""
    machine = Machine(rules(15, pending_stands=1))
    machine.verdict(T, "v1", FORCE_MAJEURE, "s", 0)
    machine.verdict(T, "v2", SURVEY, "long", 0)
    machine.sellers((T, "s"))
    machine.long((T, "long", 0))
    machine.verdict(T + 1, "v3", FORCE_MAJEURE, "s", 0)
    machine.verdict(T + 1, "v4", SURVEY, "long", 0)
    machine.verdict(T + 1, "v5", SURVEY, "nothing", 0)
    assert (marks(machine, "rejected"), marks(machine, "in_force_majeure")) == ({"s": 0}, {"s": 1})


@pytest.mark.parametrize(("lesser", "greater"), [("a", "b"), ("a", "aa"), ("z", "\u00e9"), ("\uffee", "\U0001f600")])
def test_of_verdicts_at_one_instant_the_greater_id_holds(lesser, greater):
    """By bytes, whichever comes first."""
    for order in ((lesser, greater), (greater, lesser)):
        machine = Machine()
        machine.sellers((T, "s"))
        for text in order:
            machine.verdict(T, text, SURVEY, "s", 0 if text == greater else 1)
        assert marks(machine, "rejected") == {"s": 1}


def test_an_end_not_given_is_the_presss_own():
    """Never one of an earlier verdict; nor does its scope stay."""
    machine = Machine(panels=2)
    machine.sellers((T + 1, "s", 1))
    machine.long((T, "long", 0))
    machine.verdict(T, "v1", FORCE_MAJEURE, "long", 1, from_ms=T - 10, to_ms=T + 2 * DURATION_MS, scope=OFFICE_SCOPE)
    assert marks(machine, "in_force_majeure", 2) == {"s": 1}
    machine.verdict(T, "v2", FORCE_MAJEURE, "long", 1)
    declared = machine.tables.force_majeures[0]
    assert (declared["from_ms"], declared["to_ms"], declared["scope"]) == (T, T + DURATION_MS, PANEL_SCOPE)
    assert marks(machine, "in_force_majeure", 2) == {"s": 0}


def test_an_end_before_its_beginning_covers_nothing():
    """A beginning moved behind the press's own end."""
    machine = Machine()
    machine.sellers((T, "s"), (T + DURATION_MS + 5, "t"))
    machine.long((T, "long", 0))
    machine.verdict(T, "v", FORCE_MAJEURE, "long", 1, from_ms=T + DURATION_MS + 10)
    assert set(marks(machine, "in_force_majeure").values()) == {0}


def test_a_whole_office_is_its_panels_and_no_other():
    """Those that come later, too."""
    machine = Machine(panels=4, offices=2)
    machine.sellers(*((T, f"s{panel}", panel) for panel in range(3)))
    machine.long((T, "long", 0))
    machine.verdict(T, "v", FORCE_MAJEURE, "long", 1, scope=OFFICE_SCOPE)
    machine.sellers((T, "s3", 3), (T + 2000, "t2", 2))
    covered = {"s0": 1, "s1": 0, "s2": 1, "s3": 0, "t2": 1}
    assert marks(machine, "in_force_majeure", 4) == covered


def test_who_is_rejected_still_bounces_others():
    """A verdict undoes the counting of a survey, nothing else."""
    machine = Machine()
    machine.sellers((T, "s"), (T + 500, "t"))
    machine.customers((T + 600, "c"))
    machine.verdict(T, "v", SURVEY, "s", 0)
    machine.sellers((T + 1000, "u"))
    assert machine.roles() == {"s": "yes", "t": "bounce", "c": "answer", "u": "bounce"}
    assert marks(machine, "code") == {"s": NONE, "t": NONE, "c": NONE, "u": NONE}


def test_a_verdict_on_a_bounce_waits():
    """It has no effect while the press is one, and its effect as soon as it is none."""
    machine = Machine(rules(15, debounce_ms=1000))
    machine.sellers((T, "s"), (T + 500, "t"))
    machine.customers((T + 600, "c"))
    machine.verdict(T, "v", SURVEY, "t", 0)
    machine.changes()
    machine.sellers((T - 600, "r"))
    assert machine.roles() == {"r": "silent", "s": "bounce", "t": "yes", "c": "answer"}
    assert "t" in machine.changes()
    assert marks(machine, "code")["t"] == NONE


def test_a_verdict_outlasts_a_while_as_a_bounce():
    """A rejected survey that was a bounce in between is a rejected survey again, in its force majeure again."""
    machine = Machine()
    machine.long((T - 10, "long", 0))
    machine.verdict(T, "v", FORCE_MAJEURE, "long", 1)
    machine.sellers((T, "s"))
    machine.customers((T + 1, "c"))
    machine.verdict(T, "w", SURVEY, "s", 0)
    machine.sellers((T - 800, "r"))
    assert machine.roles()["s"] == "bounce"
    machine.sellers((T - 1600, "q"))
    assert machine.roles()["s"] == "yes"
    assert (marks(machine, "rejected")["s"], marks(machine, "in_force_majeure")["s"]) == (1, 1)
    assert marks(machine, "code")["s"] == NONE


@pytest.mark.parametrize("seed", range(8))
def test_a_random_history(seed):
    """Declared, confirmed, moved, widened and rejected at random: coverage, lists and marks are always right."""
    chance = random.Random(seed)
    machine = Machine(rules(15, pending_stands=seed % 2), panels=3)
    machine.advance(T + 10**7)
    latest, declared = {}, {}
    machine.sellers(*((T + 10_000 * number, f"s{number}", number % 3) for number in range(60)))
    for step in range(60):
        if step % 3 == 0:
            name = f"l{step}"
            declared[name] = (T + chance.randrange(600_000), chance.randrange(3))
            machine.long((declared[name][0], name, declared[name][1]))
        name = chance.choice([*declared, f"l{step + 3 - step % 3}"])
        start = chance.choice((None, T + chance.randrange(600_000)))
        end = chance.choice((None, (start or T) + chance.choice((0, 1, 100_000))))
        scope = chance.choice((PANEL_SCOPE, OFFICE_SCOPE))
        verdict = (chance.randrange(50), f"v{step}", chance.choice((0, 1, 1)), start, end, scope)
        ends = {key: ms for key, ms in (("from_ms", start), ("to_ms", end)) if ms is not None}
        machine.verdict(*verdict[:2], FORCE_MAJEURE, name, verdict[2], scope=scope, **ends)
        latest[name] = naive.latest([verdict, *([latest[name]] if name in latest else [])])
        check(machine, declared, latest, pending_stands=seed % 2)
    machine.sweep()
    check(machine, declared, latest, pending_stands=seed % 2)


def check(machine, declared, latest, *, pending_stands):
    """Marks of all surveys, and both lists in order of their ends."""
    spans = []
    for name, (ts_ms, panel) in declared.items():
        *_, reliable, start, end, scope = latest.get(name, (0, "", pending_stands, None, None, PANEL_SCOPE))
        if reliable:
            first = ts_ms if start is None else start
            last = ts_ms + DURATION_MS if end is None else end
            spans.append((None if scope == OFFICE_SCOPE else panel, 0, first, last))
    for panel in range(3):
        for _, press in machine.presses(panel):
            assert press["in_force_majeure"] == naive.is_covered(spans, panel, 0, press["ts_ms"])
        for instant in (T, T + 123_456, T + 600_000, T + DURATION_MS):
            assert is_covered(machine.tables, panel, instant) == naive.is_covered(spans, panel, 0, instant)
        for rows in standing(machine, panel):
            ends = machine.tables.force_majeures["to_ms"][rows].tolist()
            assert ends == sorted(ends, reverse=True)
    assert machine.size("FORCE_MAJEURES") == len(declared)
    assert machine.size("VERDICTS") == np.count_nonzero(machine.tables.verdict_index) == len(latest)
    in_lists = sum(len(standing(machine, panel)[0]) for panel in range(3)) + len(standing(machine)[1])
    assert in_lists == len(spans) == machine.tables.force_majeures["standing"][: machine.size("FORCE_MAJEURES")].sum()


def test_only_the_surveys_in_reach_are_looked_at():
    """A verdict on a force majeure leaves the surveys before and behind it alone."""
    machine = Machine()
    machine.sellers(*((T + 10_000 * number, f"s{number}") for number in range(40)))
    machine.long((T + 200_000, "long", 0))
    machine.tables.presses["in_force_majeure"][[19, 21]] = 1  # would be put right if they were looked at
    machine.verdict(T, "v", FORCE_MAJEURE, "long", 1, to_ms=T + 200_000)
    assert machine.tables.presses["in_force_majeure"][:40].tolist() == [0] * 19 + [1, 1, 1] + [0] * 18
