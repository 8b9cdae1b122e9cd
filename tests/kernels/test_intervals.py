"""95 % intervals against textbook forms, worked examples, and what they promise at their ends."""

import math

import pytest
from numba import types

from kernels.compile import entry
from kernels.intervals import Z, dirichlet_bound, rate_lower, rate_upper, wilson_lower

DOUBLE = types.float64


@entry(*[DOUBLE] * 7)
def dirichlet(first, second, count, prior_count, prior_first, prior_second, deviations):
    """Called from Python."""
    return dirichlet_bound(first, second, count, prior_count, prior_first, prior_second, deviations)


@entry(DOUBLE, DOUBLE)
def wilson(part, whole):
    """Called from Python."""
    return wilson_lower(part, whole)


@entry(DOUBLE, DOUBLE)
def rate(events, exposure):
    """Called from Python."""
    return rate_lower(events, exposure), rate_upper(events, exposure)


def of_classes(counts, worths, deviations):
    """A bound of counts of classes, such as yes, no, hard to say and silent."""
    first, second = (sum(n * w**power for n, w in zip(counts, worths, strict=True)) for power in (1, 2))
    priors = (sum(w**power for w in worths) / 2 for power in (0, 1, 2))
    return dirichlet(first, second, sum(counts), *priors, deviations)


@pytest.mark.parametrize(
    ("worths", "mean", "deviation"), [((0, 1, 0, 0.8), 0.3083, 0.1219), ((1, -1, 0, -0.8), 0.2333, 0.2443)]
)
def test_the_methods_own_example(worths, mean, deviation):
    """6 yes, 2 no, 1 hard to say and 1 silent, as INK and as IEL."""
    counts = (6, 2, 1, 1)
    assert round(of_classes(counts, worths, 0), 4) == mean
    assert round(of_classes(counts, worths, 1) - of_classes(counts, worths, 0), 4) == deviation
    assert of_classes(counts, worths, Z) == pytest.approx(mean + Z * deviation, abs=3e-4)


@pytest.mark.parametrize(("part", "whole"), [(1, 10), (5, 10), (9, 10), (300, 1000), (1, 10**9), (10**9 - 1, 10**9)])
def test_wilson_is_the_textbooks(part, whole):
    """The centre less the half width, and the other end by exchanging what counts for what does not."""
    share = part / whole
    centre = (share + Z**2 / (2 * whole)) / (1 + Z**2 / whole)
    half = Z * math.sqrt(share * (1 - share) / whole + Z**2 / (4 * whole**2)) / (1 + Z**2 / whole)
    assert wilson(part, whole) == pytest.approx(centre - half, rel=1e-6)
    assert 1 - wilson(whole - part, whole) == pytest.approx(centre + half, rel=1e-12)


def test_wilsons_interval_by_hand():
    """1 of 10: (0.1 + 0.19208 -+ 1.96 sqrt(0.009 + 0.009604)) / 1.38416 is 0.0179 to 0.4042."""
    assert wilson(1, 10) == pytest.approx(0.017877, abs=1e-5)
    assert 1 - wilson(9, 10) == pytest.approx(0.404153, abs=1e-5)


def test_nothing_and_everything_have_exact_ends():
    """A share of nothing begins at 0, one of everything ends at 1, and a rate of nothing begins at 0."""
    for whole in (1, 3, 10, 10**6):
        assert wilson(0, whole) == 0
        assert 0 < 1 - wilson(whole, whole) < 1
        assert rate(0, whole)[0] == 0
        assert rate(0, whole)[1] == pytest.approx(Z**2 / whole)


@pytest.mark.parametrize("events", [1, 4, 25, 10**6])
@pytest.mark.parametrize("exposure", [1, 10, 10**6])
def test_ends_of_a_rate_are_refused_by_a_hair(events, exposure):
    """At either end, what was counted lies 1.96 standard errors of that very rate away."""
    for end in rate(events, exposure):
        assert abs(events - end * exposure) == pytest.approx(Z * math.sqrt(end * exposure), rel=1e-6)
