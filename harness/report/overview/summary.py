"""One table of all sets: what each is worth in every job, and what it takes.

Within a data set and size the set of the best mean is the best, by the one rule of `results.py`. A
set is even with it where the interval of their paired difference holds 0. Where the best has no
interval, none is called the best.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isfinite
from typing import Any

from condensers.sets.rate import bits_per_class
from harness.report.chapters.base import Run
from harness.report.place import MAKING, Size, join_parts
from harness.report.results import Result, best_result
from harness.report.rows import finite
from harness.report.wording import split_metric

BEST, EVEN = "best", "even"
Key = tuple[str, str, str, str]  # scenario, variant, augmentation, metric
SetKey = tuple[str, Size, str]  # data, size, label
Row = dict[str, Any]


def summarise_sets(run: Run) -> dict[str, Any]:
    """List all sets and references with the metrics that chapters put into the summary.

    Returns:
        columns: {"key", "title", "unit", "higher_is_better"} of each metric. rows: a set or
        reference each, with "bytes", "bits_per_class", "seconds" of making it, and "cells": key of
        a column -> {"mean", "low", "high", "n", "standing"}; standing is "best", "even" with the
        best, or None.
    """
    chosen = [
        result
        for scenario in dict.fromkeys(result.entry.scenario for result in run.results)
        for result in run.chapters[scenario].summarised(run.results_of(scenario))
        if isfinite(result.interval.mean)
    ]
    made = {
        _set_of(r): r for r in run.results if (r.entry.scenario, r.metric) == (MAKING, "seconds")
    }
    of_sets: dict[SetKey, dict[Key, Result]] = {}
    for result in sorted(chosen, key=lambda one: one.entry.is_reference):
        of_sets.setdefault(_set_of(result), {}).setdefault(_column_of(result), result)
    of_sets = _with_any_augmentation(of_sets)
    order = list(dict.fromkeys(data for data, _, _ in of_sets))
    ranked = sorted(of_sets, key=lambda one: (order.index(one[0]), one[1]))
    standings = _stand(of_sets)
    return {
        "columns": _describe_columns(chosen, run),
        "rows": [_row(key, of_sets[key], made.get(key), standings) for key in ranked],
    }


def _set_of(result: Result) -> SetKey:
    entry = result.entry
    return entry.data, entry.size, entry.condenser


def _column_of(result: Result) -> Key:
    place = result.entry.place
    metric = split_metric(result.metric)[1]
    return place.scenario, place.variant, place.augmentation or "", metric


def _with_any_augmentation(
    of_sets: Mapping[SetKey, Mapping[Key, Result]],
) -> dict[SetKey, dict[Key, Result]]:
    """Put references, which are trained without augmentation, into the columns of all of them."""
    columns = dict.fromkeys(
        key for found in of_sets.values() for key, r in found.items() if not r.entry.is_reference
    )
    moved = {}
    for name, found in of_sets.items():
        each: dict[Key, Result] = {}
        for key, result in found.items():
            scenario, variant, _, metric = key
            same = [
                one for one in columns if (one[0], one[1], one[3]) == (scenario, variant, metric)
            ]
            for one in same if result.entry.is_reference else [key]:
                each.setdefault(one, result)
        if each:
            moved[name] = each
    return moved


def _describe_columns(chosen: Sequence[Result], run: Run) -> list[Row]:
    """Describe the columns in their order; scenario and settings are said where titles are equal
    without.

    The strategy of continual learning is said in the title.
    """
    first: dict[Key, Result] = {}
    for result in chosen:
        if not result.entry.is_reference:
            first.setdefault(_column_of(result), result)
    titles = {}
    for (scenario, _, _, metric), result in first.items():
        strategy = split_metric(result.metric)[0]
        name = run.chapters[scenario].column_titles.get(metric, metric)
        if strategy:
            name = f"{name[:-1]}; {strategy})" if name.endswith(")") else f"{name} ({strategy})"
        titles[_column_of(result)] = name
    columns = []
    for key, result in first.items():
        alike = [other for other, title in titles.items() if title == titles[key]]
        scenario = key[0] if len({other[0] for other in alike}) > 1 else ""
        variant = key[1] if len({other[1] for other in alike}) > 1 else ""
        augmentation = ""
        if len({other[2] for other in alike}) > 1:
            augmentation = f"augmentation {key[2] or 'none'}"
        columns.append(
            {
                "key": _text(key),
                "title": join_parts(titles[key], scenario, variant, augmentation),
                "unit": result.unit,
                "higher_is_better": result.higher_is_better,
            }
        )
    return columns


def _text(key: Key) -> str:
    scenario, variant, augmentation, metric = key
    return "/".join(part for part in (scenario, variant, augmentation, metric) if part)


def _stand(of_sets: Mapping[SetKey, Mapping[Key, Result]]) -> dict[tuple[SetKey, Key], str]:
    """Say which sets are the best of their data set, size and column, and which are even."""
    groups: dict[tuple[str, Size, Key], list[Result]] = {}
    for (data, size, _), found in of_sets.items():
        for key, result in found.items():
            if not result.entry.is_reference:
                groups.setdefault((data, size, key), []).append(result)
    standings = {}
    for (*_, key), results in groups.items():
        best = best_result(results)
        if len(results) < 2 or best.interval.low is None:
            continue
        standings[_set_of(best), key] = BEST
        for other in results:
            less = None if other is best else best.minus(other)
            if less is not None and less.low is not None and not less.distinguishable:
                standings[_set_of(other), key] = EVEN
    return standings


def _row(
    key: SetKey,
    found: Mapping[Key, Result],
    made: Result | None,
    standings: Mapping[tuple[SetKey, Key], str],
) -> Row:
    entry = replace(next(iter(found.values())).entry, scenario="", variant="", augmentation=None)
    sizes = [r.nbytes for r in found.values() if r.nbytes is not None and not entry.is_reference]
    nbytes = max(sizes, default=None)
    described = entry.as_json()
    return {
        **{name: described[name] for name in ("data", "condenser", "ipc", "budget", "kind")},
        "reference": entry.is_reference,
        "bytes": nbytes,
        "bits_per_class": (
            None if nbytes is None or not entry.classes else bits_per_class(nbytes, entry.classes)
        ),
        "seconds": None if made is None else finite(made.interval.mean),
        "cells": {
            _text(column): {
                "mean": finite(result.interval.mean),
                "low": finite(result.interval.low),
                "high": finite(result.interval.high),
                "n": result.interval.n,
                "standing": standings.get((key, column)),
            }
            for column, result in found.items()
        },
    }
