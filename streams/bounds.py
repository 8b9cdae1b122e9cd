"""The ends of an interval with the numbers put in, so that a person can work them out by hand."""

from math import sqrt
from typing import Any, Final

from kernels.formulas import (
    DIRICHLET_LOWER,
    DIRICHLET_UPPER,
    RATE_LOWER,
    RATE_UPPER,
    WILSON_LOWER,
    WILSON_UPPER,
)
from kernels.intervals import Z
from streams.index import Index
from streams.numbers import number

LOWER: Final = (DIRICHLET_LOWER, WILSON_LOWER, RATE_LOWER)
_DIRICHLET: Final = (DIRICHLET_LOWER, DIRICHLET_UPPER)
_WILSON: Final = (WILSON_LOWER, WILSON_UPPER)
BOUNDS: Final = (*_DIRICHLET, *_WILSON, RATE_LOWER, RATE_UPPER)
_HALF_SQUARE: Final = Z * Z / 2


def bound_in_words(index: Index, counted: str, squares: str, sums: tuple[float, float, float], value: Any) -> str:
    """How an end of an interval comes about.

    Parameters
    ----------
    counted, squares
        The sum of the index, and that of its squared weights, in words.
    sums
        The sum, the base, and the sum of squared weights.
    """
    first, base, second = sums
    if value is None:
        return f"base {number(base)}: no value"
    sign = "-" if index.kind in LOWER else "+"
    if index.kind in _DIRICHLET:
        return _dirichlet(index, counted, squares, (first, base, second), sign) + f" = {number(value)}"
    part, whole = number(first), number(base)
    middle = f"{part} + {number(_HALF_SQUARE)} {sign} {Z} x √("
    if index.kind in _WILSON:
        text = (
            f"({middle}{part} x {number(base - first)} / {whole} + {number(Z * Z / 4)})) / ({whole} + {number(Z * Z)})"
        )
    else:
        text = f"({middle}{part} + {number(Z * Z / 4)})) / {whole}"
    return f"x = {counted}, n = {whole}: {text} = {number(value)}"


def _dirichlet(index: Index, counted: str, squares: str, sums: tuple[float, float, float], sign: str) -> str:
    first, base, second = sums
    prior_count, prior_first, prior_second, least, greatest = index.parameters
    whole = base + prior_count
    mean = (first + prior_first) / whole
    variance = ((second + prior_second) / whole - mean * mean) / (whole + 1)
    end = mean + float(f"{sign}{Z}") * sqrt(max(0.0, variance))
    clipped = f", at least {number(least)}" * (end < least) + f", at most {number(greatest)}" * (end > greatest)
    prior = f"{'-' if prior_first < 0 else '+'} {number(abs(prior_first))}"
    return (
        f"m = ({counted} {prior}) / ({number(base)} + {number(prior_count)}) = {number(mean)}, "
        f"variance = (({squares} + {number(prior_second)}) / {number(whole)} - {number(mean)} x {number(mean)}) / "
        f"{number(whole + 1)} = {number(variance)}: m {sign} {Z} x √variance{clipped}"
    )
