"""From counters to values: every index of every entity in every window at once."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.layout import CALLS, SALE_EVENTS, SURVEY_CODES, VISITS


class Formulas(NamedTuple):
    """The catalogue as matrices; (COUNTERS, indices) each, the rest (indices,)."""

    numerators: NDArray[np.float64]
    bases: NDArray[np.float64]
    divides: NDArray[np.bool_]
    scales: NDArray[np.float64]


def evaluate(totals: NDArray[np.int64], formulas: Formulas) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Values and bases of indices.

    Parameters
    ----------
    totals
        Counters, (..., COUNTERS).

    Returns
    -------
    Values and bases, (..., indices) each; a value is NaN where its denominator is not positive.
    """
    counters = totals.astype(np.float64)
    values = counters @ formulas.numerators
    bases = counters @ formulas.bases
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(bases > 0, values / bases, np.nan)
    return np.where(formulas.divides, ratios, values) / formulas.scales, bases


def saw_something(totals: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Where anything was counted at all; (...,) of counters (..., COUNTERS)."""
    happened: NDArray[np.bool_] = np.any(totals[..., :SURVEY_CODES], axis=-1)
    for counter in (CALLS, SALE_EVENTS, VISITS):
        happened |= totals[..., counter] > 0
    return happened
