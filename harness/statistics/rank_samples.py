"""Rank statistics on many resamples at once: tau-b, rho, r, partial rank correlation, precision@k,
best-rank@k and regret@k.

Every statistic goes from a proxy's scores on B samples of architectures to (B, S) values, one a
sample and seed of the proxy; nan where it is not defined. A sample says how often it holds each
architecture, so that orders, ranks and pairs are worked out once for all samples.
`harness.statistics.rank` has the same statistics for two plain vectors.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Samples:
    """B samples of A architectures, and what is true of them.

    Args:
        test: (M, A) true test accuracies, of each of M ways to draw the truth's seeds.
        validation: (M, A) true validation accuracies.
        drawn: (B,) which of the M ways a sample has.
        counts: (B, A) how often a sample holds each architecture.
        ties: (B, A) in [0, 1), decide between equal architectures.
        parameters: (A,) numbers of parameters; None where they are not known.
    """

    test: Array
    validation: Array
    drawn: NDArray[np.int64]
    counts: Array
    ties: Array
    parameters: Array | None = None

    @cached_property
    def tested(self) -> Array:
        """(B, A) true test accuracy."""
        return np.asarray(self.test[self.drawn])

    @cached_property
    def below(self) -> tuple[Array, Array]:
        """(B, A) each: how many of a sample have a lower true accuracy, and how many no higher
        one.
        """
        return count_below(self.tested, self.counts)

    @cached_property
    def untied(self) -> Array:
        """(B,) ordered pairs of a sample whose true accuracies differ."""
        pairs = np.empty(len(self.counts))
        for which, at in self.group_by_truth():
            pairs[at] = sum_pairs(self.counts[at], np.abs(pair_signs(self.test[which])))
        return pairs

    def group_by_truth(self) -> list[tuple[int, NDArray[np.bool_]]]:
        """Each draw of the truth's seeds that occurs, and (B,) which samples have it."""
        return [(int(which), self.drawn == which) for which in np.unique(self.drawn)]

    @cached_property
    def control(self) -> Array | None:
        """(B, A) mean ranks of the numbers of parameters; those of their logarithms are the
        same.
        """
        return (
            None
            if self.parameters is None
            else rank_with_ties(count_below(self.parameters[None], self.counts))
        )

    def sort_best_first(self, below: Array) -> NDArray[np.int64]:
        """Architectures of (B, ..., A), best first, ties by chance, those that a sample lacks
        last.
        """
        between = (self.counts.shape[0], *(1,) * (below.ndim - 2), self.counts.shape[1])
        keys = np.where(self.counts.reshape(between) > 0, below + self.ties.reshape(between), -1.0)
        return np.asarray(np.argsort(-keys, axis=-1))

    @cached_property
    def retrained(self) -> Array:
        """(B,) test accuracy of the architecture that the truth's validation accuracy chooses among
        all of a sample.
        """
        chosen = self.sort_best_first(count_below(self.validation[self.drawn], self.counts)[0])[
            :, :1
        ]
        return np.asarray(np.take_along_axis(self.tested, chosen, 1)[:, 0])


@dataclass(frozen=True, eq=False)
class ScoredSamples:
    """Scores of one proxy on samples of architectures.

    Args:
        samples: the samples.
        scores: (S, A) scores, a row a seed of the proxy.
    """

    samples: Samples
    scores: Array

    @cached_property
    def below(self) -> tuple[Array, Array]:
        """(B, S, A) each: how many of a sample have a lower score, and how many no higher one."""
        return count_below(self.scores[None], self.samples.counts[:, None])

    @cached_property
    def ranks(self) -> Array:
        """(B, S, A) ranks of the scores, ties at their mean."""
        return rank_with_ties(self.below)

    @cached_property
    def best_first(self) -> NDArray[np.int64]:
        """(B, S, A) architectures, the best by score first."""
        return self.samples.sort_best_first(self.below[0])

    def choose_top(self, k: int) -> tuple[NDArray[np.int64], Array]:
        """(B, S, k) architectures of the k best by score, and how often each is among them (0: it
        is not).
        """
        return choose_top(self.best_first, self.samples.counts[:, None], k)


