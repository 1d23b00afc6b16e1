"""How well scores rank architectures: tau-b, rho, r, partial rank correlation, precision@k, best-rank@k and regret@k.

Every statistic goes from a proxy's scores on B samples of architectures to (B, S) values, one a sample and seed of the proxy.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from harness.rank_samples import Array, Scored, mid_ranks, pair_sums, signs, top

_NOTHING = 1e-20  # a spread of no more than this share of the squares is rounding: the values are equal

RankStatistic = Callable[[Scored], Array]  # its values are nan where it is not defined


def kendall(scored: Scored) -> Array:
    """Kendall's tau-b: (concordant - discordant) / sqrt(pairs untied in truth x pairs untied in score)."""
    samples, found = scored.samples, np.empty((len(scored.samples.counts), len(scored.scores)))
    orders = [signs(row) for row in scored.scores]
    for which, at in samples.by_truth():
        truth, counts = signs(samples.test[which]), samples.counts[at]
        found[at] = np.stack([pair_sums(counts, truth * order) for order in orders], axis=-1)
    untied = np.stack([pair_sums(samples.counts, np.abs(order)) for order in orders], axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(found / np.sqrt(untied * samples.untied[:, None]))


def spearman(scored: Scored) -> Array:
    """Spearman's rho: the correlation of ranks, ties at their mean rank."""
    return _correlation(mid_ranks(scored.samples.below)[:, None], scored.ranks, scored.samples.counts[:, None])


def pearson(scored: Scored) -> Array:
    """Pearson's r of the values themselves."""
    return _correlation(scored.samples.tested[:, None], scored.scores[None], scored.samples.counts[:, None])


def partial_spearman(scored: Scored) -> Array:
    """Correlation of ranks given the number of parameters: that of what a line in the parameters' ranks leaves of both.

    (r_xy - r_xz r_yz) / sqrt((1 - r_xz^2) (1 - r_yz^2)); nan where parameters alone give the score's order, or are not known.
    """
    samples = scored.samples
    if samples.control is None:
        return np.full((len(samples.counts), len(scored.scores)), np.nan)
    x, z, counts = mid_ranks(samples.below)[:, None], samples.control[:, None], samples.counts[:, None]
    xy, xz, yz = spearman(scored), _correlation(x, z, counts), _correlation(scored.ranks, z, counts)
    left = (1 - xz**2) * (1 - yz**2)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((xy - xz * yz) / np.sqrt(np.where(left < 1e-12, np.nan, left)))


def precision_at(k: int) -> RankStatistic:
    """The fraction of the k best by score that are among the k truly best."""
    return partial(_precision, k)


def best_rank_at(k: int) -> RankStatistic:
    """The true rank of the best among the k best by score; 1 is the best of all, equal ones share the better rank."""
    return partial(_best_rank, k)


def regret_at(k: int) -> RankStatistic:
    """Test accuracy that trusting the proxy costs, in the truth's unit; validation accuracy chooses, test is read once.

    The architecture that the truth's validation accuracy chooses among all, less the one it chooses among the k best by score.
    """
    return partial(_regret, k)


def _precision(k: int, scored: Scored) -> Array:
    samples = scored.samples
    truly, held = top(samples.first(samples.below[0]), samples.counts, k)
    marked = np.zeros(samples.counts.shape)
    np.put_along_axis(marked, truly, held, axis=-1)
    chosen, taken = scored.top(k)
    shared = np.minimum(_at(marked, chosen), taken).sum(-1)
    return np.asarray(shared / np.minimum(k, samples.counts.sum(-1))[:, None])


def _best_rank(k: int, scored: Scored) -> Array:
    chosen, taken = scored.top(k)
    ranks = 1 + scored.samples.counts.sum(-1, keepdims=True) - scored.samples.below[1]
    return np.asarray(np.where(taken > 0, _at(ranks, chosen), np.inf).min(-1))


def _regret(k: int, scored: Scored) -> Array:
    samples = scored.samples
    chosen, taken = scored.top(k)
    validated = np.where(taken > 0, _at(samples.validation[samples.drawn], chosen), -np.inf)
    best = np.take_along_axis(chosen, validated.argmax(-1)[..., None], -1)
    return np.asarray(samples.retrained[:, None] - _at(samples.tested, best)[..., 0])


def _at(values: Array, chosen: NDArray[np.int64]) -> Array:
    """(B, A) values at (B, S, k) architectures."""
    return np.asarray(np.take_along_axis(values[:, None], chosen, -1))


def _correlation(x: Array, y: Array, counts: Array) -> Array:
    """Correlation over the last axis, each value as often as its count; nan where either side is constant."""
    n = counts.sum(-1, keepdims=True)
    totals = []
    sides = []
    for side in (x, y):
        centred = side - (counts * side).sum(-1, keepdims=True) / n
        total = (counts * centred**2).sum(-1)
        totals.append(np.where(total <= _NOTHING * (counts * side**2).sum(-1), np.nan, total))
        sides.append(centred)
    return np.asarray((counts * sides[0] * sides[1]).sum(-1) / np.sqrt(totals[0] * totals[1]))
