"""From counters to values."""

import numpy as np

from kernels.indices import Formulas, evaluate, saw_something
from kernels.layout import CALLS, COUNTERS, HANDLE_MS, SALE_EVENTS, SURVEY_CODES, VISITS


def matrix(*rows):
    """Weights {counter: weight} of indices as a matrix."""
    weights = np.zeros((COUNTERS, len(rows)))
    for column, row in enumerate(rows):
        for counter, weight in row.items():
            weights[counter, column] = weight
    return weights


FORMULAS = Formulas(
    matrix({0: 1, 1: 0.5}, {0: 1, 1: 0.5}, {2: 1}),
    matrix({2: 1, 3: -1}, {2: 1, 3: -1}, {3: 1}),
    np.array([True, False, True]),
    np.array([1.0, 10.0, 1000.0]),
)


def test_ratios_sums_and_scales():
    """A ratio divides by its base, a sum does not, and both are scaled; bases are not."""
    totals = np.zeros((2, 3, COUNTERS), np.int64)
    totals[1, 2, :4] = (6, 4, 12, 8)
    values, bases = evaluate(totals, FORMULAS)
    assert values.shape == bases.shape == (2, 3, 3)
    assert values[1, 2].tolist() == [8 / 4, 0.8, 12 / 8 / 1000]
    assert bases[1, 2].tolist() == [4, 4, 8]


def test_without_a_positive_base_a_ratio_has_no_value():
    """Zero and less, but a sum keeps its own."""
    totals = np.zeros((3, COUNTERS), np.int64)
    totals[1, :4] = (1, 0, 5, 5)
    totals[2, :4] = (1, 0, 5, 6)
    values, bases = evaluate(totals, FORMULAS)
    assert np.isnan(values[:, 0]).all()
    assert values[:, 1].tolist() == [0, 0.1, 0.1]
    assert bases[:, 0].tolist() == [0, 0, -1]


def test_something_was_seen():
    """A survey of any kind, a call, a sale of any sign or a visit of any count; not what only comes with them."""
    for counter in range(COUNTERS):
        totals = np.zeros((2, COUNTERS), np.int64)
        totals[1, counter] = 3
        expected = counter < SURVEY_CODES or counter in {CALLS, SALE_EVENTS, VISITS}
        assert saw_something(totals).tolist() == [False, expected]
    assert HANDLE_MS not in {CALLS, SALE_EVENTS, VISITS}
