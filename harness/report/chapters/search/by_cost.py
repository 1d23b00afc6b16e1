"""Kendall's tau and regret against the seconds that a search takes, along each curve."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.report.chapters.search.alignment import (
    AlignedScores,
    Groups,
    Searches,
    count_retrained,
    is_truth,
    score_reading,
)
from harness.report.chapters.search.equal_cost import read_curves, share_condensation
from harness.report.results import Entry, Record
from harness.report.rows import Row, finite
from harness.statistics.intervals import Interval
from harness.statistics.rank_bootstrap import TrueAccuracies, draw_ranks, rank_interval
from harness.statistics.rank_samples import kendall_of_samples, regret_at

READINGS = 12
NO_REGRET = {"mean": 0.0, "low": None, "high": None}


class CurvePoint(NamedTuple):
    """Where a curve is read.

    Args:
        seconds: of searching all architectures, mean over seeds, without condensation.
        steps: of training; None where they are not known, or differ between architectures.
        scores: (S, A), a row a seed; larger is better.
    """

    seconds: float
    steps: int | None
    scores: NDArray[np.float64]


def rank_by_cost(searches: Searches) -> list[Row]:
    """List one row a proxy or baseline: its points, one where it has no curve, and k.

    A point: "seconds" of searching all architectures of the aligned, condensation included and
    retraining the best k left out (it is the same for all); "steps"; "tau" and "regret" at k with
    their intervals. The truth stands at its own cost and no regret. `made` has the seconds of
    condensation.
    """
    rows = []
    for search in searches.values():
        if search.aligned is not None:
            rows += _rows(search.groups, search.aligned)
    return rows


def _rows(groups: Groups, aligned: AlignedScores) -> list[Row]:
    k, count = count_retrained(len(aligned.ids)), len(aligned.ids)
    rows = []
    for entry, records in groups.items():
        made = 0.0 if entry.is_reference else share_condensation(records) * count
        each = _seconds(records)
        points: list[Row] = []
        if is_truth(entry) and each is not None:
            points = [{"seconds": each * count, "steps": None, "tau": None, "regret": NO_REGRET}]
        elif entry in aligned.scores:
            points = [
                _describe(point, made, aligned.truth, k)
                for point in _read_points(entry, records, aligned)
            ]
        if points:
            rows.append({**entry.as_json(), "k": k, "made": made, "points": points})
    return rows


def _read_points(
    entry: Entry, records: Sequence[Record], aligned: AlignedScores
) -> list[CurvePoint]:
    """The readings of a curve, or what was spent in all."""
    curve = _read_curve(records, aligned.ids)
    each = _seconds(records)
    alone = (
        [] if each is None else [CurvePoint(each * len(aligned.ids), None, aligned.scores[entry])]
    )
    return curve or alone


def _describe(point: CurvePoint, made: float, truth: TrueAccuracies, k: int) -> Row:
    tau, regret = draw_ranks([kendall_of_samples, regret_at(k)], truth, point.scores)
    return {
        "seconds": point.seconds + made,
        "steps": point.steps,
        "tau": _as_json(rank_interval(tau)),
        "regret": _as_json(rank_interval(regret)),
    }


def _as_json(interval: Interval) -> Row:
    return {
        "mean": finite(interval.mean),
        "low": finite(interval.low),
        "high": finite(interval.high),
    }


def _seconds(records: Sequence[Record]) -> float | None:
    """Seconds on one architecture, mean over architectures and seeds."""
    outcomes = [record.get("outcome") or {} for record in records]
    rows = [
        row["seconds"]
        for o in outcomes
        for row in o.get("detail", {}).get("architectures", [])
        if "seconds" in row
    ]
    return float(np.mean(rows)) if rows else None


def _read_curve(records: Sequence[Record], ids: Sequence[str]) -> list[CurvePoint]:
    """Up to twelve readings; past its end a curve stays there."""
    curves = read_curves(records, ids)
    longest = max((len(curve) for seed in curves for curve in seed), default=0)
    wanted = np.unique(np.linspace(0, longest - 1, min(longest, READINGS)).round()).astype(int)
    points = []
    for i in wanted.tolist():
        reached = [[curve[min(i, len(curve) - 1)] for curve in seed] for seed in curves]
        seconds = np.array([[reading["seconds"] for reading in seed] for seed in reached])
        scores = [[score_reading(records, reading) for reading in seed] for seed in reached]
        steps = {reading.get("steps") for seed in reached for reading in seed}
        points.append(
            CurvePoint(
                float(seconds.sum(1).mean()),
                steps.pop() if len(steps) == 1 else None,
                np.array(scores, dtype=np.float64),
            )
        )
    return points
