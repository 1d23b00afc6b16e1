"""How much of the way from no memory to all of the data a memory goes.

    gap closed = (A - naive) / (joint - naive)

A: final accuracy of a memory; naive, joint: of the two references, each of the same seed and class
order. 1 is as good as training on all classes together, 0 as no memory at all.
"""

from collections.abc import Mapping, Sequence

from harness.report.place import Place
from harness.report.results import Result, summarise
from harness.report.wording import split_metric

METRIC = ("gap-closed", "of 1", True)
NAIVE, JOINT = "naive", "joint"

Values = Mapping[int, Mapping[str, float]]


def close_gaps(results: Sequence[Result]) -> list[Result]:
    """Compute one result for each final accuracy whose references are there; pairs in which joint
    is not above naive are left out.
    """
    finals = [result for result in results if split_metric(result.metric)[1] == "final-accuracy"]
    references: dict[tuple[Place, str], Values] = {}
    for result in finals:
        if _is_end(result):
            references.setdefault(
                (result.entry.place.of_any_augmentation, result.entry.condenser), result.values
            )
    gaps = []
    for result in finals:
        naive, joint = (
            references.get((result.entry.place.of_any_augmentation, name))
            for name in (NAIVE, JOINT)
        )
        if naive is None or joint is None or _is_end(result):
            continue
        values = _fractions(result.values, naive, joint)
        if values:
            name, unit, higher = METRIC
            metric = f"{split_metric(result.metric)[0]}/{name}", unit, higher
            gaps.append(summarise(result.entry, result.nbytes, metric, values, result.over))
    return gaps


def _is_end(result: Result) -> bool:
    return result.entry.is_reference and result.entry.condenser in (NAIVE, JOINT)


def _fractions(values: Values, naive: Values, joint: Values) -> dict[int, dict[str, float]]:
    fractions: dict[int, dict[str, float]] = {}
    for seed, repeats in values.items():
        low, high = naive.get(seed, {}), joint.get(seed, {})
        for key, value in repeats.items():
            if key in low and key in high and high[key] > low[key]:
                share = (value - low[key]) / (high[key] - low[key])
                fractions.setdefault(seed, {})[key] = share
    return fractions
