"""Rank correlation of two vectors, as of true accuracies and the scores of a proxy."""

from collections.abc import Sequence

import numpy as np

from harness.statistics.rank_samples import (
    Array,
    RankStatistic,
    Samples,
    ScoredSamples,
    kendall_of_samples,
    spearman_of_samples,
)

Vector = Sequence[float] | Array


def kendall(truth: Vector, scores: Vector) -> float:
    """Compute Kendall's tau-b.

    tau-b = (concordant - discordant pairs) / sqrt(pairs untied in truth x pairs untied in scores)

    Source: Kendall, "The treatment of ties in ranking problems" (1945).

    Args:
        truth: (A,) true values, as test accuracies.
        scores: (A,) scores of the same items.

    Returns:
        tau-b in [-1, 1]: 1 where both have the same order, 0 for chance; nan where all values of a
        side are equal, where there are fewer than two items, or where a value is nan.

    Raises:
        ValueError: the vectors are not of one length.

    Examples:
        >>> kendall([91.0, 93.5, 92.0, 95.0], [0.61, 0.70, 0.72, 0.80])
        0.6666666666666666
        >>> kendall([1, 2, 3], [5, 5, 5])
        nan
    """
    return _correlate(kendall_of_samples, truth, scores)


def spearman(truth: Vector, scores: Vector) -> float:
    """Compute Spearman's rho, the correlation of ranks, with ties at their mean rank.

    Source: Spearman, "The proof and measurement of association between two things" (1904).

    Args:
        truth: (A,) true values, as test accuracies.
        scores: (A,) scores of the same items.

    Returns:
        rho in [-1, 1]; nan where all values of a side are equal, where there are fewer than two
        items, or where a value is nan.

    Raises:
        ValueError: the vectors are not of one length.

    Examples:
        >>> round(spearman([91.0, 93.5, 92.0, 95.0], [0.61, 0.70, 0.72, 0.80]), 12)
        0.8
        >>> round(spearman([1, 2, 2, 4], [1, 3, 2, 4]), 4)
        0.9487
    """
    return _correlate(spearman_of_samples, truth, scores)


def _correlate(statistic: RankStatistic, truth: Vector, scores: Vector) -> float:
    sides = [np.asarray(side, dtype=np.float64) for side in (truth, scores)]
    if sides[0].ndim != 1 or sides[0].shape != sides[1].shape:
        raise ValueError(
            f"truth and scores must be vectors of one length, not of the shapes {sides[0].shape}"
            f" and {sides[1].shape}"
        )
    if len(sides[0]) < 2 or np.isnan(sides).any():
        return float("nan")
    true, scored = (side[None] for side in sides)
    once = np.ones_like(true)
    sample = Samples(true, true, np.zeros(1, dtype=np.int64), once, np.zeros_like(true))
    return float(statistic(ScoredSamples(sample, scored))[0, 0])