def choose_top(first: NDArray[np.int64], counts: Array, k: int) -> tuple[NDArray[np.int64], Array]:
    """The first k of (..., A) ordered architectures, and how often each is among them; counts:
    (..., A).
    """
    chosen = first[..., :k]
    repeats = np.take_along_axis(np.broadcast_to(counts, first.shape), chosen, -1)
    return chosen, np.clip(k - (repeats.cumsum(-1) - repeats), 0, repeats)


def count_below(values: Array, counts: Array) -> tuple[Array, Array]:
    """How many of a sample are lower, and how many are no higher, than each; both (..., A),
    arguments broadcast.
    """
    order = np.argsort(values, axis=-1, kind="stable")
    ordered = np.take_along_axis(values, order, -1)
    shape = np.broadcast_shapes(values.shape, counts.shape)
    repeats = np.take_along_axis(np.broadcast_to(counts, shape), np.broadcast_to(order, shape), -1)
    through = repeats.cumsum(-1)
    differs = ordered[..., 1:] != ordered[..., :-1]
    edge = np.ones((*ordered.shape[:-1], 1), dtype=bool)
    low = np.maximum.accumulate(
        np.where(np.concatenate([edge, differs], -1), through - repeats, 0.0), axis=-1
    )
    last = np.where(np.concatenate([differs, edge], -1), through, np.inf)
    high = np.minimum.accumulate(last[..., ::-1], axis=-1)[..., ::-1]
    back = np.broadcast_to(np.argsort(order, axis=-1), shape)
    return np.take_along_axis(low, back, -1), np.take_along_axis(high, back, -1)


def rank_with_ties(below: tuple[Array, Array]) -> Array:
    """Ranks from 1, equal ones at their mean."""
    return np.asarray((below[0] + below[1] + 1) / 2)


def pair_signs(values: Array) -> NDArray[np.float32]:
    """(A,) -> (A, A): 1 where the row's value is the larger, -1 where the smaller, 0 between equal
    ones.
    """
    return np.sign(values[:, None] - values[None]).astype(np.float32)


def sum_pairs(counts: Array, weights: NDArray[np.float32]) -> Array:
    """Sum of (A, A) weights over the ordered pairs of each sample; whole numbers, exact in
    float32.
    """
    repeats = counts.astype(np.float32)
    return np.asarray(((repeats @ weights) * repeats).sum(-1, dtype=np.float64))


# a spread of no more than this share of the squares is rounding: the values are equal
ROUNDING = 1e-20

RankStatistic = Callable[[ScoredSamples], Array]  # its values are nan where it is not defined


