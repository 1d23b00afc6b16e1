"""Results -> the correlation of every measure of the data space with every usefulness of the same sets."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from harness.data_space_correlation import SETS_FROM, Correlation, Sets, holds_among
from harness.report.definitions import IN
from harness.report.kinds import split_metric
from harness.report.results import Entry, Result
from harness.report.rows import Searches, number
from harness.report.search_lineup import by_seed, scores_of
from harness.statistics import Interval

SPACE = "data-space"
BYTES = "bytes"  # what any measure must surpass: how large the set is
USEFUL = {
    "test-accuracy": "test accuracy",
    "mean-test-accuracy": "mean test accuracy",
    "final-accuracy": "final accuracy",
    "forgetting": "forgetting",
}


class SetKey(NamedTuple):
    """One condensed set of a run; size is its budget in bytes or its ipc, whichever was asked for."""

    data: str
    condenser: str
    size: tuple[str, int | None]
    seed: int


Values = Mapping[SetKey, float]
Measured = tuple[str, str]  # measure, embedding


def correlations(results: Sequence[Result], searches: Searches) -> list[dict[str, Any]]:
    """One row a data set, usefulness and measure, as JSON values; none unless four sets share them."""
    measures, held = _measures(results)
    if not held:
        return []
    rows = []
    for (data, useful), values in [*_useful(results).items(), *_ranking(searches).items()]:
        found = _correlated({(BYTES, ""): held, **measures}, values, held)
        tests = sum(not np.isnan(one.judged.mean) for _, one in found.values()) - 1  # bytes are no measure of the data space
        for (measure, space), (sets, one) in found.items():
            if measure == BYTES and np.isnan(one.spearman.mean):
                continue  # all have one size
            named = {"data": data, "usefulness": useful, "measure": measure, "embedding": space}
            rows.append({**named, **_row(sets, one, max(tests, 1))})
    return rows


def _correlated(measures: Mapping[Measured, Values], useful: Values, held: Values) -> dict[Measured, tuple[Sets, Correlation]]:
    """Each measure on the sets that have it, where they are enough; sets that several measures share are resampled once."""
    found = {}
    known: dict[tuple[SetKey, ...], Sets] = {}
    for name, values in measures.items():
        keys = tuple(key for key in values if key in useful and key in held)
        if len(keys) < SETS_FROM:
            continue
        if keys not in known:
            sides = [np.array([float(side[key]) for key in keys]) for side in (useful, held)]
            known[keys] = Sets(sides[0], sides[1], [key.condenser for key in keys])
        found[name] = known[keys], known[keys].correlation(np.array([values[key] for key in keys]))
    return found


def _row(sets: Sets, found: Correlation, tests: int) -> dict[str, Any]:
    """corrected: whether what is judged is distinguishable from 0 also for the number of measures."""
    sides = {"spearman": found.spearman, "kendall": found.kendall, "given_bytes": found.given_bytes}
    corrected = holds_among(found.judged, sets.count, tests)
    counts = {"sets": len(sets.useful), "condensers": sets.count, "corrected": corrected}
    return {**{name: _interval(side) for name, side in sides.items()}, **counts}


def _interval(found: Interval) -> dict[str, Any]:
    bounds = {"mean": number(found.mean), "low": number(found.low), "high": number(found.high)}
    return {**bounds, "interval": found.method, "distinguishable": found.distinguishable}


def _measures(results: Sequence[Result]) -> tuple[dict[Measured, dict[SetKey, float]], dict[SetKey, float]]:
    """Measure -> set -> value, and the bytes of each set that the data space measured."""
    found: dict[Measured, dict[SetKey, float]] = {}
    held: dict[SetKey, float] = {}
    for result in results:
        if result.entry.scenario != SPACE or result.entry.is_reference or IN not in result.metric:
            continue
        measure, _, space = result.metric.partition(IN)
        told_apart = f"{space}, {result.entry.variant}" if result.entry.variant else space
        for key, value in _by_set(result):
            found.setdefault((measure, told_apart), {})[key] = value
            if result.nbytes is not None:
                held[key] = float(result.nbytes)
    return found, held


def _by_set(result: Result) -> Iterator[tuple[SetKey, float]]:
    for seed, repeats in result.values.items():
        yield _key(result.entry, seed), sum(repeats.values()) / len(repeats)


def _key(entry: Entry, seed: int) -> SetKey:
    size = ("ipc", entry.ipc) if entry.budget is None else ("bytes", entry.budget)
    return SetKey(entry.data, entry.condenser, size, seed)


def _useful(results: Sequence[Result]) -> dict[tuple[str, str], dict[SetKey, float]]:
    """(data, usefulness) -> set -> mean over its networks or class orders."""
    found: dict[tuple[str, str], dict[SetKey, float]] = {}
    recipes = {(r.entry.scenario, r.entry.recipe) for r in results if not r.entry.is_reference}
    for result in results:
        entry, (strategy, metric) = result.entry, split_metric(result.metric)
        if entry.is_reference or metric not in USEFUL:
            continue
        several = sum(scenario == entry.scenario for scenario, _ in recipes) > 1
        parts = [
            f"{USEFUL[metric]}{f' ({strategy})' if strategy else ''}",
            f"augmentation {entry.recipe or 'none'}" if several else "",
            entry.variant,
        ]
        found.setdefault((entry.data, ", ".join(part for part in parts if part)), {}).update(_by_set(result))
    return found


def _ranking(searches: Searches) -> dict[tuple[str, str], dict[SetKey, float]]:
    """(data, usefulness) -> set -> Kendall's tau-b of its scores with the mean truth."""
    found: dict[tuple[str, str], dict[SetKey, float]] = {}
    for (_, data, variant), searched in searches.items():
        if searched.lineup is None:
            continue
        truth = searched.lineup.truth.test.mean(0)
        name = ", ".join(part for part in ("Kendall tau of the search", variant) if part)
        for entry, scores in searched.lineup.scores.items():
            if entry.is_reference:
                continue
            for seed, row in zip(by_seed(searched.groups[entry], scores_of), scores, strict=True):
                tau = float(stats.kendalltau(row, truth).statistic)
                if np.isfinite(tau):
                    found.setdefault((data, name), {})[_key(entry, seed)] = tau
    return found
