"""What ranks better of one training: validation accuracy or validation loss, when, and together
with a score that costs nothing.

A short training tells architectures apart by its loss before it does so by its accuracy, which
moves by whole images.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.report.chapters.search.alignment import Lineup, Searched
from harness.report.chapters.search.equal_cost import Curves, curves_of
from harness.report.results import Entry
from harness.report.rows import Row, Searches, number
from harness.statistics.intervals import Interval
from harness.statistics.rank import (
    RankStatistic,
    counts_below,
    kendall,
    mid_ranks,
    precision_at,
    regret_at,
    spearman,
)
from harness.statistics.rank_bootstrap import (
    RankDraws,
    Truth,
    rank_difference,
    rank_draws,
    rank_interval,
)

Array = NDArray[np.float64]
MOST = 4  # readings of a curve
WAYS = ("accuracy", "loss")


class Reading(NamedTuple):
    """scores: way -> (S, A), larger is better. seconds: of all architectures, mean over seeds."""

    steps: int
    seconds: float
    scores: Mapping[str, Array]


def tenth(count: int) -> int:
    """How many of so many architectures are the top tenth."""
    return max(1, round(count / 10))


def rank_readings(searches: Searches) -> list[Row]:
    """Rank each entry's architectures by accuracy and by loss at some readings of its curve.

    Returns:
        One row for each entry that trains, reading and way: "steps", "seconds" of all
        architectures, "by", and Kendall's tau, Spearman's rho, precision and regret of the top
        tenth, each with its interval; "over-accuracy" is tau by loss less tau by accuracy, paired.
    """
    found: list[Row] = []
    for searched in searches.values():
        lineup = searched.lineup
        if lineup is None:
            continue
        for entry, readings in _read(searched, lineup).items():
            for reading in readings:
                found += _rows(entry, reading, lineup.truth)
    return found


def combine_ranks(searches: Searches) -> list[Row]:
    """Average each entry's ranks, at the end of its training, with those of each score that trains
    nothing.

    Returns:
        One row for each pair and way: "with", "by", and what `rank_readings` gives; "over-score" is
        tau less that of the score that trains nothing, paired.
    """
    found: list[Row] = []
    for searched in searches.values():
        lineup = searched.lineup
        if lineup is None:
            continue
        read = _read(searched, lineup)
        free = {
            entry: scores
            for entry, scores in lineup.scores.items()
            if entry.is_reference and entry not in read
        }
        for entry, readings in read.items():
            for other, scores in free.items():
                found += _pair(entry, readings[-1], (other, scores), lineup.truth)
    return found


def _read(searched: Searched, lineup: Lineup) -> dict[Entry, list[Reading]]:
    """The readings of the entries whose curves hold both accuracy and loss."""
    found = {}
    for entry in lineup.scores:
        curves = curves_of(searched.groups[entry], lineup.ids)
        points = [point for seed in curves for curve in seed for point in curve]
        if points and all("loss" in point and "steps" in point for point in points):
            found[entry] = _readings(curves)
    return found


def _readings(curves: Curves) -> list[Reading]:
    shortest = min(len(curve) for seed in curves for curve in seed)
    places = np.unique(np.linspace(0, shortest - 1, min(shortest, MOST)).round()).astype(int)
    found = []
    for place in places.tolist():
        points = [[curve[place] for curve in seed] for seed in curves]
        table = {
            name: np.array([[point[name] for point in seed] for seed in points], dtype=np.float64)
            for name in ("validation", "loss", "seconds", "steps")
        }
        scores = {"accuracy": table["validation"], "loss": -table["loss"]}
        seconds = float(table["seconds"].sum(1).mean())
        found.append(Reading(int(table["steps"].max()), seconds, scores))
    return found


def _rows(entry: Entry, reading: Reading, truth: Truth) -> list[Row]:
    draws = {way: _draws(truth, reading.scores[way]) for way in WAYS}
    rows = []
    for way in WAYS:
        row: Row = {**entry.named(), "steps": reading.steps, "seconds": reading.seconds, "by": way}
        row |= _figures(draws[way])
        if way == "loss":
            paired = rank_difference(draws["loss"][0], draws["accuracy"][0])
            row["over-accuracy"] = _as_json(paired)
        rows.append(row)
    return rows


def _pair(entry: Entry, reading: Reading, other: tuple[Entry, Array], truth: Truth) -> list[Row]:
    score, values = other
    alone = _draws(truth, values)[0]
    rows = []
    for way in WAYS:
        own = reading.scores[way]
        seeds = max(len(own), len(values))
        both = [
            _ranks(own[seed % len(own)]) + _ranks(values[seed % len(values)])
            for seed in range(seeds)
        ]
        draws = _draws(truth, np.array(both))
        rows.append(
            {
                **entry.named(),
                "with": score.condenser,
                "by": way,
                **_figures(draws),
                "over-score": _as_json(rank_difference(draws[0], alone)),
            }
        )
    return rows


def _ranks(scores: Array) -> Array:
    """(A,) mean ranks of (A,) scores."""
    return mid_ranks(counts_below(scores[None], np.ones((1, len(scores)))))[0]


def _draws(truth: Truth, scores: Array) -> list[RankDraws]:
    return rank_draws([statistic for statistic, _ in _statistics(scores.shape[1])], truth, scores)


def _statistics(count: int) -> list[tuple[RankStatistic, str]]:
    top = tenth(count)
    return [
        (kendall, "tau"),
        (spearman, "rho"),
        (precision_at(top), "precision"),
        (regret_at(1), "regret@1"),
        (regret_at(top), "regret-tenth"),
    ]


def _figures(draws: Sequence[RankDraws]) -> Row:
    names = [name for _, name in _statistics(draws[0].architectures)]
    return {name: _as_json(rank_interval(one)) for name, one in zip(names, draws, strict=True)}


def _as_json(interval: Interval) -> dict[str, float | None]:
    return {
        "mean": number(interval.mean),
        "low": number(interval.low),
        "high": number(interval.high),
    }
