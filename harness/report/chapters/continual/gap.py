"""How much of the way from no memory to all of the data a memory goes.

    gap closed = (A - naive) / (joint - naive)

A: final accuracy of a memory; naive, joint: of the two references, each of the same seed and class
order. 1 is as good as training on all classes together, 0 as no memory at all.
"""

from collections.abc import Mapping, Sequence

from harness.report.origin import split_metric
from harness.report.results import Result, from_values

METRIC = ("gap-closed", "of 1", True)
NAIVE, JOINT = "naive", "joint"

Values = Mapping[int, Mapping[str, float]]
Place = tuple[str, str, str]


def gaps_closed(results: Sequence[Result]) -> list[Result]:
    """One result for each final accuracy whose references are there; pairs in which joint is not
    above naive are left out.
    """
    finals = [result for result in results if split_metric(result.metric)[1] == "final-accuracy"]
    bounds: dict[tuple[Place, str], Values] = {}
    for result in finals:
        if result.entry.is_reference and result.entry.condenser in (NAIVE, JOINT):
            bounds.setdefault((_place(result), result.entry.condenser), result.values)
    found = []
    for result in finals:
        naive, joint = (bounds.get((_place(result), name)) for name in (NAIVE, JOINT))
        if (
            naive is None
            or joint is None
            or (result.entry.is_reference and result.entry.condenser in (NAIVE, JOINT))
        ):
            continue
        values = _fractions(result.values, naive, joint)
        if values:
            metric, unit, higher = METRIC
            name = f"{split_metric(result.metric)[0]}/{metric}"
            found.append(
                from_values(result.entry, result.nbytes, (name, unit, higher), values, result.over)
            )
    return found


def _place(result: Result) -> Place:
    return result.entry.scenario, result.entry.data, result.entry.variant


def _fractions(values: Values, naive: Values, joint: Values) -> dict[int, dict[str, float]]:
    found: dict[int, dict[str, float]] = {}
    for seed, repeats in values.items():
        low, high = naive.get(seed, {}), joint.get(seed, {})
        for key, value in repeats.items():
            if key in low and key in high and high[key] > low[key]:
                found.setdefault(seed, {})[key] = (value - low[key]) / (high[key] - low[key])
    return found
