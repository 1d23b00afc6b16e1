"""How large a difference a number of values shows, and how many values a difference takes.

Two-sided test of a mean at 5 %, which is what "the 95 % interval excludes 0" means, with a power of
80 %. A difference d among n values of standard deviation s is shown with the probability

P(|T| > t(0.975, n - 1)),    T: non-central t of n - 1 degrees of freedom, shifted by d sqrt(n) / s

The detectable difference is the d at which that is 0.8; it is near (t(0.975) + t(0.8)) s / sqrt(n).
Source: Cohen, "Statistical Power Analysis for the Behavioral Sciences" (1988), chapter 2; Julious,
"Sample sizes for clinical trials with normal data" (2004), section 3. s is that of the values at
hand: of few of them it is far from certain, and so is what is computed from it.

Resampled statistics have a standard error e in place of s / sqrt(n), and normal quantiles.

Until an interval is as narrow as wished, seeds are added by Stein's two stages. The n0 values of
the first stage have the standard deviation s0; then for the half-width d

N = max(n0, ceil((t(0.975, n0 - 1) s0 / d)^2)),    mean of all N +- t(0.975, n0 - 1) s0 / sqrt(N)

For normal values the mean of N values is independent of s0, so that the interval holds the true
mean with a probability of exactly 95 %, though the data decided N; an interval of N values by their
own s does not. It holds at every n that s0 alone decides, so also at a ceiling below N. Source:
Stein, "A two-sample test for a linear hypothesis whose power is independent of the variance"
(1945).
"""

from functools import cache
from math import ceil, sqrt

from harness.statistics.quantiles import (
    chi_square_quantile,
    normal_quantile,
    student_quantile,
    student_tail,
)

POWER, LEVEL = 0.8, 0.95
MOST = 10_000  # values: more are not looked for
FEWEST = 3  # values that have an interval
APPROXIMATE_FROM = 60  # degrees of freedom: there the sum of quantiles is right to 0.05 %


def detectable_difference(spread: float, n: int, first: int | None = None) -> float:
    """Compute the difference that n values show with a power of 80 %.

    Args:
        spread: standard deviation of the (paired) differences.
        n: number of values, at least 3.
        first: number of values that the standard deviation is of, where it is not n.

    Examples:
        >>> round(detectable_difference(1.0, 5), 2)
        1.68
    """
    return spread * _shift((first or n) - 1) / sqrt(n)


def detectable_by_error(error: float) -> float:
    """Compute the difference that a statistic of this standard error shows with a power of 80 %,
    by the normal distribution.
    """
    return error * (normal_quantile(0.5 + LEVEL / 2) + normal_quantile(POWER))


def values_to_detect(spread: float, difference: float, first: int | None = None) -> int | None:
    """Compute how many values show a difference with a power of 80 %.

    Args:
        spread: standard deviation of the (paired) differences.
        difference: the difference, above 0.
        first: number of values that the standard deviation is of, where it stays that of these
            (Stein's two stages).

    Returns:
        The number, at least 3; None where it is above 10,000.

    Examples:
        >>> values_to_detect(spread=1.0, difference=1.0)
        10
    """

    def shows(n: int) -> bool:
        return detectable_difference(spread, n, first) <= difference

    if not shows(MOST):
        return None
    few, many = FEWEST - 1, MOST
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (few, middle) if shows(middle) else (middle, many)
    return many


@cache
def _shift(freedom: int) -> float:
    """The non-centrality that a t-test of so many degrees of freedom shows with a power of 80 %."""
    from scipy import optimize

    bound = student_quantile(0.5 + LEVEL / 2, freedom)
    near = bound + student_quantile(POWER, freedom)
    if freedom >= APPROXIMATE_FROM:
        return near

    def lacking(shift: float) -> float:  # the other tail has less than one part in a million
        return student_tail(bound, freedom, shift) - POWER

    return float(optimize.brentq(lacking, 0.0, 1.5 * near))


def upper_spread(spread: float, n: int) -> float:
    """Compute the upper end of the one-sided 80 % interval of a standard deviation of n values.

    What is planned with it is large enough in four cases of five; with the estimate itself it is in
    hardly more than one of two. Source: Browne, "On the use of a pilot sample for sample size
    determination", Statistics in Medicine 14 (1995).
    """
    return spread * sqrt((n - 1) / chi_square_quantile(1 - POWER, n - 1))


def values_of_width(first_spread: float, first: int, half_width: float) -> int:
    """Compute how many values Stein's two stages take.

    Args:
        first_spread: standard deviation of the values of the first stage.
        first: their number, at least 2.
        half_width: half of the width that the interval shall have, above 0.

    Returns:
        The number of all values, those of the first stage included.
    """
    bound = student_quantile(0.5 + LEVEL / 2, first - 1)
    return max(first, ceil((bound * first_spread / half_width) ** 2))


def two_stage_half_width(first_spread: float, first: int, n: int) -> float:
    """Compute half of the width of Stein's interval.

    Args:
        first_spread: standard deviation of the values of the first stage.
        first: their number, at least 2.
        n: number of all values.
    """
    return student_quantile(0.5 + LEVEL / 2, first - 1) * first_spread / sqrt(n)
