"""The plain statistics of the report: 95 % intervals of means, paired differences, break-even.

Which interval: resampling three to nine values misses the true mean far more often than one time in
twenty, so means of fewer than ten values get Student's t, and longer ones the BCa bootstrap, which
stays among the values. Two values get none: t(1) is 12.7, and how far two values lie apart says
next to nothing of how far others do. All resampling is seeded: the same records give the same
report.

On a scale with ends Student's interval is taken where the scale has none and brought back, so that
it stays between them:

g^-1( g(m) +- t(0.975, n - 1) s / sqrt(n) g'(m) ),    m: mean, s: standard deviation

g(m) = log((m - low) / (high - low) / (1 - (m - low) / (high - low))) between two ends, log(m - low)
above one. It is the delta method: Casella & Berger, "Statistical Inference", section 5.5.4. Near an
end it covers the true mean far more often than Student's t on the scale itself, and never less
often (`tests/harness/statistics/test_intervals_within_bounds.py`).
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, isfinite, log

import numpy as np

from harness.statistics.bounds import UNBOUNDED, Bounds

LEVEL = 0.95
BOOTSTRAP_FROM = 10
EQUAL = 1e-9  # of the largest value: what differs by less differs by rounding
RESAMPLES = 9999


@dataclass(frozen=True)
class Interval:
    """A mean (or other estimate) with its 95 % interval.

    Args:
        mean: the estimate.
        low: lower end; None where n is too small for an interval.
        high: upper end; None where n is too small.
        n: number of values.
        method: how the interval was made.
        dropped: how many resamples had no defined value.
    """

    mean: float
    low: float | None
    high: float | None
    n: int
    method: str
    dropped: int = 0

    @property
    def distinguishable(self) -> bool:
        """Whether the interval excludes 0; never true without an interval."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def interval(values: Sequence[float], bounds: Bounds = UNBOUNDED) -> Interval:
    """Compute the 95 % interval of the mean of independent values.

    Args:
        values: at least one value.
        bounds: ends of the scale; those that some value lies beyond do not count.

    Returns:
        The mean with its interval; without ends for one or two values.

    Raises:
        ValueError: there is no value.

    Examples:
        >>> found = interval([81.0, 83.0, 82.0])
        >>> f"{found.mean:.1f} [{found.low:.2f}, {found.high:.2f}], {found.method}"
        "82.0 [79.52, 84.48], Student's t"
        >>> interval([81.0, 83.0]).method
        'two values, no interval'
    """
    sample = np.asarray(values, dtype=np.float64)
    if sample.size == 0:
        raise ValueError("no values to take a mean of")
    mean, n = float(sample.mean()), int(sample.size)
    if n == 1:
        return Interval(mean, None, None, n, "one value, no interval")
    if n == 2:
        return Interval(mean, None, None, n, "two values, no interval")
    ends = bounds.drop_exceeded(sample)
    if np.ptp(sample) <= EQUAL * np.abs(sample).max():
        if any(np.isclose(mean, end, rtol=EQUAL, atol=0.0) for end in ends):
            return Interval(mean, None, None, n, "all values at an end of their scale, no interval")
        return Interval(mean, mean, mean, n, "all values equal")
    if n >= BOOTSTRAP_FROM:
        from scipy import stats  # here: its import takes longer than a whole report

        rng = np.random.default_rng(0)
        bootstrap = stats.bootstrap(
            (sample,), np.mean, n_resamples=RESAMPLES, confidence_level=LEVEL, method="BCa", rng=rng
        )
        low, high = (float(bound) for bound in bootstrap.confidence_interval)
        if np.isfinite(low) and np.isfinite(high):
            return Interval(mean, low, high, n, "BCa bootstrap")
    half = float(student_quantile(0.5 + LEVEL / 2, n - 1) * sample.std(ddof=1) / np.sqrt(n))
    low, high, method = _student_interval(mean, half, ends)
    return Interval(mean, low, high, n, method)


def student_quantile(probability: float, degrees: int) -> float:
    """The value below which Student's t lies with a probability.

    Args:
        probability: 0 to 1.
        degrees: degrees of freedom.
    """
    from scipy import special

    return float(special.stdtrit(degrees, probability))


def _student_interval(mean: float, half: float, ends: Bounds) -> tuple[float, float, str]:
    """Low, high and the method of Student's interval; half: its half width where the scale has no
    ends.
    """
    above, width = mean - ends.low, ends.high - ends.low
    if isfinite(width):
        from scipy import special

        at, spread = log(above / (width - above)), half * width / (above * (width - above))
        low, high = (
            ends.low + width * float(special.expit(at + side * spread)) for side in (-1, 1)
        )
        return low, high, "Student's t on the logit scale"
    if isfinite(ends.low):
        factor = exp(half / above)
        return ends.low + above / factor, ends.low + above * factor, "Student's t on the log scale"
    return mean - half, mean + half, "Student's t"


def paired_difference(
    a: Mapping[Hashable, float], b: Mapping[Hashable, float], bounds: Bounds = UNBOUNDED
) -> Interval | None:
    """Compute the interval of the mean of a - b, paired over the keys that both have.

    Args:
        a: key (as a seed) -> value.
        b: key -> value.
        bounds: ends of the scale of a and b.

    Returns:
        The mean difference with its interval; None where a and b share no key.

    Examples:
        >>> found = paired_difference({0: 81.0, 1: 90.5, 2: 71.5}, {0: 80.0, 1: 89.0, 2: 71.0})
        >>> f"{found.mean:.1f} [{found.low:.2f}, {found.high:.2f}], n = {found.n}"
        '1.0 [-0.24, 2.24], n = 3'
        >>> found.distinguishable
        False
    """
    shared = [key for key in a if key in b]
    return interval([a[key] - b[key] for key in shared], bounds.of_differences) if shared else None


def break_even(condensation: float, truth: float, proxy: float) -> float | None:
    """Compute from how many architectures on the proxy saves time.

    Args:
        condensation: seconds spent once.
        truth: training seconds of one architecture on the real data.
        proxy: training seconds of one architecture on the proxy.

    Returns:
        The number of architectures; None where the proxy is no faster.
    """
    return condensation / (truth - proxy) if truth > proxy else None
