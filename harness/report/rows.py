"""Results -> the rows of the report, each beside random real images at the same count and at the
same bytes.
"""

import math
from collections.abc import Sequence
from typing import Any

from harness.report.place import Place
from harness.report.results import RANDOM, Result
from harness.statistics.intervals import Interval

Row = dict[str, Any]
FILLED = 0.95  # of the bytes of as many raw images: files seldom fill them to the last byte
SELF_EVIDENT = ("s", "J", "MB", "architectures", "parameters")  # no comparison with random images


def as_rows(results: Sequence[Result]) -> list[Row]:
    """Write results as the rows of the report's JSON, each with its comparison to random images."""
    randoms: dict[tuple[Place, str], list[Result]] = {}
    for result in results:
        if result.is_random:
            randoms.setdefault((result.entry.place, result.metric), []).append(result)
    return [_row(r, randoms.get((r.entry.place, r.metric), [])) for r in results]


def _row(result: Result, randoms: Sequence[Result]) -> Row:
    entry, mean = result.entry, result.interval
    row: Row = {
        "scenario": entry.scenario,
        "data": entry.data,
        "condenser": entry.condenser,
        "ipc": entry.ipc,
        "bytes": None if entry.is_reference else result.nbytes,
        "bits_per_class": None if entry.is_reference else result.bits,
        "metric": result.metric,
        "mean": finite(mean.mean),
        "low": finite(mean.low),
        "high": finite(mean.high),
        "n": mean.n,
        "unit": result.unit,
        "higher_is_better": result.higher_is_better,
        "comparison": None,
        "reference": entry.is_reference,
        "recipe": entry.augmentation,
        "variant": entry.variant,
        "interval": mean.method,
        "over": result.over,
        "seeds": result.seeds,
        "dropped_resamples": mean.dropped,
        "kind": entry.origin,
        "budget": entry.budget,
    }
    if result.unit not in SELF_EVIDENT and not entry.is_reference and not result.is_random:
        row |= _compare_with_random(result, randoms)
    return row


def _compare_with_random(result: Result, randoms: Sequence[Result]) -> Row:
    """The comparison at equal count, and at equal bytes with the largest random set that is no
    larger.

    Where a budget in bytes was asked for, both are with the random images of that budget.
    """
    budget = result.entry.budget
    if budget is not None:
        same = _compare(result, next((r for r in randoms if r.entry.budget == budget), None))
        return {"comparison": same, "comparison_bytes": same, "equal_count_is_equal_bytes": True}
    same_count = next(
        (r for r in randoms if r.entry.ipc == result.entry.ipc and r.entry.budget is None), None
    )
    row: Row = {"comparison": _compare(result, same_count)}
    if result.nbytes is None:
        return row
    if same_count is not None and same_count.nbytes == result.nbytes:
        return row | {"comparison_bytes": row["comparison"], "equal_count_is_equal_bytes": True}
    nearest = find_of_equal_bytes(result, randoms)
    other = _compare(result, nearest)
    if other is not None and nearest is not None:
        other |= {"ipc": nearest.entry.ipc, "bytes": nearest.nbytes}
    return row | {"comparison_bytes": other, "equal_count_is_equal_bytes": False}


def find_of_equal_bytes(result: Result, randoms: Sequence[Result]) -> Result | None:
    """Find the random images whose bytes a set fills nearly, as many as it stands for; else the
    largest of no more bytes; None where all are larger.
    """
    nbytes = result.nbytes or 0
    sized = [(r.nbytes, r) for r in randoms if r.nbytes is not None]
    for size, random in sized:
        if random.entry.ipc == result.entry.ipc and FILLED * size <= nbytes <= size:
            return random
    fitting = [(size, r) for size, r in sized if size <= nbytes]
    return max(fitting, key=lambda pair: pair[0], default=(0, None))[1]


def _compare(result: Result, random: Result | None) -> Row | None:
    difference = None if random is None else result.minus(random)
    return None if difference is None else as_comparison(difference, RANDOM)


def as_comparison(difference: Interval, against: str) -> Row:
    """Write a difference as the report's JSON has it.

    Args:
        difference: its interval.
        against: the name of what was subtracted.
    """
    return {
        "against": against,
        "difference": finite(difference.mean),
        "low": finite(difference.low),
        "high": finite(difference.high),
        "distinguishable": difference.distinguishable,
        **as_power(difference),
    }


def as_power(interval: Interval) -> Row:
    """Write what an interval could have shown as the report's JSON has it: "detectable", the
    difference that its n shows with a power of 80 %, and "n_for_one", the n that a difference of 1
    takes; None where that is not known, or where it takes more than 10,000.
    """
    return {"detectable": finite(interval.detectable), "n_for_one": interval.values_for(1.0)}


def finite(value: float | None) -> float | None:
    """Return the number, or None for nan and infinity, which JSON does not know."""
    return None if value is None or not math.isfinite(value) else float(value)
