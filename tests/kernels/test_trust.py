"""Reasons and causes."""

import numpy as np
import pytest
from numba import types

from kernels.compile import entry
from kernels.layout import COUNTERS, QUESTIONS, SALES, VISITORS_HIGH, VISITORS_LOW
from kernels.trust import (
    CONVERSION,
    COVERAGE,
    FORCE_MAJEURE_LEVEL,
    NOT_ASKED_LATELY,
    NOT_ENOUGH_DATA,
    OFFICE_AND_PROCESSES,
    PERSONNEL_CAUSE,
    PRODUCT_OR_PRICE,
    STANDARDS,
    TOO_FEW_SURVEYS,
    UNCLEAR,
    WELL,
    Standards,
    cause_of,
    judge_offices,
    own_reasons,
)

ASKED = Standards(30.0, 0.2, 0.2, 0.2, 0.5, 0.05)
DOUBLE = types.float64
NOW_MS = 1_800_000_000_000


@entry(DOUBLE, DOUBLE, DOUBLE, STANDARDS)
def reasons(surveys, inside, of_all, standards):
    """Called from Python."""
    return own_reasons(surveys, inside, of_all, standards)


@entry(DOUBLE, DOUBLE, DOUBLE, STANDARDS)
def cause(ink_personnel, ink_office, iel, standards):
    """Called from Python."""
    return cause_of(ink_personnel, ink_office, iel, standards)


@pytest.mark.parametrize(
    ("surveys", "inside", "of_all", "expected"),
    [
        (30, 6, 30, 0),
        (29, 0, 30, TOO_FEW_SURVEYS),
        (30, 7, 30, FORCE_MAJEURE_LEVEL),
        (0, 1, 1, TOO_FEW_SURVEYS | FORCE_MAJEURE_LEVEL),
        (0, 0, 0, TOO_FEW_SURVEYS),
    ],
)
def test_own_reasons(surveys, inside, of_all, expected):
    """At the limits there is none yet, and none of force majeure without a survey."""
    assert reasons(surveys, inside, of_all, ASKED) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((0.2, 0.2, 0.5), WELL),
        ((0.8 * 3 / 12, 0.8 * 3 / 12, 0.5), WELL),
        ((0.2, 0.2, 0.4999), PRODUCT_OR_PRICE),
        ((0.2, 0.2501, 0.9), OFFICE_AND_PROCESSES),
        ((0.5, 0.5501, 0.9), OFFICE_AND_PROCESSES),
        ((0.5, 0.55, 0.9), PERSONNEL_CAUSE),
        ((0.2001, 0.0, -1.0), PERSONNEL_CAUSE),
        ((0.2, 0.25, 0.9), UNCLEAR),
    ],
)
def test_causes(values, expected):
    """On either side of every comparison."""
    assert cause(*values, ASKED) == expected
    assert expected != NOT_ENOUGH_DATA


def test_reasons_of_offices():
    """Ratios are held against the limits of their own office, ends included, and each question has its own time."""
    totals = np.zeros((6, 1, COUNTERS), np.int64)
    totals[:, 0, 3] = 10  # surveys
    totals[:, 0, SALES] = (0, 5, 4, 0, 11, 10)
    totals[:, 0, VISITORS_LOW] = (20, 21, 0, 2**32 - 1, 10, 0)
    totals[3, 0, VISITORS_HIGH] = -1  # -1 in all
    controls = np.array([COVERAGE, CONVERSION, CONVERSION, COVERAGE, CONVERSION, 0])
    limits = np.array([[0.5, 1]] * 4 + [[1, 1.1], [9, 9]])
    asked_ms = np.array([[NOW_MS, NOW_MS - 1000, NOW_MS - 1001]] * 5 + [[-1, 0, NOW_MS]])
    flags = np.full((6, 1, QUESTIONS), 77, np.uint8)
    judge_offices(totals, np.arange(6), controls, limits, asked_ms, NOW_MS, 1000, flags)
    assert (flags[:, 0, 0] & (COVERAGE | CONVERSION)).tolist() == [0, 0, CONVERSION, COVERAGE, 0, 0]
    late = (flags[:, 0] & NOT_ASKED_LATELY) > 0
    assert late.tolist() == [[False, False, True]] * 5 + [[True, True, False]]
