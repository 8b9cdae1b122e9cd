"""Signs of gaming, counted out of a partition's tables; what each is, :mod:`streams.signs` says.

They look at what lies near a press in time, on either side, so they are counted anew whenever they are read:

1. :mod:`kernels.moments`: what each entity did, in order of time;
2. :func:`judge_people`: what each employee's presses and sales have near them; :func:`judge_force_majeures`;
3. :func:`sum_up`: from employees to offices, and from the time between two windows' beginnings to windows.

1 and 2 go by ranges of rows or entities, so that a reading comes in pieces.
"""

import numpy as np
from numpy.typing import NDArray

from kernels.compile import entry, kernel
from kernels.force_majeure import latest_verdict
from kernels.layout import FORCE_MAJEURE_TARGET, NO, NONE, RELIABLE, SELLER, SILENT, YES, Rules, Tables
from kernels.moments import MOMENTS, first_since
from kernels.signatures import FLAGS, INT, INTS, RULES, TABLES, array_of

(
    QUICK_ANSWERS,
    YES_RUNS,
    PRESSES_WITHOUT_CONTEXT,
    SALES_WITHOUT_PRESS,
    FORCE_MAJEURE_AFTER_NO,
    FORCE_MAJEURES_DECLARED,
    FORCE_MAJEURES_CONFIRMED,
) = range(7)
SIGN_CODES = 7
ODD, BASE = 0, 1  # how many are a sign, and of how many that might be one

COUNTS = array_of(np.int32, 4)


@kernel
def _span_of(window_begin_ms: NDArray[np.int64], ts_ms: int) -> int:
    """The first of the windows, those that begin last first, that holds an instant; how many there are if none does."""
    for window in range(window_begin_ms.shape[0]):
        if ts_ms >= window_begin_ms[window]:
            return window
    return window_begin_ms.shape[0]


@kernel
def _note(
    counts: NDArray[np.int32], window_begin_ms: NDArray[np.int64], whose: int, sign: int, ts_ms: int, is_odd: bool
) -> None:
    """Count what might be a sign, and is one or is not."""
    span = _span_of(window_begin_ms, ts_ms)
    if span < window_begin_ms.shape[0]:
        counts[whose, span, sign, BASE] += 1
        counts[whose, span, sign, ODD] += is_odd


@kernel
def _judge_runs(
    presses: NDArray[np.void],
    begin: int,
    end: int,
    run: int,
    window_begin_ms: NDArray[np.int64],
    whose: int,
    counts: NDArray[np.int32],
) -> None:
    """Count surveys answered with yes; those in runs as long as `run` or longer are a sign."""
    since_ms = window_begin_ms[-1]  # before it no window reaches, and no run
    length = 0
    run_begin = begin
    for at in range(begin, end + 1):
        is_end = at == end
        if not is_end and (presses[at]["outcome"] == NONE or presses[at]["ts_ms"] < since_ms):
            continue
        if not is_end and presses[at]["outcome"] == YES:
            if length == 0:
                run_begin = at
            length += 1
            continue
        for each in range(run_begin, at if length > 0 else run_begin):
            if presses[each]["outcome"] == YES:
                _note(counts, window_begin_ms, whose, YES_RUNS, presses[each]["ts_ms"], length >= run)
        length = 0


@kernel
def _judge_sales(
    presses: NDArray[np.void],
    begin: int,
    end: int,
    sales: NDArray[np.void],
    sale_begin: int,
    sale_end: int,
    near_ms: int,
    window_begin_ms: NDArray[np.int64],
    whose: int,
    counts: NDArray[np.int32],
) -> None:
    """Count the sales of an employee; those without an accepted press near them are a sign."""
    first = begin
    for at in range(sale_begin, sale_end):
        sale = sales[at]
        if sale["accepted"]:
            first = first_since(presses, first, end, sale["ts_ms"] - near_ms)
            near = first
            while near < end and not presses[near]["accepted"]:
                near += 1
            is_odd = near == end or presses[near]["ts_ms"] > sale["ts_ms"] + near_ms
            _note(counts, window_begin_ms, whose, SALES_WITHOUT_PRESS, sale["ts_ms"], is_odd)


