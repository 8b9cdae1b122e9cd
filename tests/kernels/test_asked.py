"""When a question was last asked in an office: raised, taken back, found again."""

import random

import pytest

from kernels.asked import find_asked
from kernels.layout import LOYALTY, OFFICE, PERSONNEL, QUESTIONS, SURVEY_TARGET
from tests.kernels.machine import Machine, retention, verdict

T = 1_800_000_000_000
MINUTE_MS = 60_000
REJECTED, RESTORED = 0, 1


def asked(machine):
    """The instants by office and question, found again where that is needed."""
    find_asked(machine.tables)
    assert machine.size("STALE") == 0
    assert not machine.tables.asked["stale"].any()
    return machine.tables.asked["latest_ms"][: QUESTIONS * machine.offices].reshape(-1, QUESTIONS).tolist()


def reject(machine, ts_ms, text, reliable=REJECTED):
    """Let an expert judge a survey."""
    machine.verdict(ts_ms, f"verdict-{ts_ms}", SURVEY_TARGET, text, reliable)


def test_each_question_of_each_office_has_its_own():
    """The latest decided survey counts; one that is still open does not."""
    machine = Machine(panels=2, offices=2)
    machine.sellers((T, "a", 0), (T + 5000, "b", 1, 0, LOYALTY), (T + 90_000, "c", 0, 0, OFFICE))
    machine.advance(T + 100_000)
    assert asked(machine) == [[T, -1, -1], [-1, -1, T + 5000]]
    machine.advance(T + 120_001)
    assert asked(machine) == [[T, T + 90_000, -1], [-1, -1, T + 5000]]


def test_who_is_rejected_gives_way_and_comes_back():
    """To the one before, on whichever panel; a verdict that restores it gives it its place again."""
    machine = Machine(panels=2)
    machine.sellers((T, "a", 0), (T + MINUTE_MS, "b", 1), (T + 2 * MINUTE_MS, "c", 0))
    machine.advance(T + 9 * MINUTE_MS)
    reject(machine, T + 3 * MINUTE_MS, "c")
    assert machine.size("STALE") == 1
    assert asked(machine)[0][PERSONNEL] == T + MINUTE_MS
    reject(machine, T + 4 * MINUTE_MS, "b")
    reject(machine, T + 5 * MINUTE_MS, "a")
    assert asked(machine)[0][PERSONNEL] == -1
    reject(machine, T + 6 * MINUTE_MS, "b", RESTORED)
    assert asked(machine)[0][PERSONNEL] == T + MINUTE_MS


def test_a_late_press_that_makes_it_a_bounce_takes_it_back():
    """The one that it bounces off is the latest now."""
    machine = Machine()
    machine.sellers((T, "a"))
    machine.advance(T + MINUTE_MS)
    machine.sellers((T - 500, "late"))
    assert asked(machine)[0][PERSONNEL] == T - 500


def test_what_was_swept_is_remembered():
    """A sweep forgets surveys, not when they were; those that were rejected by then never come back."""
    machine = Machine()
    machine.sellers((T, "a"), (T + MINUTE_MS, "b"), (T + 2 * MINUTE_MS, "c"))
    machine.advance(T + 9 * MINUTE_MS)
    reject(machine, T + 3 * MINUTE_MS, "b")
    machine.sweep(retention(press_ms=T + 2 * MINUTE_MS))
    assert asked(machine)[0][PERSONNEL] == T + 2 * MINUTE_MS
    reject(machine, T + 4 * MINUTE_MS, "c")
    assert asked(machine)[0][PERSONNEL] == T


@pytest.mark.parametrize("seed", range(6))
def test_any_course_ends_with_the_latest_that_counts(seed):
    """Presses in any order, verdicts, sweeps of nothing: always the greatest instant of those that count."""
    chance = random.Random(seed)
    machine = Machine(panels=4, offices=2)
    texts = []
    machine.advance(T + 60 * MINUTE_MS)
    for step in range(120):
        ts_ms = T + chance.randrange(120) * 500
        if texts and chance.random() < 0.4:
            target, place = chance.choice(texts)
            given = verdict(T + step, f"v{step}", SURVEY_TARGET, target, chance.randrange(2))
            machine.apply(given | {"office": place % 2})
        else:
            panel = chance.randrange(4)
            texts.append((f"s{step}", panel))
            machine.sellers((ts_ms, f"s{step}", panel, 0, chance.randrange(QUESTIONS)))
        if chance.random() < 0.1:
            machine.sweep()
        if chance.random() < 0.3:
            expected = [[-1] * QUESTIONS for _ in range(2)]
            for panel in range(4):
                for _, press in machine.presses(panel):
                    if press["code"] >= 0:
                        of = expected[panel % 2]
                        of[press["choice"]] = max(of[press["choice"]], int(press["ts_ms"]))
            assert asked(machine) == expected
