"""Whether one run has the values of another, seed by seed, and within what."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.report.results import Result
from harness.report.wording import format_number, join_words

# What a machine, its speed and its libraries decide, and break-even with it.
CLOCKED = ("s", "J", "MB", "architectures")
ROUNDING = 1e-9  # of the larger value


def compare_values(a: Sequence[Result], b: Sequence[Result]) -> dict[str, Any]:
    """Compare the single values of two runs; seconds and joules are left out.

    Args:
        a: the results of the first run.
        b: those of the second.

    Returns:
        One JSON object. "values" and "figures" count what both runs have, "equal" the values that
        are equal to rounding, "distinguishable" the figures whose paired difference excludes 0.
        "largest" has the largest difference in each unit: "unit", "difference", "metric",
        "condenser", and "seed" (null for a rank statistic, which is of all seeds).
    """
    known = {(result.entry, result.metric): result for result in a}
    pairs = [
        (known[result.entry, result.metric], result)
        for result in b
        if (result.entry, result.metric) in known and result.unit not in CLOCKED
    ]
    values = [
        (result, seed, old, new)
        for other, result in pairs
        for seed, old, new in _shared_values(other, result)
    ]
    apart = [one for one in values if not _is_equal(one[2], one[3])]
    return {
        "figures": len(pairs),
        "values": len(values),
        "equal": len(values) - len(apart),
        "distinguishable": sum(_differs(other, result) for other, result in pairs),
        "largest": _largest(apart),
    }


def _shared_values(a: Result, b: Result) -> Iterator[tuple[int | None, float, float]]:
    """Seed and both values; of a rank statistic the one value that is over all seeds."""
    if a.draws is not None or b.draws is not None:
        yield None, a.interval.mean, b.interval.mean
        return
    for seed, repeats in a.values.items():
        for repeat, value in repeats.items():
            if repeat in b.values.get(seed, {}):
                yield seed, value, b.values[seed][repeat]


def _is_equal(a: float, b: float) -> bool:
    both_undefined = math.isnan(a) and math.isnan(b)
    return both_undefined or math.isclose(a, b, rel_tol=ROUNDING, abs_tol=ROUNDING)


def _differs(a: Result, b: Result) -> bool:
    difference = b.minus(a)
    return difference is not None and difference.distinguishable


def _largest(apart: Sequence[tuple[Result, int | None, float, float]]) -> list[Mapping[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for result, seed, a, b in apart:
        difference = abs(b - a)
        known = found.get(result.unit)
        if math.isfinite(difference) and (known is None or difference > known["difference"]):
            found[result.unit] = {
                "unit": result.unit,
                "difference": difference,
                "metric": result.metric,
                "condenser": result.entry.condenser,
                "seed": seed,
            }
    return list(found.values())


def summarise_reproduction(found: Mapping[str, Any]) -> str:
    """Write what `compare_values` found: whether B has the values of A, and within what."""
    if not found["values"]:
        return "A and B share no value of one seed, so neither can be said to reproduce the other."
    counted = f"Of {found['values']} values in both (without times) {found['equal']} are equal"
    if found["equal"] == found["values"]:
        return f"{counted}: B reproduces A."
    most = join_words([_name_difference(one) for one in found["largest"]])
    return (
        f"{counted}; the others differ by at most {most}. Of {found['figures']} figures"
        f" {found['distinguishable']} differ by more than chance, where about"
        f" {0.05 * found['figures']:.0f} would if the runs differed by chance alone."
    )


def _name_difference(one: Mapping[str, Any]) -> str:
    unit = f" {one['unit']}" if one["unit"] else ""
    seed = "" if one["seed"] is None else f", seed {one['seed']}"
    size = format_number(one["difference"], one["unit"], decimals=3)
    return f"{size}{unit} ({one['metric']} of {one['condenser']}{seed})"
