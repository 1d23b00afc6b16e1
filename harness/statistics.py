"""Every statistic of the report: 95 % intervals, paired differences, rank statistics, break-even.

Which interval: resampling three to nine values misses the true mean far more often than one time in twenty, so means of
fewer than ten values get Student's t, and longer ones the BCa bootstrap. Rank statistics get a percentile bootstrap over
architectures and seeds, from eight architectures on (with fewer, resamples often agree perfectly by chance). All
resampling is seeded: the same records give the same report.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import stats

LEVEL = 0.95
BOOTSTRAP_FROM = 10
ARCHITECTURES_FROM = 8
RESAMPLES = 9999
RESAMPLES_OF_RANKS = 2000
TIE_BREAKS = 400
_PAIRS_AT_ONCE = 4_000_000

Array = NDArray[np.float64]
RankStatistic = Callable[[Array, Array], Array]


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


def kendall(truth: Array, scores: Array) -> Array:
    """Kendall's tau-b over the last axis of (..., A) arrays that broadcast; nan where either side is constant."""
    i, j = np.triu_indices(truth.shape[-1], 1)
    x = np.sign(truth[..., i] - truth[..., j]).astype(np.float32)
    y = np.sign(scores[..., i] - scores[..., j]).astype(np.float32)
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = np.sqrt(np.abs(x).sum(-1, dtype=np.float64) * np.abs(y).sum(-1, dtype=np.float64))
        return np.asarray((x * y).sum(-1, dtype=np.float64) / scale)


def spearman(truth: Array, scores: Array) -> Array:
    """Spearman's rho over the last axis, ties at their mean rank; nan where either side is constant."""
    x, y = (stats.rankdata(side, axis=-1) for side in (truth, scores))
    x, y = (side - side.mean(-1, keepdims=True) for side in (x, y))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((x * y).sum(-1) / np.sqrt((x**2).sum(-1) * (y**2).sum(-1)))


def _top(values: Array, k: int) -> NDArray[np.bool_]:
    """Mark the k largest of the last axis; of equal ones the first."""
    order = np.argsort(-values, axis=-1, kind="stable")[..., :k]
    mask = np.zeros(values.shape, dtype=bool)
    np.put_along_axis(mask, order, True, axis=-1)
    return mask


def precision_at(k: int) -> RankStatistic:
    """The fraction of the k best by score that are among the k truly best."""
    return partial(_precision, k)


def regret_at(k: int) -> RankStatistic:
    """True accuracy of the best of all minus that of the best among the k best by score, in the truth's unit."""
    return partial(_regret, k)


def _precision(k: int, truth: Array, scores: Array) -> Array:
    return np.asarray((_top(truth, k) & _top(scores, k)).sum(-1) / min(k, truth.shape[-1]))


def _regret(k: int, truth: Array, scores: Array) -> Array:
    return np.asarray(truth.max(-1) - np.where(_top(scores, k), truth, -np.inf).max(-1))


@dataclass(frozen=True, eq=False)
class RankDraws:
    """One rank statistic: its value on the data, on every resample (B,), and over how many architectures."""

    point: float
    resampled: Array
    architectures: int


def rank_draws(statistic: RankStatistic, truth: Array, scores: Array, resamples: int = RESAMPLES_OF_RANKS) -> RankDraws:
    """Compute a statistic of (T, A) true accuracies, by seed, against (S, A) proxy scores, by seed.

    Truth is averaged over its seeds; the statistic is taken for each proxy seed and averaged. A resample draws
    architectures, truth seeds and proxy seeds with replacement; the draws depend on nothing but the shapes, so that two
    proxies scored on the same architectures are paired. Order decides between equals, so the value on the data is a mean
    over shuffled orders: a score with ties is judged by what its ties would give on average.
    """
    count, sides = truth.shape[1], (truth, scores)
    rng = np.random.default_rng(0)
    chosen = rng.integers(count, size=(resamples, count))
    shuffled = rng.permuted(np.tile(np.arange(count), (TIE_BREAKS, 1)), axis=1)
    by_truth, by_proxy = (_seed_draws(len(side), resamples, which) for which, side in enumerate(sides))
    point = _evaluate(statistic, *(side[:, shuffled].swapaxes(0, 1) for side in sides))
    step = max(1, _PAIRS_AT_ONCE // (len(scores) * count * count))
    found = [
        _evaluate(statistic, _pick(truth, by_truth[at], chosen[at]), _pick(scores, by_proxy[at], chosen[at]))
        for at in (slice(start, start + step) for start in range(0, resamples, step))
    ]
    return RankDraws(float(point.mean()), np.concatenate(found), count)


def _pick(side: Array, seeds: NDArray[np.int64], chosen: NDArray[np.int64]) -> Array:
    """(S, A) values at (B, S) seeds and (B, A) architectures -> (B, S, A)."""
    return side[seeds[:, :, None], chosen[:, None]]


def _seed_draws(seeds: int, resamples: int, which: int) -> NDArray[np.int64]:
    return np.random.default_rng([1 + which, seeds]).integers(seeds, size=(resamples, seeds))


def _evaluate(statistic: RankStatistic, truth: Array, scores: Array) -> Array:
    """(B, T, A) and (B, S, A) -> (B,). Rounding keeps equal means equal whatever order their seeds were added in."""
    return np.asarray(statistic(truth.mean(1, keepdims=True).round(9), scores).mean(1))


def rank_interval(draws: RankDraws) -> Interval:
    """The statistic with its percentile interval over the resamples on which it is defined."""
    defined = draws.resampled[np.isfinite(draws.resampled)]
    dropped = draws.resampled.size - defined.size
    if draws.architectures < ARCHITECTURES_FROM:
        return Interval(draws.point, None, None, draws.architectures, f"fewer than {ARCHITECTURES_FROM} architectures", dropped)
    if defined.size == 0 or not np.isfinite(draws.point):
        return Interval(draws.point, None, None, draws.architectures, "constant scores, not defined", dropped)
    low, high = np.percentile(defined, [50 - LEVEL * 50, 50 + LEVEL * 50])
    return Interval(draws.point, float(low), float(high), draws.architectures, "percentile bootstrap", dropped)


def rank_difference(a: RankDraws, b: RankDraws) -> Interval:
    """a - b with its interval over resamples; both must come from the same architectures."""
    return rank_interval(RankDraws(a.point - b.point, a.resampled - b.resampled, a.architectures))


def seed_agreement(statistic: RankStatistic, truth: Array, resamples: int = RESAMPLES_OF_RANKS) -> RankDraws | None:
    """Noise ceiling: mean statistic between pairs of the truth's (T, A) seeds, which are not resampled; None with one."""
    pairs = [(i, j) for i in range(len(truth)) for j in range(i)]
    if not pairs:
        return None
    found = [rank_draws(statistic, truth[i : i + 1], truth[j : j + 1], resamples) for i, j in pairs]
    point = float(np.mean([draws.point for draws in found]))
    return RankDraws(point, np.mean([draws.resampled for draws in found], axis=0), truth.shape[1])
