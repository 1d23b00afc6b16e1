"""Rank statistics with intervals: a percentile bootstrap over architectures, seeds of the truth and
seeds of the proxy.

Intervals come from eight architectures on: with fewer, resamples often agree perfectly by chance.
Resampling is seeded, and its draws depend on nothing but the shapes: two proxies scored on the same
architectures are paired.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from harness.statistics.intervals import LEVEL, Interval
from harness.statistics.rank import Array, RankStatistic, Samples, Scored

ARCHITECTURES_FROM = 8
RESAMPLES = 2000
TIE_BREAKS = 400
_AT_ONCE = 1_000_000


@dataclass(frozen=True, eq=False)
class RankDraws:
    """One rank statistic: its value on the data, on every resample (B,), and over how many
    architectures.
    """

    point: float
    resampled: Array
    architectures: int


@dataclass(frozen=True, eq=False)
class Truth:
    """What is true of A architectures, and the resamples that all proxies are judged on.

    test, validation: (T, A) accuracies, a row a seed; they are averaged over the seeds of each
    resample. parameters: (A,).
    """

    test: Array
    validation: Array
    parameters: Array | None = None
    resamples: int = RESAMPLES

    def part(self, chosen: NDArray[np.int64]) -> "Truth":
        """The truth of some of the architectures."""
        parameters = None if self.parameters is None else self.parameters[chosen]
        return replace(
            self,
            test=self.test[:, chosen],
            validation=self.validation[:, chosen],
            parameters=parameters,
        )

    @cached_property
    def whole(self) -> Samples:
        """The data themselves, as often as there are ways to break ties that are tried."""
        count = self.test.shape[1]
        seeds = np.arange(len(self.test))[None]
        counts = np.ones((TIE_BREAKS, count))
        return self._samples(
            seeds, np.zeros(TIE_BREAKS, dtype=np.int64), counts, np.random.default_rng(3)
        )

    @cached_property
    def resampled(self) -> list[Samples]:
        """The resamples, as many at once as memory easily holds."""
        count, rng = self.test.shape[1], np.random.default_rng(0)
        counts = rng.multinomial(count, np.full(count, 1 / count), size=self.resamples).astype(
            np.float64
        )
        ways, drawn = np.unique(
            np.sort(_seed_draws(len(self.test), self.resamples, 0), axis=1),
            axis=0,
            return_inverse=True,
        )
        step = max(1, _AT_ONCE // count)
        return [
            self._samples(
                ways, drawn.reshape(-1)[start : start + step], counts[start : start + step], rng
            )
            for start in range(0, self.resamples, step)
        ]

    def _samples(
        self,
        ways: NDArray[np.int64],
        drawn: NDArray[np.int64],
        counts: Array,
        rng: np.random.Generator,
    ) -> Samples:
        """ways: (M, T) seeds.

        Rounding keeps equal means equal in whatever order their seeds are added.
        """
        test, validation = (side[ways].mean(1).round(9) for side in (self.test, self.validation))
        return Samples(test, validation, drawn, counts, rng.random(counts.shape), self.parameters)


def rank_draws(statistics: Sequence[RankStatistic], truth: Truth, scores: Array) -> list[RankDraws]:
    """Compute statistics of (S, A) scores, a row a seed of the proxy.

    Each is taken for every seed of the proxy against the mean truth, and averaged. A resample draws
    architectures, seeds of the truth and seeds of the proxy with replacement. Scores with ties are
    judged by what their ties give on average.
    """
    resamples, whole = truth.resamples, Scored(truth.whole, scores)
    seeds = _seed_draws(len(scores), resamples, 1)
    found: list[list[Array]] = [[] for _ in statistics]
    begun = 0
    for samples in truth.resampled:
        scored, own = Scored(samples, scores), seeds[begun : begun + len(samples.counts)]
        begun += len(samples.counts)
        for values, statistic in zip(found, statistics, strict=True):
            values.append(np.take_along_axis(statistic(scored), own, 1).mean(1))
    count = scores.shape[1]
    points = [float(statistic(whole).mean()) for statistic in statistics]
    return [
        RankDraws(point, np.concatenate(values), count)
        for point, values in zip(points, found, strict=True)
    ]


def _seed_draws(seeds: int, resamples: int, which: int) -> NDArray[np.int64]:
    return np.random.default_rng([1 + which, seeds]).integers(seeds, size=(resamples, seeds))


def rank_interval(draws: RankDraws) -> Interval:
    """The statistic with its percentile interval over the resamples on which it is defined."""
    defined = draws.resampled[np.isfinite(draws.resampled)]
    dropped = draws.resampled.size - defined.size
    if draws.architectures < ARCHITECTURES_FROM:
        return Interval(
            draws.point,
            None,
            None,
            draws.architectures,
            f"fewer than {ARCHITECTURES_FROM} architectures",
            dropped,
        )
    if defined.size == 0 or not np.isfinite(draws.point):
        return Interval(
            draws.point, None, None, draws.architectures, "constant scores, not defined", dropped
        )
    low, high = np.percentile(defined, [50 - LEVEL * 50, 50 + LEVEL * 50])
    return Interval(
        draws.point, float(low), float(high), draws.architectures, "percentile bootstrap", dropped
    )


def rank_difference(a: RankDraws, b: RankDraws) -> Interval:
    """a - b with its interval over resamples; both must come from the same architectures."""
    return rank_interval(RankDraws(a.point - b.point, a.resampled - b.resampled, a.architectures))


def seed_agreement(statistics: Sequence[RankStatistic], truth: Truth) -> list[RankDraws] | None:
    """Noise ceiling: mean statistics between pairs of the truth's seeds, which are not resampled;
    None with one seed.
    """
    pairs = [(i, j) for i in range(len(truth.test)) for j in range(i)]
    if not pairs:
        return None
    found = [
        rank_draws(
            statistics,
            replace(truth, test=truth.test[i : i + 1], validation=truth.validation[i : i + 1]),
            truth.test[j : j + 1],
        )
        for i, j in pairs
    ]
    return [
        RankDraws(
            float(np.mean([draws.point for draws in each])),
            np.mean([draws.resampled for draws in each], axis=0),
            truth.test.shape[1],
        )
        for each in zip(*found, strict=True)
    ]
