"""The plain statistics of the report: 95 % intervals of means, paired differences, break-even.

Which interval: resampling three to nine values misses the true mean far more often than one time in
twenty, so means of fewer than ten values get Student's t, and longer ones the BCa bootstrap, which
stays among the values. Two values get none: t(1) is 12.7, and how far two values lie apart says
next to nothing of how far others do. All resampling is seeded: the same records give the same
report. Where the first values decided how many there are, the interval is Stein's
(`sample_size.py`).

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
from numpy.typing import NDArray

from harness.statistics.bounds import UNBOUNDED, Bounds
from harness.statistics.quantiles import student_quantile
from harness.statistics.sample_size import (
    detectable_difference,
    two_stage_half_width,
    values_to_detect,
)

LEVEL = 0.95
BOOTSTRAP_FROM = 10
EQUAL = 1e-9  # of the largest value: what differs by less differs by rounding
TWO_STAGES_FROM = 3
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
        detectable: the difference from 0 that it would show with a power of 80 %; None where that
            is not known.
        spread: standard deviation of the values; None where there is no interval, and for
            resampled statistics.
        first: how many values its width is made of, where a later stage added the others.
    """

    mean: float
    low: float | None
    high: float | None
    n: int
    method: str
    dropped: int = 0
    detectable: float | None = None
    spread: float | None = None
    first: int | None = None

    def values_for(self, difference: float) -> int | None:
        """How many values would show a difference with a power of 80 %; None where that is not
        known, or above 10,000.
        """
        return None if not self.spread else values_to_detect(self.spread, difference, self.first)

    @property
    def distinguishable(self) -> bool:
        """Whether the interval excludes 0; never true without an interval."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def interval(
    values: Sequence[float], bounds: Bounds = UNBOUNDED, first: int | None = None
) -> Interval:
    """Compute the 95 % interval of the mean of independent values.

    Args:
        values: at least one value.
        bounds: ends of the scale; those that some value lies beyond do not count.
        first: how many values decided that the others were added; they stand first. None where
            nothing but a plan decided how many there are.

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
    if first is not None and TWO_STAGES_FROM <= first < n and np.ptp(sample[:first]) > 0:
        return _two_stage_interval(sample, first, ends)
    spread = float(sample.std(ddof=1))
    shown = detectable_difference(spread, n)
    if n >= BOOTSTRAP_FROM:
        from scipy import stats  # here: its import takes longer than a whole report

        rng = np.random.default_rng(0)
        bootstrap = stats.bootstrap(
            (sample,), np.mean, n_resamples=RESAMPLES, confidence_level=LEVEL, method="BCa", rng=rng
        )
        low, high = (float(bound) for bound in bootstrap.confidence_interval)
        if np.isfinite(low) and np.isfinite(high):
            return Interval(mean, low, high, n, "BCa bootstrap", 0, shown, spread)
    half = student_quantile(0.5 + LEVEL / 2, n - 1) * spread / float(np.sqrt(n))
    low, high, method = _student_interval(mean, half, ends)
    return Interval(mean, low, high, n, method, 0, shown, spread)


def _two_stage_interval(sample: NDArray[np.float64], first: int, ends: Bounds) -> Interval:
    """Stein's interval: around the mean of all values, as wide as the first ones say."""
    mean, n, spread = float(sample.mean()), len(sample), float(sample[:first].std(ddof=1))
    low, high, method = _student_interval(mean, two_stage_half_width(spread, first, n), ends)
    stages = method.replace("Student's t", f"Stein's two stages, the first of {first},")
    return Interval(
        mean,
        low,
        high,
        n,
        stages.rstrip(","),
        detectable=detectable_difference(spread, n, first),
        spread=spread,
        first=first,
    )


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
    a: Mapping[Hashable, float],
    b: Mapping[Hashable, float],
    bounds: Bounds = UNBOUNDED,
    first: Sequence[Hashable] = (),
) -> Interval | None:
    """Compute the interval of the mean of a - b, paired over the keys that both have.

    Args:
        a: key (as a seed) -> value.
        b: key -> value.
        bounds: ends of the scale of a and b.
        first: keys whose values decided that others were added; () where none did.

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
    early = [key for key in shared if key in first]
    differences = [a[key] - b[key] for key in sorted(shared, key=lambda key: key not in first)]
    if not differences:
        return None
    return interval(differences, bounds.of_differences, len(early) if first else None)


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
