"""Rows of the catalogue as kernels see them: sums of counters, and what is made of them."""

from typing import Any, NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from kernels.layout import NONE
from kernels.signatures import FLAGS, INT, INTS, array_of
from kernels.trust import STANDARDS, Standards

# What is made of the sums of an index, and by which parameters.
(
    VALUE,  # the numerator, divided by the base where it divides
    DIRICHLET_LOWER,  # (prior_count, prior_first, prior_second, least value, greatest value)
    DIRICHLET_UPPER,
    WILSON_LOWER,
    WILSON_UPPER,
    RATE_LOWER,
    RATE_UPPER,
    REPRESENTATIVE,  # (question,): 1 where there is no reason against it, else 0
    REASON,  # (question, reason): 1 where the reason applies, else no value
    DIAGNOSIS,  # the cause
    CAUSE,  # (cause,): 1 where it is this one, else no value
    ELSEWHERE,  # no value here: it needs more than counters
) = range(12)
PARAMETERS = 5


class Formulas(NamedTuple):
    """Rows of the catalogue. Many rest on the same sum of counters, which is taken once."""

    weights: NDArray[np.float64]  # (COUNTERS, sums)
    numerators: NDArray[np.int64]  # (indices,) which of the sums
    bases: NDArray[np.int64]  # the same
    divides: NDArray[np.bool_]  # (indices,) by its base
    has_base: NDArray[np.bool_]  # (indices,) where the base is not positive there is no value; so with all that divide
    scales: NDArray[np.float64]  # (indices,)
    kinds: NDArray[np.int64]  # (indices,) what is made of the sums
    seconds: NDArray[np.int64]  # (indices,) which of the sums is that of squared weights
    parameters: NDArray[np.float64]  # (indices, PARAMETERS)
    main: NDArray[np.int64]  # (QUESTIONS,) the index of each question, or none where nothing is judged
    level: int  # the index that is the level of force majeure; of no meaning where nothing is judged
    standards: Standards


_FORMULA_TYPES = [
    array_of(np.float64, 2),
    INTS,
    INTS,
    FLAGS,
    FLAGS,
    array_of(np.float64),
    INTS,
    INTS,
    array_of(np.float64, 2),
    INTS,
    INT,
]
FORMULAS: Any = types.NamedTuple([*_FORMULA_TYPES, STANDARDS], Formulas)  # type: ignore[no-untyped-call]
_NOTHING_ASKED = Standards(0.0, 1.0, 0.0, 0.0, 0.0, 0.0)
_NO_INDEX = np.zeros(0, np.int64)


def formulas(
    numerators: NDArray[np.float64],
    bases: NDArray[np.float64],
    *,
    divides: NDArray[np.bool_],
    has_base: NDArray[np.bool_],
    scales: NDArray[np.float64],
    kinds: NDArray[np.int64] | None = None,
    seconds: NDArray[np.float64] | None = None,
    parameters: NDArray[np.float64] | None = None,
    main: NDArray[np.int64] = _NO_INDEX,
    level: int = NONE,
    standards: Standards = _NOTHING_ASKED,
) -> Formulas:
    """Formulas of matrices of weights, (COUNTERS, indices) each, the rest as :class:`Formulas` has it.

    Without ``kinds`` all are plain values.
    """
    count = scales.size
    seconds = numerators if seconds is None else seconds
    weights, places = np.unique(np.hstack([numerators, bases, seconds]), axis=1, return_inverse=True)
    numerator_places, base_places, second_places = places.reshape(3, -1)
    return Formulas(
        np.ascontiguousarray(weights),
        numerator_places,
        base_places,
        divides,
        has_base,
        scales,
        np.full(count, VALUE) if kinds is None else kinds,
        second_places,
        np.zeros((count, PARAMETERS)) if parameters is None else parameters,
        main,
        level,
        standards,
    )
