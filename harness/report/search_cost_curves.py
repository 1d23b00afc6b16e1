"""What a search loses by what it costs: regret of the retrained top against seconds, condensation included."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from harness.rank_bootstrap import Truth, rank_draws, rank_interval
from harness.rank_statistics import regret_at
from harness.report.results import Record
from harness.report.rows import Row, Searches, number
from harness.report.search_costs import Array, condensation_share, curves_of
from harness.report.search_lineup import Groups, Lineup, is_truth, retrained

READINGS = 12


def regret_by_cost(searches: Searches) -> list[Row]:
    """One row a proxy or baseline: its points, one where it has no curve, and k.

    A point: seconds of searching all architectures of the lineup, condensation included and retraining the best k left out
    (it is the same for all), and regret@k with its interval. The truth stands at its own cost and no regret.
    """
    found = []
    for searched in searches.values():
        if searched.lineup is not None:
            found += _rows(searched.groups, searched.lineup)
    return found


def _rows(groups: Groups, lineup: Lineup) -> list[Row]:
    k, count = retrained(len(lineup.ids)), len(lineup.ids)
    found = []
    for entry, records in groups.items():
        each = _seconds(records)
        if is_truth(entry) and each is not None:
            points = [{"seconds": each * count, "mean": 0.0, "low": None, "high": None}]
        elif entry in lineup.scores:
            curves = _readings(curves_of(records, lineup.ids)) if entry.is_reference else []
            share = 0.0 if entry.is_reference else condensation_share(records)
            alone = [] if each is None else [((each + share) * count, lineup.scores[entry])]
            points = [_point(seconds, scores, lineup.truth, k) for seconds, scores in curves or alone]
        else:
            points = []
        if points:
            found.append({**entry.named(), "k": k, "points": points})
    return found


def _point(seconds: float, scores: Array, truth: Truth, k: int) -> Row:
    interval = rank_interval(rank_draws([regret_at(k)], truth, scores)[0])
    return {"seconds": seconds, "mean": number(interval.mean), "low": number(interval.low), "high": number(interval.high)}


def _seconds(records: Sequence[Record]) -> float | None:
    """Seconds on one architecture, mean over architectures and seeds."""
    outcomes = [record.get("outcome") or {} for record in records]
    rows = [row["seconds"] for o in outcomes for row in o.get("detail", {}).get("architectures", []) if "seconds" in row]
    return float(np.mean(rows)) if rows else None


def _readings(curves: Sequence[Sequence[Sequence[Mapping[str, Any]]]]) -> list[tuple[float, Array]]:
    """Seconds of all architectures, and their scores (S, A), at up to twelve readings; past its end a curve stays there."""
    longest = max((len(curve) for seed in curves for curve in seed), default=0)
    wanted = np.unique(np.linspace(0, longest - 1, min(longest, READINGS)).round()).astype(int)
    found = []
    for i in wanted.tolist():
        reached = [[curve[min(i, len(curve) - 1)] for curve in seed] for seed in curves]
        seconds = np.array([[reading["seconds"] for reading in seed] for seed in reached])
        scores = np.array([[reading["validation"] for reading in seed] for seed in reached], dtype=np.float64)
        found.append((float(seconds.sum(1).mean()), scores))
    return found
