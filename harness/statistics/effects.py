"""Main effects of a design's factors: how much a level changes a metric, the other factors being
what they are.

y_r = m + sum_f b_{f, level of f in run r} + e_r,   b of each factor's first level = 0

Least squares over the runs of one seed, data set and budget; the coefficients of the seeds are
independent values, whose mean and 95 % interval are the effect. Source: Montgomery, "Design and
Analysis of Experiments", chapters 4 and 10.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.statistics.bounds import UNBOUNDED, Bounds
from harness.statistics.intervals import Interval, interval

Runs = Mapping[str, Mapping[str, str]]  # label -> factor -> level
Effects = dict[tuple[str, str], float]  # factor, level -> coefficient


@dataclass(frozen=True)
class Effect:
    """What a level of a factor adds to the metric.

    Args:
        factor: the factor.
        level: the level.
        baseline: the first level of the factor, which it is compared with.
        change: what it adds; None where the runs do not determine it.
    """

    factor: str
    level: str
    baseline: str
    change: Interval | None


def fit_effects(
    factors: Mapping[str, Sequence[str]], runs: Runs, values: Mapping[str, float]
) -> Effects | None:
    """Fit the coefficients by least squares, from one value of each run.

    Args:
        factors: factor -> its levels.
        runs: label of a run -> factor -> level.
        values: label of a run -> value.

    Returns:
        (factor, level) -> coefficient; None where the runs do not determine them all.
    """
    terms = [(factor, level) for factor, levels in factors.items() for level in levels[1:]]
    labels = [label for label in runs if label in values]
    matrix = np.array(
        [
            [1.0, *(float(runs[label][factor] == level) for factor, level in terms)]
            for label in labels
        ]
    )
    if len(labels) <= len(terms) or np.linalg.matrix_rank(matrix) <= len(terms):
        return None
    coefficients, *_ = np.linalg.lstsq(
        matrix, np.array([values[label] for label in labels]), rcond=None
    )
    return dict(zip(terms, map(float, coefficients[1:]), strict=True))


def main_effects(
    factors: Mapping[str, Sequence[str]],
    runs: Runs,
    places: Sequence[Mapping[int, Mapping[str, float]]],
    bounds: Bounds = UNBOUNDED,
    first: Sequence[int] = (),
) -> list[Effect]:
    """Compute effects with intervals over seeds, averaged over places within each seed first.

    Args:
        factors: factor -> its levels.
        runs: label of a run -> factor -> level.
        places: for each place (as a data set and size), seed -> label of a run -> value. A seed
            that does not determine the effects in every place is left out.
        bounds: those of the metric; an effect is a difference of two of its values.
        first: seeds whose values decided that others were added; () where none did.

    Returns:
        An effect for each level but the first of every factor.
    """
    by_seed: list[Effects] = []
    early = 0
    shared = set.intersection(*(set(place) for place in places)) if places else set()
    for seed in sorted(shared, key=lambda seed: (seed not in first, seed)):
        each = [fit_effects(factors, runs, place[seed]) for place in places]
        known = [one for one in each if one is not None]
        if len(known) == len(each):
            early += seed in first
            by_seed.append(
                {term: sum(one[term] for one in known) / len(known) for term in known[0]}
            )
    ends = bounds.of_differences
    return [
        Effect(
            factor,
            level,
            levels[0],
            interval([one[factor, level] for one in by_seed], ends, early if first else None)
            if by_seed
            else None,
        )
        for factor, levels in factors.items()
        for level in levels[1:]
    ]