def kendall_of_samples(scored: ScoredSamples) -> Array:
    """Kendall's tau-b: (concordant - discordant) / sqrt(pairs untied in truth x pairs untied in
    score).
    """
    samples, sums = scored.samples, np.empty((len(scored.samples.counts), len(scored.scores)))
    orders = [pair_signs(row) for row in scored.scores]
    for which, at in samples.group_by_truth():
        truth, counts = pair_signs(samples.test[which]), samples.counts[at]
        sums[at] = np.stack([sum_pairs(counts, truth * order) for order in orders], axis=-1)
    untied = np.stack([sum_pairs(samples.counts, np.abs(order)) for order in orders], axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(sums / np.sqrt(untied * samples.untied[:, None]))


def spearman_of_samples(scored: ScoredSamples) -> Array:
    """Spearman's rho: the correlation of ranks, ties at their mean rank."""
    return _correlation(
        rank_with_ties(scored.samples.below)[:, None], scored.ranks, scored.samples.counts[:, None]
    )


def pearson_of_samples(scored: ScoredSamples) -> Array:
    """Pearson's r of the values themselves."""
    return _correlation(
        scored.samples.tested[:, None], scored.scores[None], scored.samples.counts[:, None]
    )


def partial_spearman_of_samples(scored: ScoredSamples) -> Array:
    """Correlation of ranks given the number of parameters: that of what a line in the parameters'
    ranks leaves of both.

    (r_xy - r_xz r_yz) / sqrt((1 - r_xz^2) (1 - r_yz^2)); nan where parameters alone give the
    score's order, or are not known.
    """
    samples = scored.samples
    if samples.control is None:
        return np.full((len(samples.counts), len(scored.scores)), np.nan)
    x, z, counts = (
        rank_with_ties(samples.below)[:, None],
        samples.control[:, None],
        samples.counts[:, None],
    )
    xy, xz, yz = (
        spearman_of_samples(scored),
        _correlation(x, z, counts),
        _correlation(scored.ranks, z, counts),
    )
    left = (1 - xz**2) * (1 - yz**2)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((xy - xz * yz) / np.sqrt(np.where(left < 1e-12, np.nan, left)))


def precision_at(k: int) -> RankStatistic:
    """Make the statistic: which share of the k best by score is among the k truly best."""
    return partial(_precision, k)


def best_rank_at(k: int) -> RankStatistic:
    """Make the statistic: the true rank of the best among the k best by score; 1 is the best of
    all, and equal ones share the better rank.
    """
    return partial(_best_rank, k)


def regret_at(k: int) -> RankStatistic:
    """Make the statistic: the test accuracy that trusting the proxy costs, in the truth's unit.

    It is that of the architecture which the truth's validation accuracy chooses among all, less
    that of the one it chooses among the k best by score. Test accuracy chooses nothing.
    """
    return partial(_regret, k)


def _precision(k: int, scored: ScoredSamples) -> Array:
    samples = scored.samples
    truly, repeats = choose_top(samples.sort_best_first(samples.below[0]), samples.counts, k)
    marked = np.zeros(samples.counts.shape)
    np.put_along_axis(marked, truly, repeats, axis=-1)
    chosen, taken = scored.choose_top(k)
    shared = np.minimum(_take(marked, chosen), taken).sum(-1)
    return np.asarray(shared / np.minimum(k, samples.counts.sum(-1))[:, None])


def _best_rank(k: int, scored: ScoredSamples) -> Array:
    chosen, taken = scored.choose_top(k)
    ranks = 1 + scored.samples.counts.sum(-1, keepdims=True) - scored.samples.below[1]
    return np.asarray(np.where(taken > 0, _take(ranks, chosen), np.inf).min(-1))


def _regret(k: int, scored: ScoredSamples) -> Array:
    samples = scored.samples
    chosen, taken = scored.choose_top(k)
    validated = np.where(taken > 0, _take(samples.validation[samples.drawn], chosen), -np.inf)
    best = np.take_along_axis(chosen, validated.argmax(-1)[..., None], -1)
    return np.asarray(samples.retrained[:, None] - _take(samples.tested, best)[..., 0])


def _take(values: Array, chosen: NDArray[np.int64]) -> Array:
    """(B, A) values at (B, S, k) architectures."""
    return np.asarray(np.take_along_axis(values[:, None], chosen, -1))


def _correlation(x: Array, y: Array, counts: Array) -> Array:
    """Correlation over the last axis, each value as often as its count; nan where either side is
    constant.
    """
    n = counts.sum(-1, keepdims=True)
    totals = []
    sides = []
    for side in (x, y):
        centred = side - (counts * side).sum(-1, keepdims=True) / n
        total = (counts * centred**2).sum(-1)
        totals.append(np.where(total <= ROUNDING * (counts * side**2).sum(-1), np.nan, total))
        sides.append(centred)
    return np.asarray((counts * sides[0] * sides[1]).sum(-1) / np.sqrt(totals[0] * totals[1]))
