"""Proxies against baselines of equal cost: short trainings cut where a proxy's cost ends, scores
without training, real images. And regret against the seconds that a search takes.

A baseline may spend on an architecture as much as the proxy spends: as many gradient steps (images,
where records do not count steps), as many seconds, or as many seconds with a share of the
condensation, which is spread over the architectures searched.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.report.chapters.search.alignment import (
    AlignedScores,
    AlignedSearch,
    Groups,
    Searches,
    count_retrained,
    is_truth,
    read_by_seed,
    read_values,
    stack_scores,
)
from harness.report.chapters.search.rivals import OWN
from harness.report.results import REAL, Entry, Record, condensation_seconds
from harness.report.rows import Row, as_comparison, finite
from harness.statistics.rank_bootstrap import (
    RankDraws,
    TrueAccuracies,
    draw_ranks,
    rank_difference,
    rank_interval,
    seed_agreement,
)
from harness.statistics.rank_samples import kendall_of_samples, regret_at

Array = NDArray[np.float64]
Curves = Sequence[Sequence[Sequence[Mapping[str, Any]]]]  # (S, A) lists of readings
COUNT = "equal count"


@dataclass(frozen=True, eq=False)
class Match:
    """A baseline that one proxy is compared with.

    Args:
        entry: the baseline.
        at: what is equal.
        tau: its Kendall tau.
        late: number of architectures whose first reading comes after that cost.
        short: number of architectures whose last reading comes at less than nine tenths of it.
    """

    entry: Entry
    at: str
    tau: RankDraws
    late: int = 0
    short: int = 0


def compare_at_equal_cost(searches: Searches) -> list[Row]:
    """List one row a proxy and baseline: the paired difference of their tau, with its interval.

    `at` says what is equal; `ceiling` is the mean tau of two seeds of the truth, None with one
    seed.
    """
    rows: list[Row] = []
    for search in searches.values():
        aligned = search.aligned
        if aligned is None:
            continue
        agreement = seed_agreement([kendall_of_samples], aligned.truth)
        ceiling = None if agreement is None else finite(agreement[0].point)
        own = {entry: _tau(aligned, scores) for entry, scores in aligned.scores.items()}
        for entry in (one for one in own if not one.is_reference):
            rows += [
                {**entry.as_json(), **_compare(own[entry], match), "ceiling": ceiling}
                for match in _matches(entry, search, aligned, own)
            ]
    return rows


def _tau(aligned: AlignedScores, scores: Array) -> RankDraws:
    return draw_ranks([kendall_of_samples], aligned.truth, scores)[0]


def _compare(own: RankDraws, match: Match) -> Row:
    interval = rank_interval(own)
    return {
        "tau": {
            "mean": finite(interval.mean),
            "low": finite(interval.low),
            "high": finite(interval.high),
        },
        "at": match.at,
        "late": match.late,
        "short": match.short,
        "against_kind": match.entry.origin,
        "against_tau": finite(match.tau.point),
        **as_comparison(rank_difference(own, match.tau), match.entry.condenser),
    }


def _matches(
    proxy: Entry, search: AlignedSearch, aligned: AlignedScores, own: Mapping[Entry, RankDraws]
) -> list[Match]:
    """The baselines of one proxy: those that train as far as it costs, those that do not, and real
    images of its count.
    """
    matches = []
    spent = _costs_of(search.groups[proxy], aligned.ids)
    for entry, tau in own.items():
        curves = read_curves(search.groups[entry], aligned.ids) if entry.is_reference else None
        if curves:
            for at, (axis, cost) in _budgets(spent, curves).items():
                last = np.array([[curve[-1][axis] for curve in seed] for seed in curves])
                scores, late = _cut_curves(curves, axis, cost)
                short = int((last < 0.9 * cost).any(0).sum())
                matches.append(Match(entry, at, _tau(aligned, scores), late, short))
        elif entry.is_reference:
            matches.append(Match(entry, OWN, tau))
        elif entry.origin == REAL != proxy.origin and (entry.ipc, entry.budget) == (
            proxy.ipc,
            proxy.budget,
        ):
            matches.append(Match(entry, COUNT, tau))
    return matches


def read_curves(records: Sequence[Record], ids: Sequence[str]) -> Curves:
    """Read the readings of each seed and architecture; none at all where some has none."""
    curves = []
    for record in records:
        rows = {
            str(row["id"]): row.get("curve")
            for row in ((record.get("outcome") or {}).get("detail") or {}).get("architectures", [])
        }
        curves.append([rows.get(name) or [] for name in ids])
    return curves if curves and all(curve for seed in curves for curve in seed) else []


def _costs_of(records: Sequence[Record], ids: Sequence[str]) -> dict[str, Array]:
    """What a proxy spends on each architecture (A,), mean over its seeds: steps, images, seconds,
    seconds with condensation.
    """
    costs = {}
    for name in ("steps", "images", "seconds"):
        tables = read_by_seed(records, partial(read_values, name=name))
        if tables and all(one in table for table in tables.values() for one in ids):
            costs[name] = stack_scores(tables, ids).mean(0)
    if "seconds" in costs:
        costs["all"] = costs["seconds"] + share_condensation(records)
    return costs


def share_condensation(records: Sequence[Record]) -> float:
    """Compute the seconds of condensation for each architecture that was tried; 0 where nothing was
    condensed.
    """
    made = list(condensation_seconds(records).values())
    details = [(record.get("outcome") or {}).get("detail") or {} for record in records]
    tried = [len(d.get("architectures", [])) + len(d.get("failures", [])) for d in details if d]
    return float(np.mean(made) / np.mean(tried)) if made and tried else 0.0


def _budgets(spent: Mapping[str, Array], curves: Curves) -> dict[str, tuple[str, Array]]:
    """What is equal -> the curves' axis, and how far each architecture may go along it."""
    readings = [reading for seed in curves for curve in seed for reading in curve]
    steps = (
        "steps"
        if "steps" in spent and all("steps" in reading for reading in readings)
        else "images"
    )
    wanted = {f"equal {steps}": (steps, steps), "equal seconds": ("seconds", "seconds")}
    wanted["equal seconds with condensation"] = ("seconds", "all")
    return {
        at: (axis, spent[of])
        for at, (axis, of) in wanted.items()
        if of in spent and all(axis in reading for reading in readings)
    }


