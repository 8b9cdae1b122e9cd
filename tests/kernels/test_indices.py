"""From counters to values."""

import numpy as np
import pytest

from kernels.formulas import formulas
from kernels.indices import evaluate, evaluate_some
from kernels.layout import CALLS, COUNTERS, HANDLE_MS, SALE_EVENTS, SCORE_BEGIN, SURVEY_CODES, VISITS

ALL = 2**62


def matrix(*rows):
    """Weights {counter: weight} of indices as a matrix."""
    weights = np.zeros((COUNTERS, len(rows)))
    for column, row in enumerate(rows):
        for counter, weight in row.items():
            weights[counter, column] = weight
    return weights


NUMERATORS = matrix({0: 1, 1: 0.5}, {0: 1, 1: 0.5}, {2: 1}, {4: 1})
BASES = matrix({2: 1, 3: -1}, {2: 1, 3: -1}, {3: 1}, {3: 1})
FORMULAS = formulas(
    NUMERATORS,
    BASES,
    divides=np.array([True, False, True, False]),
    has_base=np.array([True, False, True, True]),
    scales=np.array([1.0, 10.0, 1000.0, 1.0]),
)


def random_totals(seed, entities=40, windows=3):
    """Counters of which many are nought."""
    chance = np.random.default_rng(seed)
    totals = chance.integers(-3, 9, (entities, windows, COUNTERS)) * chance.integers(
        0, 2, (entities, windows, COUNTERS)
    )
    totals[chance.random((entities, windows)) < 0.3] = 0
    return totals


def random_rows(seed, indices=7):
    """Rows of random weights, some of them the same."""
    chance = np.random.default_rng(seed)
    numerators, bases = chance.choice([0.0, 0.0, 1.0, -1.0, 0.8], (2, COUNTERS, indices))
    bases[:, 1] = bases[:, 0]
    numerators[:, 2] = bases[:, 3]
    divides, more = chance.random((2, indices)) < 0.5
    scales = chance.choice([1.0, 1000.0], indices)
    return numerators, bases, {"divides": divides, "has_base": divides | more, "scales": scales}


def plain(counters, index, numerators, bases, rest):
    """Value and base of one index, a term after the other."""
    value = base = 0.0
    for counter, count in enumerate(counters.tolist()):
        value += count * float(numerators[counter, index])
        base += count * float(bases[counter, index])
    happened = any(counters[:SURVEY_CODES]) or any(counters[SCORE_BEGIN:])
    happened |= any(counters[[CALLS, SALE_EVENTS, VISITS]] > 0)
    if not happened or (rest["has_base"][index] and base <= 0):
        return None, base
    return (value / base if rest["divides"][index] else value) / float(rest["scales"][index]), base


def test_ratios_sums_and_scales():
    """A ratio divides by its base, a sum does not, and both are scaled; bases are not."""
    totals = np.zeros((2, 3, COUNTERS), np.int64)
    totals[1, 2, :5] = (6, 4, 12, 8, 2)
    values, bases, seen, _ = evaluate(totals, FORMULAS)
    assert values.shape == bases.shape == (2, 3, 4)
    assert values[1, 2].tolist() == [8 / 4, 0.8, 12 / 8 / 1000, 2]
    assert bases[1, 2].tolist() == [4, 4, 8, 8]
    assert seen.tolist() == [[False] * 3, [False, False, True]]
    assert np.isnan(values[~seen]).all()


def test_without_a_positive_base_there_is_no_value():
    """Zero and less; but a sum that asks for no base keeps its own."""
    totals = np.zeros((2, 1, COUNTERS), np.int64)
    totals[0, 0, :4] = (1, 0, 5, 5)
    totals[1, 0, :4] = (1, 0, 0, 6)
    values, bases, _, _ = evaluate(totals, FORMULAS)
    assert np.isnan(values[:, 0, 0]).all()
    assert values[:, 0, 1].tolist() == [0.1, 0.1]
    assert values[:, 0, 3].tolist() == [0, 0]
    assert bases[:, 0, 0].tolist() == [0, -6]
    totals[:, 0, 3] = 0
    assert np.isnan(evaluate(totals, FORMULAS)[0][:, 0, 3]).all()


def test_something_was_seen():
    """A survey of any kind, a call, a sale of any sign, a visit of any count, a score; not what only comes with them."""
    for counter in range(COUNTERS):
        totals = np.zeros((2, 1, COUNTERS), np.int64)
        totals[1, 0, counter] = 3
        expected = not SURVEY_CODES <= counter < SCORE_BEGIN or counter in {CALLS, SALE_EVENTS, VISITS}
        assert evaluate(totals, FORMULAS)[2].tolist() == [[False], [expected]]
    assert HANDLE_MS not in {CALLS, SALE_EVENTS, VISITS}


@pytest.mark.parametrize("seed", range(5))
def test_values_are_those_of_plain_sums(seed):
    """To the last bit."""
    numerators, bases_of, rest = random_rows(seed)
    totals = random_totals(seed)
    values, bases, seen, _ = evaluate(totals, formulas(numerators, bases_of, **rest))
    for (entity, window, index), value in np.ndenumerate(values):
        expected, base = plain(totals[entity, window], index, numerators, bases_of, rest)
        assert (None if np.isnan(value) else value) == expected
        assert bases[entity, window, index] == base
    assert seen.any()
    assert not seen.all()


@pytest.mark.parametrize("seed", range(5))
def test_some_entities_have_the_values_of_all(seed):
    """Those that are asked for, in the order asked for, with how many values each has."""
    numerators, bases, rest = random_rows(seed)
    rules = formulas(numerators, bases, **rest)
    chosen = np.random.default_rng(seed).permutation(40)[:25]
    totals = random_totals(seed)
    values, counts = evaluate_some(totals, chosen, rules, ALL)
    assert np.array_equal(values, evaluate(totals, rules)[0][chosen], equal_nan=True)
    assert counts.tolist() == np.count_nonzero(~np.isnan(values), axis=(1, 2)).tolist()


def test_room_is_for_whole_entities():
    """The first that has more values than there is room ends it, even if a later one had fewer."""
    totals = np.zeros((4, 2, COUNTERS), np.int64)
    totals[(0, 1, 1, 2, 3), (0, 0, 1, 0, 0), 0] = 1  # each window with a value: the sum alone
    entities = np.arange(4)
    taken = [evaluate_some(totals, entities, FORMULAS, room)[1].tolist() for room in range(7)]
    assert taken == [[], [1], [1], [1, 2], [1, 2, 1], [1, 2, 1, 1], [1, 2, 1, 1]]
    assert evaluate_some(totals, entities, FORMULAS, 4)[0].shape == (3, 2, 4)
