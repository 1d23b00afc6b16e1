"""Search records -> how well each proxy ranks architectures, what it costs, and from how many
architectures on it pays.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.report.chapters.search.alignment import (
    CORRELATIONS,
    FOUND,
    AlignedScores,
    AlignedSearch,
    Statistics,
    is_truth,
    list_statistics,
)
from harness.report.results import (
    Entry,
    Record,
    Result,
    nbytes,
    summarise,
    summarise_seconds,
    work_seconds,
)
from harness.report.wording import TOP
from harness.statistics.intervals import Interval, break_even
from harness.statistics.rank_bootstrap import (
    RankDraws,
    TrueAccuracies,
    draw_ranks,
    rank_interval,
    seed_agreement,
)


def rank_proxies(search: AlignedSearch) -> list[Result]:
    """Compute all results of one search, entry by entry; those that need no truth where it could
    not be aligned.
    """
    groups, aligned = search.groups, search.aligned
    truth = next((records for entry, records in groups.items() if is_truth(entry)), [])
    each = _seconds_per_architecture(truth)
    full = float(np.mean(list(each.values()))) if each else None
    results: list[Result] = []
    for entry, records in groups.items():
        if aligned is not None and (is_truth(entry) or entry in aligned.scores):
            results += _ranks(entry, nbytes(records), aligned)
        results += _found(entry, records)
        results += _costs(entry, records, full)
    return results


def _ranks(entry: Entry, size: int | None, aligned: AlignedScores) -> list[Result]:
    """Measures on all architectures, then on the true top 20 %."""
    scores = aligned.scores.get(entry)
    results = _measures(entry, size, (aligned.truth, scores), aligned.statistics)
    if aligned.top is None or aligned.top_truth is None:
        return results
    few = list_statistics(len(aligned.top), aligned.truth.parameters is not None)
    named = {name + TOP: statistic for name, statistic in few.items()}
    return results + _measures(
        entry, size, (aligned.top_truth, None if scores is None else scores[:, aligned.top]), named
    )


def _measures(
    entry: Entry,
    size: int | None,
    sides: tuple[TrueAccuracies, NDArray[np.float64] | None],
    statistics: Statistics,
) -> list[Result]:
    """sides: the truth, and the entry's scores.

    The truth has rows of its own only for how far its seeds agree in rank.
    """
    truth, scores = sides
    if scores is None:
        statistics = {
            name: s for name, s in statistics.items() if name.removesuffix(TOP) in CORRELATIONS
        }
    wanted = [statistic for statistic, _, _ in statistics.values()]
    every: Sequence[RankDraws] = (
        (seed_agreement(wanted, truth) or [])
        if scores is None
        else draw_ranks(wanted, truth, scores)
    )
    seeds = len(truth.test) if scores is None else len(scores)
    results = []
    for (metric, (_, unit, higher)), draws in zip(statistics.items(), every, strict=False):
        if metric.startswith(CORRELATIONS[-1]) and math.isnan(draws.point):
            continue  # parameters themselves: nothing is left of them
        over = f"{draws.architectures} architectures, {seeds} seed{'s' if seeds > 1 else ''}"
        interval = rank_interval(draws)
        results.append(
            Result(entry, size, metric, unit, higher, interval, over, draws=draws, seeds=seeds)
        )
    return results


def _found(entry: Entry, records: Sequence[Record]) -> list[Result]:
    """Test accuracy of the architecture that an adaptive strategy judged best, retrained on all
    data, one value a seed.
    """
    finals = {
        r["cell"]["seed"]: ((r.get("outcome") or {}).get("detail") or {}).get("final")
        for r in records
    }
    tested = {
        seed: {"": float(final["test"])}
        for seed, final in finals.items()
        if final and final.get("test") is not None
    }
    return (
        [summarise(entry, nbytes(records), (FOUND, "%", True), tested, "seeds")] if tested else []
    )


def _seconds_per_architecture(records: Sequence[Record]) -> dict[int, float]:
    seconds: dict[int, float] = {}
    for record in records:
        outcome = record.get("outcome") or {}
        spent, count = (
            (outcome.get("costs") or {}).get("seconds"),
            len(outcome.get("detail", {}).get("architectures", [])),
        )
        if spent is not None and count:
            seconds[record["cell"]["seed"]] = float(spent) / count
    return seconds


def _costs(entry: Entry, records: Sequence[Record], full: float | None) -> list[Result]:
    spent = {
        r["cell"]["seed"]: float(r["outcome"]["costs"]["seconds"])
        for r in records
        if r.get("outcome") and r["outcome"]["costs"].get("seconds") is not None
    }
    made = work_seconds(records)
    results = [summarise_seconds(entry, records, "search-seconds", spent)] if spent else []
    if made:
        results.append(summarise_seconds(entry, records, "condensation-seconds", made))
    each = _seconds_per_architecture(records)
    if full is None or is_truth(entry) or not each:
        return results
    spent_on_set = dict.fromkeys(each, 0.0) if entry.is_reference else made
    points = {
        seed: break_even(spent_on_set[seed], full, each[seed])
        for seed in each
        if seed in spent_on_set
    }
    return [*results, _pays_from(entry, nbytes(records), points)] if points else results


def _pays_from(entry: Entry, size: int | None, points: Mapping[int, float | None]) -> Result:
    """The break-even point; not a number where some seed's proxy costs as much as the truth, so
    that it never pays.
    """
    metric = ("break-even-architectures", "architectures", False)
    values = {seed: {"": point} for seed, point in points.items() if point is not None}
    if len(values) == len(points):
        return summarise(entry, size, metric, values, "seeds")
    never = Interval(math.nan, None, None, len(points), "never: the proxy is not cheaper")
    return Result(entry, size, *metric, interval=never, over="seeds", seeds=len(points))
