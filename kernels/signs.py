"""Signs of gaming, counted out of a partition's tables; what each is, :mod:`streams.signs` says.

They look at what lies near a press in time, on either side, so they are counted anew whenever they are read:

1. :func:`count_presses`, :func:`count_facts`: how many moments each entity has;
2. :func:`place_presses`, :func:`place_facts`: the moments, entity by entity;
3. :func:`order_moments`: those of each entity in order of time;
4. :func:`judge_people`: what each employee's presses and sales have near them; :func:`judge_force_majeures`;
5. :func:`sum_up`: from employees to offices, and from the time between two windows' beginnings to windows.

1 to 4 go by ranges of rows or entities, so that a reading comes in pieces. The number, the kind, the instant and the owner of rows never
change between sweeps, so 2 finds the room that 1 asked for, whatever was paired anew in between.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.compile import entry, kernel
from kernels.force_majeure import latest_verdict
from kernels.identity import ids_ordered
from kernels.layout import (
    CALL,
    FORCE_MAJEURE_TARGET,
    NO,
    NONE,
    RELIABLE,
    SALE,
    SELLER,
    SILENT,
    VISIT,
    YES,
    Rules,
    Tables,
)
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

MOMENT_ROW = np.dtype(
    [
        ("ts_ms", np.int64),
        ("answer_ms", np.int64),  # of a press, as PRESS_ROW has it
        ("row", np.int32),  # of presses or facts
        ("office", np.int32),  # entity
        ("accepted", np.int8),  # a press that is no bounce, a sale of something
        ("outcome", np.int8),  # of a press whose survey counts, -1 for others
    ],
    align=True,
)
MOMENTS = array_of(MOMENT_ROW)
COUNTS = array_of(np.int32, 4)


# Moments by entity -------------------------------------------------------------------------------------------------


@kernel
def _is_contact(fact: np.void) -> bool:
    """Whether a fact shows that somebody was there."""
    kind = fact["kind"]
    return kind in (CALL, SALE) or (kind == VISIT and fact["amount"] > 0)


@kernel
def _owner(fact: np.void) -> Any:
    return fact["office"] if fact["employee"] == NONE else fact["employee"]


@entry(TABLES, INT, INT, INT, INTS)
def count_presses(tables: Tables, begin: int, end: int, since_ms: int, counts: NDArray[np.int64]) -> None:
    """Count the seller presses of each employee among some rows, of an instant and later; adds to `counts`, (entities,)."""
    for row in range(begin, end):
        press = tables.presses[row]
        if press["kind"] == SELLER and press["ts_ms"] >= since_ms:
            counts[press["employee"]] += 1


@entry(TABLES, INT, INT, INT, INTS)
def count_facts(tables: Tables, begin: int, end: int, since_ms: int, counts: NDArray[np.int64]) -> None:
    """Count what shows that somebody was there: of each employee, and of an office what names nobody; see `count_presses`."""
    for row in range(begin, end):
        fact = tables.facts[row]
        if fact["ts_ms"] >= since_ms and _is_contact(fact):
            counts[_owner(fact)] += 1


@entry(TABLES, INT, INT, INT, INTS, MOMENTS, FLAGS)
def place_presses(
    tables: Tables,
    begin: int,
    end: int,
    since_ms: int,
    places: NDArray[np.int64],
    moments: NDArray[np.void],
    have: NDArray[np.bool_],
) -> None:
    """Put the presses that were counted where they belong.

    Parameters
    ----------
    places
        Where the next one of each entity goes, (entities,); moved on.
    have
        Output, (entities,): set for offices that have an accepted press.
    """
    for row in range(begin, end):
        press = tables.presses[row]
        if press["kind"] != SELLER or press["ts_ms"] < since_ms:
            continue
        moment = moments[places[press["employee"]]]
        places[press["employee"]] += 1
        moment["ts_ms"] = press["ts_ms"]
        moment["row"] = row
        moment["office"] = tables.panels[press["panel"]]["entity"]
        moment["accepted"] = press["accepted"]
        moment["outcome"] = press["outcome"] if press["code"] != NONE else NONE
        moment["answer_ms"] = press["answer_ms"]
        if press["accepted"]:
            have[moment["office"]] = True


@entry(TABLES, INT, INT, INT, INTS, MOMENTS, FLAGS)
def place_facts(
    tables: Tables,
    begin: int,
    end: int,
    since_ms: int,
    places: NDArray[np.int64],
    moments: NDArray[np.void],
    have: NDArray[np.bool_],
) -> None:
    """Put the facts that were counted where they belong; `have` is set for offices that have any. See `place_presses`."""
    for row in range(begin, end):
        fact = tables.facts[row]
        if fact["ts_ms"] < since_ms or not _is_contact(fact):
            continue
        moment = moments[places[_owner(fact)]]
        places[_owner(fact)] += 1
        moment["ts_ms"] = fact["ts_ms"]
        moment["row"] = row
        moment["office"] = fact["office"]
        moment["accepted"] = fact["kind"] == SALE and fact["amount"] > 0
        moment["outcome"] = NONE
        moment["answer_ms"] = NONE
        have[fact["office"]] = True


# Order -------------------------------------------------------------------------------------------------------------


@kernel
def _merge(moments: NDArray[np.void], low: int, middle: int, high: int, spare: NDArray[np.void]) -> None:
    """Merge two neighbouring runs that stand in order each; of equal instants those of the first come first."""
    for i in range(middle - low):
        spare[i] = moments[low + i]
    first = 0
    second = middle
    for at in range(low, high):
        if first < middle - low and (second == high or spare[first]["ts_ms"] <= moments[second]["ts_ms"]):
            moments[at] = spare[first]
            first += 1
        else:
            moments[at] = moments[second]
            second += 1


@kernel
def _order(moments: NDArray[np.void], begin: int, end: int, spare: NDArray[np.void]) -> None:
    """Order by instant. What comes nearly in order, as it does, is little moved."""
    in_order = True
    for at in range(begin + 1, end):
        in_order &= moments[at - 1]["ts_ms"] <= moments[at]["ts_ms"]
    width = 1
    while not in_order and width < end - begin:
        for low in range(begin, end - width, 2 * width):
            middle = low + width
            if moments[middle - 1]["ts_ms"] > moments[middle]["ts_ms"]:
                _merge(moments, low, middle, min(middle + width, end), spare)
        width *= 2


@kernel
def _order_by_id(tables: Tables, moments: NDArray[np.void], begin: int, end: int, spare: NDArray[np.void]) -> None:
    """Order presses of one instant, which lie on panels of their own, by their ids."""
    for i in range(begin + 1, end):
        at = i
        while at > begin and moments[at - 1]["ts_ms"] == moments[at]["ts_ms"]:
            one = tables.presses[moments[at - 1]["row"]]
            other = tables.presses[moments[at]["row"]]
            if ids_ordered(tables.id_bytes, one["id_start"], one["id_length"], other["id_start"], other["id_length"]):
                break
            spare[0] = moments[at]
            moments[at] = moments[at - 1]
            moments[at - 1] = spare[0]
            at -= 1


@entry(TABLES, INT, INT, INTS, MOMENTS, INTS, MOMENTS, MOMENTS)
def order_moments(
    tables: Tables,
    begin: int,
    end: int,
    press_ends: NDArray[np.int64],
    presses: NDArray[np.void],
    fact_ends: NDArray[np.int64],
    facts: NDArray[np.void],
    spare: NDArray[np.void],
) -> None:
    """Order the moments of some entities by time, presses of one instant by their ids.

    Parameters
    ----------
    begin, end
        Entities.
    press_ends, fact_ends
        Where the moments of each entity end, (1 + entities,), with those of none before the first.
    spare
        Room for as many moments as one entity has at most.
    """
    for entity in range(begin, end):
        _order(presses, press_ends[entity], press_ends[entity + 1], spare)
        _order_by_id(tables, presses, press_ends[entity], press_ends[entity + 1], spare)
        _order(facts, fact_ends[entity], fact_ends[entity + 1], spare)


# Signs -------------------------------------------------------------------------------------------------------------


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
def _first_since(moments: NDArray[np.void], begin: int, end: int, ts_ms: int) -> int:
    """The first of some moments in order at an instant or later: near the beginning where it is near in time."""
    step = 1
    low = begin  # all before it are earlier
    while low + step <= end and moments[low + step - 1]["ts_ms"] < ts_ms:
        low += step
        step *= 2
    high = min(low + step - 1, end)
    while low < high:
        middle = (low + high) // 2
        if moments[middle]["ts_ms"] < ts_ms:
            low = middle + 1
        else:
            high = middle
    return low


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
            first = _first_since(presses, first, end, sale["ts_ms"] - near_ms)
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
                own = _first_since(facts, own, fact_ends[whose + 1], press["ts_ms"] - near_ms)
                of_all = _first_since(facts, of_all, fact_ends[office + 1], press["ts_ms"] - near_ms)
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
