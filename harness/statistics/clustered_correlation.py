"""Which property of the data space goes with usefulness: rank correlations over sets, with
intervals over condensers.

Sets of one condenser are no independent witnesses: a resample draws condensers, each with all its
sets. With few of them percentiles of the resamples are too narrow, so the interval is Student's
around Fisher's z = atanh(r):

z +- t(0.975, G - 1) * sd(z of the resamples) * sqrt(G / (G - 1))    for G condensers

Simulated with 5 to 20 condensers of 4 sets, these hold the true Spearman correlation in 92 to 99 %
of cases, percentiles in 72 to 95 %. Source: Fisher, "Frequency distribution of the values of the
correlation coefficient" (1915); Cameron, Gelbach & Miller, "Bootstrap-based improvements for
inference with clustered errors" (2008), on few clusters.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import stats

from harness.statistics.intervals import LEVEL, Interval
from harness.statistics.rank import (
    Array,
    RankStatistic,
    Samples,
    Scored,
    kendall,
    partial_spearman,
    spearman,
)

CONDENSERS_FROM = 5
SETS_FROM = 4
RESAMPLES = 1000
LARGEST = 0.999  # Fisher's z of 1 is infinite


@dataclass(frozen=True)
class Correlation:
    """A measure's rank correlations with usefulness; given_bytes: the partial one, not a number
    where all have one size.
    """

    spearman: Interval
    kendall: Interval
    given_bytes: Interval

    @property
    def judged(self) -> Interval:
        """What is claimed of it: the partial correlation where it is defined."""
        return self.given_bytes if np.isfinite(self.given_bytes.mean) else self.spearman


@dataclass(frozen=True, eq=False)
class Sets:
    """The N sets of a comparison: useful, nbytes (N,), and whose each is."""

    useful: Array
    nbytes: Array
    condensers: Sequence[str]

    @cached_property
    def count(self) -> int:
        """How many condensers there are."""
        return len(set(self.condensers))

    @cached_property
    def whole(self) -> Samples:
        return self._samples(np.ones((1, len(self.useful))))

    @cached_property
    def resampled(self) -> Samples:
        names, which = np.unique(np.asarray(self.condensers), return_inverse=True)
        drawn = np.random.default_rng(0).multinomial(
            len(names), np.full(len(names), 1 / len(names)), size=RESAMPLES
        )
        return self._samples(drawn.astype(np.float64)[:, which.reshape(-1)])

    def _samples(self, counts: Array) -> Samples:
        truth = self.useful[None].round(9)
        return Samples(
            truth,
            truth,
            np.zeros(len(counts), dtype=np.int64),
            counts,
            np.zeros_like(counts),
            self.nbytes,
        )

    def correlation(self, measure: Array) -> Correlation:
        """Correlate `measure` (N,) with what the sets are useful for."""
        values = measure[None].round(9)
        whole, resampled = Scored(self.whole, values), Scored(self.resampled, values)
        return Correlation(
            *(self._interval(of, whole, resampled) for of in (spearman, kendall, partial_spearman))
        )

    def _interval(self, statistic: RankStatistic, whole: Scored, resampled: Scored) -> Interval:
        n, point = len(self.useful), float(statistic(whole)[0, 0])
        if not np.isfinite(point):
            return Interval(point, None, None, n, "constant, not defined")
        if self.count < CONDENSERS_FROM:
            return Interval(point, None, None, n, f"fewer than {CONDENSERS_FROM} condensers")
        drawn = statistic(resampled)[:, 0]
        defined = drawn[np.isfinite(drawn)]
        if len(defined) < 2:
            return Interval(point, None, None, n, "constant in every resample", len(drawn))
        spread = _fisher(defined).std(ddof=1) * (self.count / (self.count - 1)) ** 0.5
        half = float(stats.t.ppf(0.5 + LEVEL / 2, self.count - 1) * spread)
        low, high = (float(np.tanh(_fisher(np.float64(point)) + side * half)) for side in (-1, 1))
        low, high = (
            min(low, point),
            max(high, point),
        )  # clipping must not leave a correlation of 1 outside
        return Interval(point, low, high, n, "bootstrap over condensers", len(drawn) - len(defined))


def holds_among(found: Interval, condensers: int, tests: int) -> bool:
    """Whether an interval of so many would exclude 0 at 1 - (1 - 0.95) / tests: Bonferroni's
    correction.
    """
    if found.low is None or found.high is None:
        return False
    low, middle, high = _fisher(np.array([found.low, found.mean, found.high]))
    usual, wider = (
        stats.t.ppf(0.5 + level / 2, condensers - 1) for level in (LEVEL, 1 - (1 - LEVEL) / tests)
    )
    return bool(abs(middle) > (high - low) / 2 * wider / usual)


def _fisher(r: Array | np.float64) -> Array:
    return np.asarray(np.arctanh(np.clip(r, -LARGEST, LARGEST)))
