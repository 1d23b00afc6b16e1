"""The plain statistics of the report: 95 % intervals of means, paired differences, break-even.

Which interval: resampling three to nine values misses the true mean far more often than one time in twenty, so means of
fewer than ten values get Student's t, and longer ones the BCa bootstrap. All resampling is seeded: the same records give
the same report.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

LEVEL = 0.95
BOOTSTRAP_FROM = 10
RESAMPLES = 9999


@dataclass(frozen=True)
class Interval:
    """A mean (or other estimate) with its 95 % interval; low and high are None where n is too small for one.

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


def interval(values: Sequence[float]) -> Interval:
    """95 % interval of the mean of independent values. ValueError without any value."""
    sample = np.asarray(values, dtype=np.float64)
    if sample.size == 0:
        raise ValueError("no values to take a mean of")
    mean, n = float(sample.mean()), int(sample.size)
    if n == 1:
        return Interval(mean, None, None, n, "one value, no interval")
    if n == 2 and np.ptp(sample) == 0:
        return Interval(mean, None, None, n, "two equal values, no interval")
    if np.ptp(sample) == 0:
        return Interval(mean, mean, mean, n, "all values equal")
    if n >= BOOTSTRAP_FROM:
        rng = np.random.default_rng(0)
        found = stats.bootstrap((sample,), np.mean, n_resamples=RESAMPLES, confidence_level=LEVEL, method="BCa", rng=rng)
        low, high = (float(bound) for bound in found.confidence_interval)
        if np.isfinite(low) and np.isfinite(high):
            return Interval(mean, low, high, n, "BCa bootstrap")
    half = float(stats.t.ppf(0.5 + LEVEL / 2, n - 1) * sample.std(ddof=1) / np.sqrt(n))
    return Interval(mean, mean - half, mean + half, n, "Student's t")


def paired_difference(a: Mapping[Hashable, float], b: Mapping[Hashable, float]) -> Interval | None:
    """Interval of the mean of a - b over the keys that both have; None where they share none."""
    shared = [key for key in a if key in b]
    return interval([a[key] - b[key] for key in shared]) if shared else None


def break_even(condensation: float, truth: float, proxy: float) -> float | None:
    """Number of architectures from which the proxy saves time; None where it never does.

    condensation: seconds spent once. truth, proxy: training seconds of one architecture on the real data, on the proxy.
    """
    return condensation / (truth - proxy) if truth > proxy else None
