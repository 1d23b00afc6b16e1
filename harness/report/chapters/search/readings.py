"""What ranks better of one training: validation accuracy or validation loss, when, and together
with a score that costs nothing.

A short training tells architectures apart by its loss before it does so by its accuracy, which
moves by whole images.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.report.chapters.search.alignment import AlignedScores, AlignedSearch, Searches
from harness.report.chapters.search.combined import average_ranks
from harness.report.chapters.search.equal_cost import Curves, read_curves
from harness.report.results import Entry
from harness.report.rows import Row, finite
from harness.statistics.intervals import Interval
from harness.statistics.rank_bootstrap import (
    RankDraws,
    TrueAccuracies,
    draw_ranks,
    rank_difference,
    rank_interval,
)
from harness.statistics.rank_samples import (
    RankStatistic,
    kendall_of_samples,
    precision_at,
    regret_at,
    spearman_of_samples,
)

Array = NDArray[np.float64]
MOST = 4  # readings of a curve
WAYS = ("accuracy", "loss")


class Reading(NamedTuple):
    """The scores of all architectures after some steps of training.

    Args:
        steps: gradient steps so far.
        seconds: of all architectures together, the mean over seeds.
        scores: "accuracy" or "loss" -> (S, A) scores, a row a seed; larger is better.
    """

    steps: int
    seconds: float
    scores: Mapping[str, Array]


def count_tenth(count: int) -> int:
    """Count the architectures in the top tenth of so many."""
    return max(1, round(count / 10))


def rank_readings(searches: Searches) -> list[Row]:
    """Rank each entry's architectures by accuracy and by loss at some readings of its curve.

    Returns:
        One row for each entry that trains, reading and way: "steps", "seconds" of all
        architectures, "by", and Kendall's tau, Spearman's rho, precision and regret of the top
        tenth, each with its interval; "over-accuracy" is tau by loss less tau by accuracy, paired.
    """
    rows: list[Row] = []
    for search in searches.values():
        aligned = search.aligned
        if aligned is None:
            continue
        for entry, readings in _read(search, aligned).items():
            for reading in readings:
                rows += _rank_ways(entry, reading, aligned.truth)
    return rows


def combine_ranks(searches: Searches) -> list[Row]:
    """Average each entry's ranks, at the end of its training, with those of each score that trains
    nothing.

    Returns:
        One row for each pair and way: "with", "by", and what `rank_readings` gives; "over-score" is
        tau less that of the score that trains nothing, paired.
    """
    rows: list[Row] = []
    for search in searches.values():
        aligned = search.aligned
        if aligned is None:
            continue
        read = _read(search, aligned)
        free = {
            entry: scores
            for entry, scores in aligned.scores.items()
            if entry.is_reference and entry not in read
        }
        for entry, readings in read.items():
            for other, scores in free.items():
                rows += _combine(entry, readings[-1], (other, scores), aligned.truth)
    return rows


def _read(search: AlignedSearch, aligned: AlignedScores) -> dict[Entry, list[Reading]]:
    """Read the curves of the entries that hold both accuracy and loss."""
    readings = {}
    for entry in aligned.scores:
        curves = read_curves(search.groups[entry], aligned.ids)
        points = [point for seed in curves for curve in seed for point in curve]
        if points and all("loss" in point and "steps" in point for point in points):
            readings[entry] = _choose_readings(curves)
    return readings


def _choose_readings(curves: Curves) -> list[Reading]:
    shortest = min(len(curve) for seed in curves for curve in seed)
    places = np.unique(np.linspace(0, shortest - 1, min(shortest, MOST)).round()).astype(int)
    readings = []
    for place in places.tolist():
        points = [[curve[place] for curve in seed] for seed in curves]
        table = {
            name: np.array([[point[name] for point in seed] for seed in points], dtype=np.float64)
            for name in ("validation", "loss", "seconds", "steps")
        }
        scores = {"accuracy": table["validation"], "loss": -table["loss"]}
        seconds = float(table["seconds"].sum(1).mean())
        readings.append(Reading(int(table["steps"].max()), seconds, scores))
    return readings


def _rank_ways(entry: Entry, reading: Reading, truth: TrueAccuracies) -> list[Row]:
    draws = {way: _draw(truth, reading.scores[way]) for way in WAYS}
    rows = []
    for way in WAYS:
        row: Row = {
            **entry.as_json(),
            "steps": reading.steps,
            "seconds": reading.seconds,
            "by": way,
        }
        row |= _summarise(draws[way])
        if way == "loss":
            paired = rank_difference(draws["loss"][0], draws["accuracy"][0])
            row["over-accuracy"] = _as_json(paired)
        rows.append(row)
    return rows


def _combine(
    entry: Entry, reading: Reading, other: tuple[Entry, Array], truth: TrueAccuracies
) -> list[Row]:
    score, values = other
    alone = _draw(truth, values)[0]
    rows = []
    for way in WAYS:
        own = reading.scores[way]
        draws = _draw(truth, average_ranks(own, values))
        rows.append(
            {
                **entry.as_json(),
                "with": score.condenser,
                "by": way,
                **_summarise(draws),
                "over-score": _as_json(rank_difference(draws[0], alone)),
            }
        )
    return rows


def _draw(truth: TrueAccuracies, scores: Array) -> list[RankDraws]:
    return draw_ranks([statistic for statistic, _ in _statistics(scores.shape[1])], truth, scores)


def _statistics(count: int) -> list[tuple[RankStatistic, str]]:
    top = count_tenth(count)
    return [
        (kendall_of_samples, "tau"),
        (spearman_of_samples, "rho"),
        (precision_at(top), "precision"),
        (regret_at(1), "regret@1"),
        (regret_at(top), "regret-tenth"),
    ]


def _summarise(draws: Sequence[RankDraws]) -> Row:
    names = [name for _, name in _statistics(draws[0].architectures)]
    return {name: _as_json(rank_interval(one)) for name, one in zip(names, draws, strict=True)}


def _as_json(interval: Interval) -> dict[str, float | None]:
    return {
        "mean": finite(interval.mean),
        "low": finite(interval.low),
        "high": finite(interval.high),
    }
