"""From counters to values: indices are weighted sums of counters, some of them divided by others.

Besides, there is what is said of an index with the same sums, and no other pass over the counters: the ends of its
interval, whether it is representative, the cause that it points at. A sum is taken counter by counter, in their order:
the value of an entity is the same to the last bit, whichever others it is computed with.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.compile import entry, kernel
from kernels.formulas import (
    DIAGNOSIS,
    DIRICHLET_LOWER,
    DIRICHLET_UPPER,
    ELSEWHERE,
    FORMULAS,
    RATE_LOWER,
    RATE_UPPER,
    REASON,
    REPRESENTATIVE,
    VALUE,
    WILSON_LOWER,
    WILSON_UPPER,
    Formulas,
)
from kernels.intervals import Z, dirichlet_bound, rate_lower, rate_upper, wilson_lower
from kernels.layout import CALLS, NONE, QUESTIONS, SALE_EVENTS, SCORE_BEGIN, SURVEY_CODES, VISITS
from kernels.signatures import INT, INTS, array_of
from kernels.trust import GROUNDS, NOT_ENOUGH_DATA, Grounds, cause_of, no_grounds, own_reasons

_TOTALS, _VALUES, _SEEN, _SUMS, _REASONS = (
    array_of(np.int64, 3),
    array_of(np.float64, 3),
    array_of(np.bool_, 2),
    array_of(np.float64),
    array_of(np.uint8, 3),
)


@kernel
def _weigh(
    totals: NDArray[np.int64], entity: int, window: int, weights: NDArray[np.float64], sums: NDArray[np.float64]
) -> bool:
    """Take all sums of one entity in one window, (sums,); whether anything was counted."""
    happened = False
    for place in range(sums.size):
        sums[place] = 0.0
    for counter in range(totals.shape[2]):
        total = totals[entity, window, counter]
        if total != 0:
            happened |= not SURVEY_CODES <= counter < SCORE_BEGIN or (
                counter in (CALLS, SALE_EVENTS, VISITS) and total > 0
            )
            count = float(total)
            for place in range(sums.size):
                sums[place] += count * weights[counter, place]
    return happened


@kernel
def _judge(
    sums: NDArray[np.float64],
    formulas: Formulas,
    grounds: Grounds,
    entity: int,
    window: int,
    happened: bool,
    reasons: NDArray[np.uint8],
) -> int:
    """Find the reasons against each main index, (QUESTIONS,), none where nothing was counted; returns the cause."""
    against = 0
    for question in range(QUESTIONS):
        reasons[question] = 0
    office = grounds.office_of[entity]
    if formulas.main.size == 0 or office == NONE or not happened:
        return NOT_ENOUGH_DATA
    inside = sums[formulas.numerators[formulas.level]]
    surveys = sums[formulas.bases[formulas.level]]
    for question in range(QUESTIONS):
        own = own_reasons(sums[formulas.bases[formulas.main[question]]], inside, surveys, formulas.standards)
        reasons[question] = own | grounds.flags[office, window, question]
        against |= reasons[question]
    if against:
        return NOT_ENOUGH_DATA
    return cause_of(
        _ratio(sums, formulas, formulas.main[0]),
        _ratio(sums, formulas, formulas.main[1]),
        _ratio(sums, formulas, formulas.main[2]),
        formulas.standards,
    )


@kernel
def _ratio(sums: NDArray[np.float64], formulas: Formulas, index: int) -> float:
    return sums[formulas.numerators[index]] / sums[formulas.bases[index]]


@kernel
def _value(sums: NDArray[np.float64], formulas: Formulas, index: int, reasons: NDArray[np.uint8], cause: int) -> float:
    """Value of one index where something was counted, NaN for none."""
    value = sums[formulas.numerators[index]]
    base = sums[formulas.bases[index]]
    if formulas.has_base[index] and base <= 0:
        return np.nan
    kind = formulas.kinds[index]
    if kind == ELSEWHERE:
        return np.nan
    if kind == VALUE:
        if formulas.divides[index]:
            value /= base
        scale = formulas.scales[index]
        return value if scale == 1.0 else value / scale
    if kind <= RATE_UPPER:
        return _bound(kind, value, base, sums[formulas.seconds[index]], formulas.parameters[index])
    first = formulas.parameters[index, 0]
    if kind == REPRESENTATIVE:
        return 1.0 if reasons[int(first)] == 0 else 0.0
    if kind == REASON:
        return 1.0 if reasons[int(first)] & int(formulas.parameters[index, 1]) else np.nan
    if kind == DIAGNOSIS:
        return float(cause)
    return 1.0 if cause == int(first) else np.nan


@kernel
def _bound(kind: int, value: float, base: float, second: float, parameters: NDArray[np.float64]) -> float:
    """One end of the interval of a ratio, of its sums."""
    if kind <= DIRICHLET_UPPER:
        deviations = -Z if kind == DIRICHLET_LOWER else Z
        bound = dirichlet_bound(value, second, base, parameters[0], parameters[1], parameters[2], deviations)
        return min(max(bound, parameters[3]), parameters[4])
    if kind == WILSON_LOWER:
        return wilson_lower(value, base)
    if kind == WILSON_UPPER:
        return 1.0 - wilson_lower(base - value, base)
    if kind == RATE_LOWER:
        return rate_lower(value, base)
    return rate_upper(value, base)


@entry(_TOTALS, FORMULAS, GROUNDS, _SUMS, _VALUES, _VALUES, _SEEN, _REASONS)
def _evaluate(
    totals: NDArray[np.int64],
    formulas: Formulas,
    grounds: Grounds,
    sums: NDArray[np.float64],
    values: NDArray[np.float64],
    bases: NDArray[np.float64],
    seen: NDArray[np.bool_],
    reasons: NDArray[np.uint8],
) -> None:
    for entity in range(totals.shape[0]):
        for window in range(totals.shape[1]):
            happened = _weigh(totals, entity, window, formulas.weights, sums)
            seen[entity, window] = happened
            against = reasons[entity, window]
            cause = _judge(sums, formulas, grounds, entity, window, happened, against)
            for index in range(values.shape[2]):
                values[entity, window, index] = _value(sums, formulas, index, against, cause) if happened else np.nan
                bases[entity, window, index] = sums[formulas.bases[index]]


class Evaluated(NamedTuple):
    """Indices, and what there is to say against those that are judged."""

    values: NDArray[np.float64]  # (entities, windows, indices), NaN for no value
    bases: NDArray[np.float64]  # the same shape
    seen: NDArray[np.bool_]  # (entities, windows): whether anything was counted; there is no value where nothing was
    reasons: NDArray[np.uint8]  # (entities, windows, QUESTIONS), flags of kernels.trust; 0 where nothing is judged


def evaluate(totals: NDArray[np.int64], formulas: Formulas, grounds: Grounds | None = None) -> Evaluated:
    """Values and bases of indices, whether anything was counted, and reasons against main indices.

    Parameters
    ----------
    totals
        Counters, (entities, windows, COUNTERS).
    grounds
        What their offices give for reasons; without, there are none.

    Returns
    -------
    A value is NaN where nothing was counted (a survey of any kind, a call, a sale of any sign, a visit of any count, a
    rating, a client, a request), or where there has to be a positive base and is none.
    """
    shape = totals.shape[:2]
    values = np.empty((*shape, formulas.scales.size), np.float64)
    bases = np.empty_like(values)
    seen = np.empty(shape, np.bool_)
    reasons = np.empty((*shape, QUESTIONS), np.uint8)
    grounds = no_grounds(*shape) if grounds is None else grounds
    _evaluate(totals, formulas, grounds, np.empty(formulas.weights.shape[1]), values, bases, seen, reasons)
    return Evaluated(values, bases, seen, reasons)


@entry(_TOTALS, INTS, FORMULAS, GROUNDS, INTS, INT, _SUMS, array_of(np.uint8), _VALUES, INTS)
def _evaluate_some(
    totals: NDArray[np.int64],
    entities: NDArray[np.int64],
    formulas: Formulas,
    grounds: Grounds,
    besides: NDArray[np.int64],
    room: int,
    sums: NDArray[np.float64],
    reasons: NDArray[np.uint8],
    values: NDArray[np.float64],
    counts: NDArray[np.int64],
) -> int:
    for row in range(entities.size):
        counts[row] = besides[row]
        for window in range(totals.shape[1]):
            happened = _weigh(totals, entities[row], window, formulas.weights, sums)
            cause = _judge(sums, formulas, grounds, entities[row], window, happened, reasons)
            for index in range(values.shape[2]):
                value = _value(sums, formulas, index, reasons, cause) if happened else np.nan
                values[row, window, index] = value
                counts[row] += not np.isnan(value)
        room -= counts[row]
        if room < 0:
            return row
    return entities.size


def evaluate_some(
    totals: NDArray[np.int64],
    entities: NDArray[np.int64],
    formulas: Formulas,
    room: int,
    grounds: Grounds | None = None,
    besides: NDArray[np.int64] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Values of the first of some entities, as many as have at most ``room`` values.

    Parameters
    ----------
    totals
        Counters, (all entities, windows, COUNTERS).
    entities
        Which of them, and in which order, (n,).
    grounds
        As of :func:`evaluate`, of all entities.
    besides
        How many values each has that are not computed here, (n,); none without.

    Returns
    -------
    Values as of :func:`evaluate`, (m, windows, indices), and how many of them there are of each entity, those besides
    included, (m,); m <= n.
    """
    values = np.empty((entities.size, totals.shape[1], formulas.scales.size), np.float64)
    counts = np.empty(entities.size, np.int64)
    sums, reasons = np.empty(formulas.weights.shape[1]), np.empty(QUESTIONS, np.uint8)
    grounds = no_grounds(*totals.shape[:2]) if grounds is None else grounds
    besides = np.zeros_like(entities) if besides is None else besides
    taken = _evaluate_some(totals, entities, formulas, grounds, besides, room, sums, reasons, values, counts)
    return values[:taken], counts[:taken]
