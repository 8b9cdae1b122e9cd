"""Ratios with the ends of their 95 % intervals beside them, as indices of their own: `..._lower` and `..._upper`."""

from kernels.formulas import (
    DIRICHLET_LOWER,
    DIRICHLET_UPPER,
    RATE_LOWER,
    RATE_UPPER,
    WILSON_LOWER,
    WILSON_UPPER,
)
from streams.index import Index


def with_dirichlet(index: Index, worths: tuple[float, ...], least: float, greatest: float) -> list[Index]:
    """A mean of what surveys are worth by their class, in a range: :func:`kernels.intervals.dirichlet_bound`.

    Parameters
    ----------
    worths
        Of each class: yes, no, hard to say, silent, or promoters, passives, detractors.
    """
    prior_first = sum(worths) / 2
    prior_second = sum(worth**2 for worth in worths) / 2
    squares = {counter: weight**2 for counter, weight in index.numerator.items()}
    parameters = (len(worths) / 2, prior_first, prior_second, least, greatest)
    ends = _ends(index, DIRICHLET_LOWER, DIRICHLET_UPPER)
    return [index, *(end._replace(parameters=parameters, second=squares) for end in ends)]


def with_wilson(index: Index) -> list[Index]:
    """A plain share, of things that each count or do not: :func:`kernels.intervals.wilson_lower`."""
    return [index, *_ends(index, WILSON_LOWER, WILSON_UPPER)]


def with_rate(index: Index) -> list[Index]:
    """Things counted per others, which may exceed 1: :func:`kernels.intervals.rate_upper`."""
    return [index, *_ends(index, RATE_LOWER, RATE_UPPER)]


def _ends(index: Index, lower: int, upper: int) -> list[Index]:
    return [
        index._replace(
            name=f"{index.name}_{end}", help=f"{end.capitalize()} end of the 95 % interval of {index.name}.", kind=kind
        )
        for end, kind in (("lower", lower), ("upper", upper))
    ]
