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
from scipy import special, stats

from harness.statistics.bounds import UNBOUNDED, Bounds

LEVEL = 0.95
BOOTSTRAP_FROM = 10
EQUAL = 1e-9  # of the largest value: what differs by less differs by rounding
RESAMPLES = 9999


@dataclass(frozen=True)
class Interval:
    """A mean (or other estimate) with its 95 % interval; low and high are None where n is too small
    for one.

    method says how the interval was made, dropped how many resamples had no defined value.
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
    """95 % interval of the mean of independent values, within the bounds that all of them keep.

    ValueError without any value.
    """
    sample = np.asarray(values, dtype=np.float64)
    if sample.size == 0:
        raise ValueError("no values to take a mean of")
    mean, n = float(sample.mean()), int(sample.size)
    if n == 1:
        return Interval(mean, None, None, n, "one value, no interval")
    if n == 2:
        return Interval(mean, None, None, n, "two values, no interval")
    ends = bounds.kept_by(sample)
    if np.ptp(sample) <= EQUAL * np.abs(sample).max():
        if any(np.isclose(mean, end, rtol=EQUAL, atol=0.0) for end in ends):
            return Interval(mean, None, None, n, "all values at an end of their scale, no interval")
        return Interval(mean, mean, mean, n, "all values equal")
    if n >= BOOTSTRAP_FROM:
        rng = np.random.default_rng(0)
        found = stats.bootstrap(
            (sample,), np.mean, n_resamples=RESAMPLES, confidence_level=LEVEL, method="BCa", rng=rng
        )
        low, high = (float(bound) for bound in found.confidence_interval)
        if np.isfinite(low) and np.isfinite(high):
            return Interval(mean, low, high, n, "BCa bootstrap")
    half = float(stats.t.ppf(0.5 + LEVEL / 2, n - 1) * sample.std(ddof=1) / np.sqrt(n))
    low, high, method = _students(mean, half, ends)
    return Interval(mean, low, high, n, method)


def _students(mean: float, half: float, ends: Bounds) -> tuple[float, float, str]:
    """Low, high and the method of Student's interval; half: its half width where the scale has no
    ends.
    """
    above, width = mean - ends.low, ends.high - ends.low
    if isfinite(width):
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
    """Interval of the mean of a - b over the keys that both have, None where they share none.
    bounds: those of a and b.
    """
    shared = [key for key in a if key in b]
    return interval([a[key] - b[key] for key in shared], bounds.of_differences) if shared else None


def break_even(condensation: float, truth: float, proxy: float) -> float | None:
    """Number of architectures from which the proxy saves time; None where it never does.

    condensation: seconds spent once. truth, proxy: training seconds of one architecture on the real
    data, on the proxy.
    """
    return condensation / (truth - proxy) if truth > proxy else None
