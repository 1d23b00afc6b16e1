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
    """What `level` of `factor` adds to the metric, against the factor's first level; None where the
    runs cannot tell.
    """

    factor: str
    level: str
    baseline: str
    found: Interval | None


def fitted(
    factors: Mapping[str, Sequence[str]], runs: Runs, values: Mapping[str, float]
) -> Effects | None:
    """The coefficients by factor and level, from one value of each run; None where the runs do not
    determine them all.

    values: label of a run -> value.
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
    found, *_ = np.linalg.lstsq(matrix, np.array([values[label] for label in labels]), rcond=None)
    return dict(zip(terms, map(float, found[1:]), strict=True))


def main_effects(
    factors: Mapping[str, Sequence[str]],
    runs: Runs,
    places: Sequence[Mapping[int, Mapping[str, float]]],
    bounds: Bounds = UNBOUNDED,
) -> list[Effect]:
    """Effects with intervals over seeds, averaged over `places` (such as data sets and budgets)
    within each seed first.

    places: for each, seed -> label of a run -> value. A seed that does not determine the effects in
    every place is left out. bounds: those of the metric; an effect is a difference of two of its
    values.
    """
    by_seed: list[Effects] = []
    for seed in sorted(set.intersection(*(set(place) for place in places)) if places else ()):
        each = [fitted(factors, runs, place[seed]) for place in places]
        known = [one for one in each if one is not None]
        if len(known) == len(each):
            by_seed.append(
                {term: sum(one[term] for one in known) / len(known) for term in known[0]}
            )
    ends = bounds.of_differences
    return [
        Effect(
            factor,
            level,
            levels[0],
            interval([one[factor, level] for one in by_seed], ends) if by_seed else None,
        )
        for factor, levels in factors.items()
        for level in levels[1:]
    ]