@entry(INT, INT, INTS, INTS, MOMENTS, FLAGS, INTS, MOMENTS, FLAGS, INT, INT, INT, INTS, COUNTS)
def judge_people(
    begin: int,
    end: int,
    office_of: NDArray[np.int64],
    press_ends: NDArray[np.int64],
    presses: NDArray[np.void],
    have_presses: NDArray[np.bool_],
    fact_ends: NDArray[np.int64],
    facts: NDArray[np.void],
    have_facts: NDArray[np.bool_],
    quick_ms: int,
    run: int,
    near_ms: int,
    window_begin_ms: NDArray[np.int64],
    counts: NDArray[np.int32],
) -> None:
    """Count the signs in what some employees pressed and sold, of which all moments stand in order.

    Employees without a name of their own cannot be told apart: of them only quick answers count, for their offices.

    Parameters
    ----------
    begin, end
        Entities; those that are no employees are passed over.
    office_of
        The entity of each employee's office, that of an office its own, -1 for other entities, (entities,).
    quick_ms, run, near_ms
        From where on something is a sign: an answer so soon after its press, so many yes in a row, nothing so near.
    window_begin_ms
        The windows, those that begin last first, (windows,).
    counts
        Output, (entities, windows, SIGN_CODES, 2), to be added to: what lies between the beginning of a window and that of the one before.
    """
    for whose in range(begin, end):
        office = office_of[whose]
        for at in range(press_ends[whose], press_ends[whose + 1]):
            press = presses[at]
            if 0 <= press["outcome"] < SILENT:
                _note(
                    counts,
                    window_begin_ms,
                    press["office"] if office == NONE else whose,
                    QUICK_ANSWERS,
                    press["ts_ms"],
                    press["answer_ms"] - press["ts_ms"] <= quick_ms,
                )
        if office in (NONE, whose):
            continue
        _judge_runs(presses, press_ends[whose], press_ends[whose + 1], run, window_begin_ms, whose, counts)
        if have_facts[office]:
            own = fact_ends[whose]
            of_all = fact_ends[office]
            for at in range(press_ends[whose], press_ends[whose + 1]):
                press = presses[at]
                if press["outcome"] == NONE:
                    continue
                own = first_since(facts, own, fact_ends[whose + 1], press["ts_ms"] - near_ms)
                of_all = first_since(facts, of_all, fact_ends[office + 1], press["ts_ms"] - near_ms)
                is_odd = (own == fact_ends[whose + 1] or facts[own]["ts_ms"] > press["ts_ms"] + near_ms) and (
                    of_all == fact_ends[office + 1] or facts[of_all]["ts_ms"] > press["ts_ms"] + near_ms
                )
                _note(counts, window_begin_ms, whose, PRESSES_WITHOUT_CONTEXT, press["ts_ms"], is_odd)
        if have_presses[office]:
            _judge_sales(
                presses,
                press_ends[whose],
                press_ends[whose + 1],
                facts,
                fact_ends[whose],
                fact_ends[whose + 1],
                near_ms,
                window_begin_ms,
                whose,
                counts,
            )


@kernel
def _follows_no(tables: Tables, rules: Rules, panel_number: int, ts_ms: int, after_ms: int) -> bool:
    """Whether a survey of a panel was answered with no at an instant, or at most so long before."""
    panel = tables.panels[panel_number]
    low = 0
    high = panel["length"]
    while low < high:  # to the first press after the instant
        middle = (low + high) // 2
        if tables.presses[tables.sequence[panel["start"] + middle]]["ts_ms"] <= ts_ms:
            low = middle + 1
        else:
            high = middle
    for at in range(low - 1, -1, -1):
        press = tables.presses[tables.sequence[panel["start"] + at]]
        if press["ts_ms"] < ts_ms - after_ms - rules.answer_window_ms:
            return False
        if press["kind"] == SELLER and press["accepted"] and press["outcome"] == NO and press["answer_ms"] <= ts_ms:
            return press["answer_ms"] >= ts_ms - after_ms  # answers come in the order of their surveys
    return False


@entry(TABLES, RULES, INT, INT, INT, INTS, INTS, COUNTS)
def judge_force_majeures(
    tables: Tables,
    rules: Rules,
    begin: int,
    end: int,
    after_ms: int,
    office_of: NDArray[np.int64],
    window_begin_ms: NDArray[np.int64],
    counts: NDArray[np.int32],
) -> None:
    """Count force majeures: those declared, those of them at most `after_ms` after a no on their panel, those confirmed.

    Parameters
    ----------
    begin, end
        Rows of force majeures.
    """
    for row in range(begin, end):
        declared = tables.force_majeures[row]
        ts_ms = declared["ts_ms"]
        if ts_ms < window_begin_ms[-1]:
            continue
        whose = declared["employee"]
        if office_of[whose] == NONE:
            whose = tables.panels[declared["panel"]]["entity"]
        verdict = latest_verdict(tables, declared["hash_high"], declared["hash_low"], FORCE_MAJEURE_TARGET)
        is_confirmed = verdict != NONE and tables.verdicts[verdict]["reliable"] == RELIABLE
        follows = _follows_no(tables, rules, declared["panel"], ts_ms, after_ms)
        _note(counts, window_begin_ms, whose, FORCE_MAJEURE_AFTER_NO, ts_ms, follows)
        _note(counts, window_begin_ms, whose, FORCE_MAJEURES_DECLARED, ts_ms, is_odd=True)
        _note(counts, window_begin_ms, whose, FORCE_MAJEURES_CONFIRMED, ts_ms, is_confirmed)


@entry(INTS, COUNTS)
def sum_up(office_of: NDArray[np.int64], counts: NDArray[np.int32]) -> None:
    """Make counts of the time between windows' beginnings those of windows, and add employees' to their offices'.

    Parameters
    ----------
    counts
        In and out, as :func:`judge_people` has it.
    """
    for whose in range(counts.shape[0]):
        office = office_of[whose]
        if office not in (NONE, whose):
            for window in range(counts.shape[1]):
                for sign in range(SIGN_CODES):
                    for part in (ODD, BASE):
                        counts[office, window, sign, part] += counts[whose, window, sign, part]
    for whose in range(counts.shape[0]):
        for window in range(1, counts.shape[1]):
            for sign in range(SIGN_CODES):
                for part in (ODD, BASE):
                    counts[whose, window, sign, part] += counts[whose, window - 1, sign, part]
