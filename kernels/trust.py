"""May an index be believed, and where does the cause lie: reasons and causes as numbers, from sums that others took."""

from typing import Any, NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from kernels.compile import entry, kernel
from kernels.layout import NONE, QUESTIONS, SALES, SURVEY_CODES, VISITORS_HIGH, VISITORS_LOW
from kernels.signatures import INT, INTS, NUMBERS, array_of

# Reasons why an index is not representative, as flags; given in this order.
TOO_FEW_SURVEYS, COVERAGE, CONVERSION, FORCE_MAJEURE_LEVEL, NOT_ASKED_LATELY = 1, 2, 4, 8, 16

# Where the cause lies.
NOT_ENOUGH_DATA, PRODUCT_OR_PRICE, WELL, OFFICE_AND_PROCESSES, PERSONNEL_CAUSE, UNCLEAR = range(6)

SAME = 1e-9  # values that differ by less are the same: what doubles add to fractions is no cause
_HALF = 2.0**32


class Standards(NamedTuple):
    """What is asked of an index before it is believed, and what the company holds for good."""

    min_surveys: float
    force_majeure_level_max: float
    ink_personnel: float  # references
    ink_office: float
    iel: float
    margin: float


class Grounds(NamedTuple):
    """What an index rests on besides the counters of its own entity."""

    office_of: NDArray[np.int32]  # (entities,) number of the office of each; -1 for whoever is not judged
    flags: NDArray[np.uint8]  # (offices, windows, QUESTIONS) reasons that an office gives to all of its own


STANDARDS: Any = types.NamedUniTuple(types.float64, len(Standards._fields), Standards)  # type: ignore[no-untyped-call]
GROUNDS: Any = types.NamedTuple([NUMBERS, array_of(np.uint8, 3)], Grounds)  # type: ignore[no-untyped-call]


def no_grounds(entities: int, windows: int) -> Grounds:
    """Grounds that give no reason against anything."""
    return Grounds(np.zeros(entities, np.int32), np.zeros((1, windows, QUESTIONS), np.uint8))


@kernel
def own_reasons(surveys: float, inside: float, of_all: float, standards: Standards) -> int:
    """Reasons that lie in an entity's own surveys: how many of the question, and how many of all in force majeure."""
    reasons = 0
    if surveys < standards.min_surveys:
        reasons |= TOO_FEW_SURVEYS
    if of_all > 0 and inside / of_all > standards.force_majeure_level_max:
        reasons |= FORCE_MAJEURE_LEVEL
    return reasons


@kernel
def cause_of(ink_personnel: float, ink_office: float, iel: float, standards: Standards) -> int:
    """Where the cause lies, of three indices that may be believed."""
    if ink_personnel <= standards.ink_personnel + SAME and ink_office <= standards.ink_office + SAME:
        return PRODUCT_OR_PRICE if iel < standards.iel - SAME else WELL
    if ink_office > ink_personnel + standards.margin + SAME:
        return OFFICE_AND_PROCESSES
    if ink_personnel >= ink_office - standards.margin - SAME and ink_personnel > standards.ink_personnel + SAME:
        return PERSONNEL_CAUSE
    return UNCLEAR


@kernel
def _is_inside(part: float, whole: float, lowest: float, greatest: float) -> bool:
    """Whether a ratio lies within limits, ends included; one without a value does not."""
    return whole > 0 and lowest <= part / whole <= greatest


@entry(
    array_of(np.int64, 3), INTS, INTS, array_of(np.float64, 2), array_of(np.int64, 2), INT, INT, array_of(np.uint8, 3)
)
def judge_offices(
    totals: NDArray[np.int64],
    entities: NDArray[np.int64],
    controls: NDArray[np.int64],
    limits: NDArray[np.float64],
    asked_ms: NDArray[np.int64],
    now_ms: int,
    within_ms: int,
    flags: NDArray[np.uint8],
) -> None:
    """Find the reasons that offices give to their indices and their employees'.

    Parameters
    ----------
    totals
        Counters, (entities, windows, COUNTERS).
    entities
        Of the offices, (offices,).
    controls
        What tells whether an office asked its customers, (offices,): COVERAGE, CONVERSION or 0 for neither.
    limits
        Least and greatest value of it that is believed, (offices, 2).
    asked_ms
        When each question was last asked, (offices, QUESTIONS), -1 for never.
    now_ms, within_ms
        Now, and for how long an index is believed after its question was last asked.
    flags
        Output, (offices, windows, QUESTIONS).
    """
    for office in range(entities.size):
        for window in range(totals.shape[1]):
            counters = totals[entities[office], window]
            surveys = 0
            for code in range(SURVEY_CODES):
                surveys += counters[code]
            flag = 0
            if controls[office] == COVERAGE:
                visitors = float(counters[VISITORS_LOW]) + float(counters[VISITORS_HIGH]) * _HALF
                if not _is_inside(float(surveys), visitors, limits[office, 0], limits[office, 1]):
                    flag = COVERAGE
            elif controls[office] == CONVERSION and not _is_inside(
                float(counters[SALES]), float(surveys), limits[office, 0], limits[office, 1]
            ):
                flag = CONVERSION
            for question in range(QUESTIONS):
                last_ms = asked_ms[office, question]
                late = last_ms == NONE or now_ms - last_ms > within_ms
                flags[office, window, question] = flag | (NOT_ASKED_LATELY if late else 0)
