"""Rank statistics with intervals: a percentile bootstrap over architectures, seeds of the truth and
seeds of the proxy.

Intervals come from eight architectures on: with fewer, resamples often agree perfectly by chance.
Resampling is seeded, and its draws depend on nothing but the shapes: two proxies scored on the same
architectures are paired.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from harness.statistics.intervals import LEVEL, Interval
from harness.statistics.rank_samples import Array, RankStatistic, Samples, ScoredSamples
from harness.statistics.sample_size import detectable_by_error

ARCHITECTURES_FROM = 8
RESAMPLES = 2000
TIE_BREAKS = 400
_AT_ONCE = 1_000_000
ROUNDING = 1e-12  # a spread of no more is that of equal values


@dataclass(frozen=True, eq=False)
class RankDraws:
    """One rank statistic with its resamples.

    Args:
        point: its value on the data.
        resampled: (B,) its value on every resample.
        architectures: over how many architectures it is.
        basis: the architectures and the shape of the truth that were resampled: draws of one basis
            are paired.
    """

    point: float
    resampled: Array
    architectures: int
    basis: Hashable = None


@dataclass(frozen=True, eq=False)
class TrueAccuracies:
    """What is true of A architectures, and the resamples that all proxies are judged on.

    Args:
        test: (T, A) test accuracies, a row a seed; averaged over the seeds of each resample.
        validation: (T, A) validation accuracies, by which regret chooses.
        parameters: (A,) numbers of parameters; None where they are not known.
        resamples: how many resamples are drawn.
        names: the architectures, so that statistics of others are not paired with these.
    """

    test: Array
    validation: Array
    parameters: Array | None = None
    resamples: int = RESAMPLES
    names: tuple[str, ...] = ()

    @property
    def basis(self) -> Hashable:
        """What a resample is drawn from."""
        return self.names, self.test.shape

    def select(self, chosen: NDArray[np.int64]) -> "TrueAccuracies":
        """Return the truth of some of the architectures."""
        parameters = None if self.parameters is None else self.parameters[chosen]
        return replace(
            self,
            test=self.test[:, chosen],
            validation=self.validation[:, chosen],
            parameters=parameters,
            names=tuple(self.names[i] for i in chosen) if self.names else (),
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


def draw_ranks(
    statistics: Sequence[RankStatistic], truth: TrueAccuracies, scores: Array
) -> list[RankDraws]:
    """Compute statistics of a proxy's scores, with resamples.

    Each is taken for every seed of the proxy against the mean truth, and averaged. A resample draws
    architectures, seeds of the truth and seeds of the proxy with replacement. Ties are broken at
    random, many times, and averaged.

    Args:
        statistics: which statistics.
        truth: what is true of the A architectures.
        scores: (S, A) scores, a row a seed of the proxy.

    Returns:
        The draws of each statistic, in their order.
    """
    resamples, whole = truth.resamples, ScoredSamples(truth.whole, scores)
    seeds = _seed_draws(len(scores), resamples, 1)
    resampled: list[list[Array]] = [[] for _ in statistics]
    begun = 0
    for samples in truth.resampled:
        scored, own = ScoredSamples(samples, scores), seeds[begun : begun + len(samples.counts)]
        begun += len(samples.counts)
        for values, statistic in zip(resampled, statistics, strict=True):
            values.append(np.take_along_axis(statistic(scored), own, 1).mean(1))
    count = scores.shape[1]
    points = [float(statistic(whole).mean()) for statistic in statistics]
    return [
        RankDraws(point, np.concatenate(values), count, truth.basis)
        for point, values in zip(points, resampled, strict=True)
    ]


def _seed_draws(seeds: int, resamples: int, which: int) -> NDArray[np.int64]:
    return np.random.default_rng([1 + which, seeds]).integers(seeds, size=(resamples, seeds))


def rank_interval(draws: RankDraws) -> Interval:
    """Take the percentile interval over the resamples on which the statistic is defined.

    Args:
        draws: the statistic with its resamples.

    Returns:
        The interval; without ends for fewer than eight architectures, and for constant scores.
    """
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
        draws.point,
        float(low),
        float(high),
        draws.architectures,
        "percentile bootstrap",
        dropped,
        detectable_by_error(float(defined.std())),
    )


def rank_difference(a: RankDraws, b: RankDraws) -> Interval:
    """Take the interval of a - b, paired over resamples.

    Raises:
        ValueError: a and b were drawn from different architectures or truths.
    """
    return rank_interval(subtract_ranks(a, b))


def subtract_ranks(a: RankDraws, b: RankDraws) -> RankDraws:
    """Return a - b, paired over resamples.

    Raises:
        ValueError: a and b were drawn from different architectures or truths.
    """
    if a.basis != b.basis:
        raise ValueError("rank statistics of different architectures cannot be paired")
    return RankDraws(a.point - b.point, a.resampled - b.resampled, a.architectures, a.basis)


def bound_together(draws: Sequence[RankDraws]) -> list[tuple[float, float] | None]:
    """Return intervals that hold together: all of them with the confidence of one alone.

    d_j +- c s_j,   c: quantile of max_j |d*_j - d_j| / s_j,   s_j: deviation of the resamples d*_j

    Source: the bootstrap form of Tukey's simultaneous intervals; Romano & Wolf, "Stepwise multiple
    testing as formalized data snooping" (Econometrica 2005), section 4.2 without its steps.

    Args:
        draws: Statistics, or differences, of one basis.

    Returns:
        The ends of each; None where it has no interval of its own, or does not vary.
    """
    known = [
        one.architectures >= ARCHITECTURES_FROM
        and bool(np.isfinite([one.point, *one.resampled]).all())
        and float(one.resampled.std()) > ROUNDING
        for one in draws
    ]
    kept = [one for one, is_known in zip(draws, known, strict=True) if is_known]
    if not kept:
        return [None] * len(draws)
    points = np.array([one.point for one in kept])
    resampled = np.stack([one.resampled for one in kept])
    spread = resampled.std(1)
    farthest = (np.abs(resampled - points[:, None]) / spread[:, None]).max(0)
    reach = float(np.percentile(farthest, 100 * LEVEL)) * spread
    ends = iter(zip((points - reach).tolist(), (points + reach).tolist(), strict=True))
    return [next(ends) if is_known else None for is_known in known]


def seed_agreement(
    statistics: Sequence[RankStatistic], truth: TrueAccuracies
) -> list[RankDraws] | None:
    """Compute the noise ceiling: mean statistics between pairs of the truth's seeds.

    Args:
        statistics: which statistics.
        truth: the truth; its seeds are not resampled.

    Returns:
        The draws of each statistic; None where the truth has one seed.
    """
    pairs = [(i, j) for i in range(len(truth.test)) for j in range(i)]
    if not pairs:
        return None
    draws_of_pairs = [
        draw_ranks(
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
            truth.basis,
        )
        for each in zip(*draws_of_pairs, strict=True)
    ]
