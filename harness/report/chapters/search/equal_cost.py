"""Proxies against baselines of equal cost: short trainings cut where a proxy's cost ends, scores
without training, real images.

What a proxy spends on an architecture is what a baseline may spend on it: as many gradient steps
(images, where records do not count steps), as many seconds, or as many seconds with a share of the
condensation, spread over the architectures searched.

What a search loses by what it costs: regret of the retrained top against seconds, condensation
included.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.report.chapters.search.alignment import (
    Groups,
    Lineup,
    Searched,
    by_seed,
    is_truth,
    matrix,
    retrained,
    values_of,
)
from harness.report.chapters.search.wording import OWN
from harness.report.origin import REAL
from harness.report.results import Entry, Record, condensation_seconds
from harness.report.rows import Row, Searches, comparison, number
from harness.statistics.rank import kendall, regret_at
from harness.statistics.rank_bootstrap import (
    RankDraws,
    Truth,
    rank_difference,
    rank_draws,
    rank_interval,
    seed_agreement,
)

Array = NDArray[np.float64]
Curves = Sequence[Sequence[Sequence[Mapping[str, Any]]]]  # (S, A) lists of readings
COUNT = "equal count"


@dataclass(frozen=True, eq=False)
class Match:
    """A baseline as one proxy meets it.

    at: what is equal. late: architectures whose first reading comes after that cost; short: those
    whose last comes at less than nine tenths of it.
    """

    entry: Entry
    at: str
    tau: RankDraws
    late: int = 0
    short: int = 0


def equal_costs(searches: Searches) -> list[Row]:
    """One row a proxy and baseline: the paired difference of their tau, with its interval.

    `at` says what is equal; `ceiling` is the mean tau of two seeds of the truth, None with one
    seed.
    """
    found: list[Row] = []
    for searched in searches.values():
        lineup = searched.lineup
        if lineup is None:
            continue
        agreement = seed_agreement([kendall], lineup.truth)
        ceiling = None if agreement is None else number(agreement[0].point)
        own = {entry: _tau(lineup, scores) for entry, scores in lineup.scores.items()}
        for entry in (one for one in own if not one.is_reference):
            found += [
                {**entry.named(), **_compared(own[entry], match), "ceiling": ceiling}
                for match in _matches(entry, searched, lineup, own)
            ]
    return found


def _tau(lineup: Lineup, scores: Array) -> RankDraws:
    return rank_draws([kendall], lineup.truth, scores)[0]


def _compared(own: RankDraws, match: Match) -> Row:
    interval = rank_interval(own)
    return {
        "tau": {
            "mean": number(interval.mean),
            "low": number(interval.low),
            "high": number(interval.high),
        },
        "at": match.at,
        "late": match.late,
        "short": match.short,
        "against_kind": match.entry.kind,
        "against_tau": number(match.tau.point),
        **comparison(rank_difference(own, match.tau), match.entry.condenser),
    }


def _matches(
    proxy: Entry, searched: Searched, lineup: Lineup, own: Mapping[Entry, RankDraws]
) -> list[Match]:
    """The baselines of one proxy: those that train as far as it costs, those that do not, and real
    images of its count.
    """
    found = []
    spent = _spent(searched.groups[proxy], lineup.ids)
    for entry, tau in own.items():
        curves = curves_of(searched.groups[entry], lineup.ids) if entry.is_reference else None
        if curves:
            for at, (axis, cost) in _budgets(spent, curves).items():
                last = np.array([[curve[-1][axis] for curve in seed] for seed in curves])
                scores, late = _cut(curves, axis, cost)
                short = int((last < 0.9 * cost).any(0).sum())
                found.append(Match(entry, at, _tau(lineup, scores), late, short))
        elif entry.is_reference:
            found.append(Match(entry, OWN, tau))
        elif entry.kind == REAL != proxy.kind and (entry.ipc, entry.budget) == (
            proxy.ipc,
            proxy.budget,
        ):
            found.append(Match(entry, COUNT, tau))
    return found


def curves_of(records: Sequence[Record], ids: Sequence[str]) -> Curves:
    """The readings of each seed and architecture; none at all where some has none."""
    found = []
    for record in records:
        rows = {
            str(row["id"]): row.get("curve")
            for row in ((record.get("outcome") or {}).get("detail") or {}).get("architectures", [])
        }
        found.append([rows.get(name) or [] for name in ids])
    return found if found and all(curve for seed in found for curve in seed) else []


def _spent(records: Sequence[Record], ids: Sequence[str]) -> dict[str, Array]:
    """What a proxy spends on each architecture (A,), mean over its seeds: steps, images, seconds,
    seconds with condensation.
    """
    found = {}
    for name in ("steps", "images", "seconds"):
        tables = by_seed(records, partial(values_of, name=name))
        if tables and all(one in table for table in tables.values() for one in ids):
            found[name] = matrix(tables, ids).mean(0)
    if "seconds" in found:
        found["all"] = found["seconds"] + condensation_share(records)
    return found


def condensation_share(records: Sequence[Record]) -> float:
    """Seconds of condensation on each architecture that was tried; 0 where nothing was
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


def _cut(curves: Curves, axis: str, cost: Array) -> tuple[Array, int]:
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


def regret_by_cost(searches: Searches) -> list[Row]:
    """One row a proxy or baseline: its points, one where it has no curve, and k.

    A point: seconds of searching all architectures of the lineup, condensation included and
    retraining the best k left out (it is the same for all), and regret@k with its interval. The
    truth stands at its own cost and no regret.
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
            points = [
                _point(seconds, scores, lineup.truth, k) for seconds, scores in curves or alone
            ]
        else:
            points = []
        if points:
            found.append({**entry.named(), "k": k, "points": points})
    return found


def _point(seconds: float, scores: Array, truth: Truth, k: int) -> Row:
    interval = rank_interval(rank_draws([regret_at(k)], truth, scores)[0])
    return {
        "seconds": seconds,
        "mean": number(interval.mean),
        "low": number(interval.low),
        "high": number(interval.high),
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
    found = []
    for i in wanted.tolist():
        reached = [[curve[min(i, len(curve) - 1)] for curve in seed] for seed in curves]
        seconds = np.array([[reading["seconds"] for reading in seed] for seed in reached])
        scores = np.array(
            [[reading["validation"] for reading in seed] for seed in reached], dtype=np.float64
        )
        found.append((float(seconds.sum(1).mean()), scores))
    return found
