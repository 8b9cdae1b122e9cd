"""From counters to values: indices are weighted sums of counters, some of them divided by others.

A sum is taken counter by counter, in their order: the value of an entity is the same to the last bit, whichever others
it is computed with.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from kernels.compile import entry, kernel
from kernels.layout import CALLS, SALE_EVENTS, SURVEY_CODES, VISITS
from kernels.signatures import FLAGS, INT, INTS, array_of


class Formulas(NamedTuple):
    """Rows of the catalogue. Many rest on the same sum of counters, which is taken once."""

    weights: NDArray[np.float64]  # (COUNTERS, sums)
    numerators: NDArray[np.int64]  # (indices,) which of the sums
    bases: NDArray[np.int64]  # the same
    divides: NDArray[np.bool_]  # (indices,) by its base
    has_base: NDArray[np.bool_]  # (indices,) where the base is not positive there is no value; so with all that divide
    scales: NDArray[np.float64]  # (indices,)


_TOTALS, _VALUES, _SEEN, _SUMS = (
    array_of(np.int64, 3),
    array_of(np.float64, 3),
    array_of(np.bool_, 2),
    array_of(np.float64),
)
_FORMULA_TYPES = [array_of(np.float64, 2), INTS, INTS, FLAGS, FLAGS, _SUMS]
_FORMULAS: Any = types.NamedTuple(_FORMULA_TYPES, Formulas)  # type: ignore[no-untyped-call]


def formulas(
    numerators: NDArray[np.float64],
    bases: NDArray[np.float64],
    *,
    divides: NDArray[np.bool_],
    has_base: NDArray[np.bool_],
    scales: NDArray[np.float64],
) -> Formulas:
    """Formulas of matrices of weights, (COUNTERS, indices) each, the rest (indices,)."""
    weights, places = np.unique(np.hstack([numerators, bases]), axis=1, return_inverse=True)
    numerator_places, base_places = places.reshape(2, -1)
    return Formulas(np.ascontiguousarray(weights), numerator_places, base_places, divides, has_base, scales)


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
            happened |= counter < SURVEY_CODES or (counter in (CALLS, SALE_EVENTS, VISITS) and total > 0)
            count = float(total)
            for place in range(sums.size):
                sums[place] += count * weights[counter, place]
    return happened


@kernel
def _value(sums: NDArray[np.float64], formulas: Formulas, index: int) -> float:
    """Value of one index where something was counted, NaN for none."""
    value = sums[formulas.numerators[index]]
    base = sums[formulas.bases[index]]
    if formulas.has_base[index] and base <= 0:
        return np.nan
    if formulas.divides[index]:
        value /= base
    scale = formulas.scales[index]
    return value if scale == 1.0 else value / scale


@entry(_TOTALS, _FORMULAS, _SUMS, _VALUES, _VALUES, _SEEN)
def _evaluate(
    totals: NDArray[np.int64],
    formulas: Formulas,
    sums: NDArray[np.float64],
    values: NDArray[np.float64],
    bases: NDArray[np.float64],
    seen: NDArray[np.bool_],
) -> None:
    for entity in range(totals.shape[0]):
        for window in range(totals.shape[1]):
            happened = _weigh(totals, entity, window, formulas.weights, sums)
            seen[entity, window] = happened
            for index in range(values.shape[2]):
                values[entity, window, index] = _value(sums, formulas, index) if happened else np.nan
                bases[entity, window, index] = sums[formulas.bases[index]]


def evaluate(
    totals: NDArray[np.int64], formulas: Formulas
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Values and bases of indices, and whether anything was counted.

    Parameters
    ----------
    totals
        Counters, (entities, windows, COUNTERS).

    Returns
    -------
    Values and bases, (entities, windows, indices) each, and (entities, windows) bool. A value is NaN where nothing was
    counted (a survey of any kind, a call, a sale of any sign, a visit of any count), or where there has to be a
    positive base and is none.
    """
    shape = totals.shape[:2]
    values = np.empty((*shape, formulas.scales.size), np.float64)
    bases = np.empty_like(values)
    seen = np.empty(shape, np.bool_)
    _evaluate(totals, formulas, np.empty(formulas.weights.shape[1]), values, bases, seen)
    return values, bases, seen


@entry(_TOTALS, INTS, _FORMULAS, INT, _SUMS, _VALUES, INTS)
def _evaluate_some(
    totals: NDArray[np.int64],
    entities: NDArray[np.int64],
    formulas: Formulas,
    room: int,
    sums: NDArray[np.float64],
    values: NDArray[np.float64],
    counts: NDArray[np.int64],
) -> int:
    for row in range(entities.size):
        counts[row] = 0
        for window in range(totals.shape[1]):
            happened = _weigh(totals, entities[row], window, formulas.weights, sums)
            for index in range(values.shape[2]):
                value = _value(sums, formulas, index) if happened else np.nan
                values[row, window, index] = value
                counts[row] += not np.isnan(value)
        room -= counts[row]
        if room < 0:
            return row
    return entities.size


def evaluate_some(
    totals: NDArray[np.int64], entities: NDArray[np.int64], formulas: Formulas, room: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Values of the first of some entities, as many as have at most ``room`` values.

    Parameters
    ----------
    totals
        Counters, (all entities, windows, COUNTERS).
    entities
        Which of them, and in which order, (n,).

    Returns
    -------
    Values as of :func:`evaluate`, (m, windows, indices), and how many of them there are of each entity, (m,); m <= n.
    """
    values = np.empty((entities.size, totals.shape[1], formulas.scales.size), np.float64)
    counts = np.empty(entities.size, np.int64)
    taken = _evaluate_some(totals, entities, formulas, room, np.empty(formulas.weights.shape[1]), values, counts)
    return values[:taken], counts[:taken]


@entry(_TOTALS, _TOTALS, FLAGS)
def _differing(totals: NDArray[np.int64], others: NDArray[np.int64], differs: NDArray[np.bool_]) -> None:
    for entity in range(totals.shape[0]):
        differs[entity] = False
        for window in range(totals.shape[1]):
            if differs[entity]:
                break
            for counter in range(totals.shape[2]):
                if totals[entity, window, counter] != others[entity, window, counter]:
                    differs[entity] = True
                    break


def differing(totals: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which entities have other counters, (entities,); of two arrays (entities, windows, COUNTERS)."""
    differs = np.empty(totals.shape[0], np.bool_)
    _differing(totals, others, differs)
    return differs
