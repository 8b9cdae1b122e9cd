"""What happened in a partition's tables that signs of gaming are seen in: presses and facts by entity, in order of time.

1. :func:`count_presses`, :func:`count_facts`: how many moments each entity has;
2. :func:`place_presses`, :func:`place_facts`: the moments, entity by entity;
3. :func:`order_moments`: those of each entity in order of time.

They go by ranges of rows or entities, so that a reading comes in pieces. The number, the kind, the instant and the owner of rows never
change between sweeps, so 2 finds the room that 1 asked for, whatever was paired anew in between.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.compile import entry, kernel
from kernels.identity import ids_ordered
from kernels.layout import CALL, NONE, SALE, SELLER, VISIT, Tables
from kernels.signatures import FLAGS, INT, INTS, TABLES, array_of

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


@kernel
def first_since(moments: NDArray[np.void], begin: int, end: int, ts_ms: int) -> int:
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
