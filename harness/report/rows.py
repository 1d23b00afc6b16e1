"""Results -> the rows of the report, each beside random real images at the same count and at the
same bytes.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from harness.report.chapters.continual.gap import gaps_closed
from harness.report.chapters.search.alignment import Searched, is_search, line_up
from harness.report.chapters.search.ranking import search_results
from harness.report.results import RANDOM, Entry, Record, Result, by_entry, condensation, measured
from harness.statistics.intervals import Interval

Row = dict[str, Any]
Searches = Mapping[tuple[str, str, str], Searched]
SELF_EVIDENT = ("s", "J", "architectures", "parameters")


def results_of(records: Sequence[Record]) -> tuple[list[Result], Searches]:
    """All results of a run, and for each search (scenario, data, variant) what was lined up."""
    results: list[Result] = []
    groups: dict[tuple[str, str, str], dict[Entry, list[Record]]] = {}
    for entry, group in by_entry(records).items():
        if group[0]["kind"] == "condense":
            results += condensation(entry, group)
        elif is_search(group):
            groups.setdefault((entry.scenario, entry.data, entry.variant), {})[entry] = group
        else:
            results += measured(entry, group)
    searches = {place: Searched(own, line_up(own)) for place, own in groups.items()}
    for searched in searches.values():
        results += search_results(searched)
    return results + gaps_closed(results), searches


def as_rows(results: Sequence[Result]) -> list[Row]:
    """The rows as JSON values."""
    randoms: dict[tuple[Any, ...], list[Result]] = {}
    for result in results:
        if result.is_random:
            randoms.setdefault(place(result), []).append(result)
    return [_row(result, randoms.get(place(result), [])) for result in results]


def place(result: Result) -> tuple[Any, ...]:
    entry = result.entry
    return entry.scenario, entry.data, entry.variant, entry.recipe, result.metric


def _row(result: Result, randoms: Sequence[Result]) -> Row:
    entry, found = result.entry, result.interval
    row: Row = {
        "scenario": entry.scenario,
        "data": entry.data,
        "condenser": entry.condenser,
        "ipc": entry.ipc,
        "bytes": None if entry.is_reference else result.nbytes,
        "metric": result.metric,
        "mean": number(found.mean),
        "low": number(found.low),
        "high": number(found.high),
        "n": found.n,
        "unit": result.unit,
        "higher_is_better": result.higher_is_better,
        "comparison": None,
        "reference": entry.is_reference,
        "recipe": entry.recipe,
        "variant": entry.variant,
        "interval": found.method,
        "over": result.over,
        "seeds": result.seeds,
        "dropped_resamples": found.dropped,
        "kind": entry.kind,
        "budget": entry.budget,
    }
    if result.unit not in SELF_EVIDENT and not entry.is_reference and not result.is_random:
        row |= _against_random(result, randoms)
    return row


def _against_random(result: Result, randoms: Sequence[Result]) -> Row:
    """The comparison at equal count, and at equal bytes with the largest random set that is no
    larger.

    Where a budget in bytes was asked for, both are with the random images of that budget.
    """
    budget = result.entry.budget
    if budget is not None:
        found = _comparison(result, next((r for r in randoms if r.entry.budget == budget), None))
        return {"comparison": found, "comparison_bytes": found, "equal_count_is_equal_bytes": True}
    same_count = next(
        (r for r in randoms if r.entry.ipc == result.entry.ipc and r.entry.budget is None), None
    )
    row: Row = {"comparison": _comparison(result, same_count)}
    if result.nbytes is None:
        return row
    if same_count is not None and same_count.nbytes == result.nbytes:
        return row | {"comparison_bytes": row["comparison"], "equal_count_is_equal_bytes": True}
    nearest = largest_within(result.nbytes, randoms)
    other = _comparison(result, nearest)
    if other is not None and nearest is not None:
        other |= {"ipc": nearest.entry.ipc, "bytes": nearest.nbytes}
    return row | {"comparison_bytes": other, "equal_count_is_equal_bytes": False}


def largest_within(nbytes: int, randoms: Sequence[Result]) -> Result | None:
    """The largest random set of no more than so many bytes."""
    fitting = [r for r in randoms if r.nbytes is not None and r.nbytes <= nbytes]
    return max(fitting, key=lambda r: r.nbytes or 0, default=None)


def _comparison(result: Result, random: Result | None) -> Row | None:
    difference = None if random is None else result.minus(random)
    return None if difference is None else comparison(difference, RANDOM)


def comparison(difference: Interval, against: str) -> Row:
    """A difference as the report's JSON has it."""
    return {
        "against": against,
        "difference": number(difference.mean),
        "low": number(difference.low),
        "high": number(difference.high),
        "distinguishable": difference.distinguishable,
    }


def number(value: float | None) -> float | None:
    """JSON knows no nan and no infinity."""
    return None if value is None or not math.isfinite(value) else float(value)
