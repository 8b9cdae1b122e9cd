"""95 % intervals of shares and rates, from sums alone: arithmetic, one bound at a time.

All are score or posterior intervals, not value plus or minus something: they stay within the range of their index, and
tell something even where nothing or everything was counted.
"""

from math import sqrt

from kernels.compile import kernel

Z = 1.96  # 95 % of a normal distribution lie within so many standard deviations


@kernel
def dirichlet_bound(
    first: float,
    second: float,
    count: float,
    prior_count: float,
    prior_first: float,
    prior_second: float,
    deviations: float,
) -> float:
    """Mean worth of a survey by the posterior of its classes, moved by some standard deviations.

    The classes (yes, no, hard to say, silent; promoters, passives, detractors) have the Dirichlet posterior of Jeffreys' prior, half a survey each
    (Gelman et al., Bayesian Data Analysis, on the multinomial model). With a survey worth w in its class and
    a = n + 1/2, A = sum a: m = sum(w a) / A, variance = (sum(w^2 a) / A - m^2) / (A + 1).

    Parameters
    ----------
    first, second
        Sums of w and w^2 over the surveys.
    count
        How many surveys.
    prior_count, prior_first, prior_second
        Sums of 1 / 2, w / 2 and w^2 / 2 over the classes.
    deviations
        -Z for the lower bound, Z for the upper one; not clipped.
    """
    whole = count + prior_count
    mean = (first + prior_first) / whole
    variance = ((second + prior_second) / whole - mean * mean) / (whole + 1.0)
    return mean + deviations * sqrt(max(0.0, variance))


@kernel
def wilson_lower(part: float, whole: float) -> float:
    """Lower end of the score interval of a share, in [0, 1]; exactly 0 for no part.

    E. B. Wilson, Probable inference, the law of succession, and statistical inference (1927), in the form without a
    difference of large numbers. The upper end is 1 less that of the rest.
    """
    root = sqrt(part * (whole - part) / whole + Z * Z / 4.0)
    return part * part / whole / (part + Z * Z / 2.0 + Z * root)


@kernel
def rate_upper(events: float, exposure: float) -> float:
    """Upper end of the score interval of a Poisson rate, events per exposure: no share, it may exceed 1.

    L. D. Brown, T. T. Cai, A. DasGupta, Interval estimation in exponential families (2003): the rates that a test by
    their own standard error does not refuse, (x + z^2 / 2 +- z sqrt(x + z^2 / 4)) / n.
    """
    return (events + Z * Z / 2.0 + Z * sqrt(events + Z * Z / 4.0)) / exposure


@kernel
def rate_lower(events: float, exposure: float) -> float:
    """Lower end of that interval; exactly 0 for no events. The product of both ends is (events / exposure)^2."""
    return events * events / (exposure * exposure) / rate_upper(events, exposure)