def _cut_curves(curves: Curves, axis: str, cost: Array) -> tuple[Array, int]:
    """(S, A) validation accuracy at the last reading that costs no more, and how many first
    readings come later.

    Where even the first reading costs more it is taken nevertheless, to the baseline's advantage;
    past its end, the last one.
    """
    early = [
        [
            sum(reading[axis] <= limit for reading in curve)
            for curve, limit in zip(seed, cost, strict=True)
        ]
        for seed in curves
    ]
    scores = [
        [curve[max(count - 1, 0)]["validation"] for curve, count in zip(seed, counts, strict=True)]
        for seed, counts in zip(curves, early, strict=True)
    ]
    return np.array(scores, dtype=np.float64), int((np.array(early) == 0).any(0).sum())


READINGS = 12


def list_regret_by_cost(searches: Searches) -> list[Row]:
    """List one row a proxy or baseline: its points, one where it has no curve, and k.

    A point: seconds of searching all architectures of the aligned, condensation included and
    retraining the best k left out (it is the same for all), and regret@k with its interval. The
    truth stands at its own cost and no regret.
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
        each = _seconds(records)
        if is_truth(entry) and each is not None:
            points = [{"seconds": each * count, "mean": 0.0, "low": None, "high": None}]
        elif entry in aligned.scores:
            curves = _readings(read_curves(records, aligned.ids)) if entry.is_reference else []
            share = 0.0 if entry.is_reference else share_condensation(records)
            alone = [] if each is None else [((each + share) * count, aligned.scores[entry])]
            points = [
                _point(seconds, scores, aligned.truth, k) for seconds, scores in curves or alone
            ]
        else:
            points = []
        if points:
            rows.append({**entry.as_json(), "k": k, "points": points})
    return rows


def _point(seconds: float, scores: Array, truth: TrueAccuracies, k: int) -> Row:
    interval = rank_interval(draw_ranks([regret_at(k)], truth, scores)[0])
    return {
        "seconds": seconds,
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


def _readings(curves: Sequence[Sequence[Sequence[Mapping[str, Any]]]]) -> list[tuple[float, Array]]:
    """Seconds of all architectures, and their scores (S, A), at up to twelve readings; past its end
    a curve stays there.
    """
    longest = max((len(curve) for seed in curves for curve in seed), default=0)
    wanted = np.unique(np.linspace(0, longest - 1, min(longest, READINGS)).round()).astype(int)
    readings = []
    for i in wanted.tolist():
        reached = [[curve[min(i, len(curve) - 1)] for curve in seed] for seed in curves]
        seconds = np.array([[reading["seconds"] for reading in seed] for seed in reached])
        scores = np.array(
            [[reading["validation"] for reading in seed] for seed in reached], dtype=np.float64
        )
        readings.append((float(seconds.sum(1).mean()), scores))
    return readings
