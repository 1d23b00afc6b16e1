"""Proxies against baselines of equal cost: short trainings cut where a proxy's cost ends, scores
without training, real images.

A baseline may spend on all architectures as much as the proxy spends: as many gradient steps
(images, where records do not count steps), as many seconds, or as many seconds with those of the
condensation.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.report.chapters.search.alignment import (
    AlignedScores,
    AlignedSearch,
    Searches,
    read_by_seed,
    read_values,
    score_reading,
    stack_scores,
)
from harness.report.chapters.search.rivals import OWN
from harness.report.results import REAL, Entry, Record, work_seconds
from harness.report.rows import Row, as_comparison, finite
from harness.statistics.rank_bootstrap import (
    RankDraws,
    bound_together,
    draw_ranks,
    rank_difference,
    rank_interval,
    seed_agreement,
    subtract_ranks,
)
from harness.statistics.rank_samples import kendall_of_samples

Array = NDArray[np.float64]
Curves = Sequence[Sequence[Sequence[Mapping[str, Any]]]]  # (S, A) lists of readings
COUNT = "equal count"
SLACK = 0.05  # by which two timings of one piece of work may differ


@dataclass(frozen=True, eq=False)
class Match:
    """A baseline that one proxy is compared with.

    Args:
        entry: the baseline.
        at: what is equal.
        tau: its Kendall tau.
        late: whether its first reading comes after that cost.
        short: whether its last reading comes at less than nine tenths of it.
    """

    entry: Entry
    at: str
    tau: RankDraws
    late: bool = False
    short: bool = False


def compare_at_equal_cost(searches: Searches) -> list[Row]:
    """List one row a proxy and baseline: the paired difference of their tau, with its interval.

    `at` says what is equal; `ceiling` is the mean tau of two seeds of the truth, None with one
    seed; `together` has the ends of intervals that hold for all differences of the search at once,
    and how many these are.
    """
    rows: list[Row] = []
    for search in searches.values():
        aligned = search.aligned
        if aligned is None:
            continue
        agreement = seed_agreement([kendall_of_samples], aligned.truth)
        ceiling = None if agreement is None else finite(agreement[0].point)
        own = {entry: _tau(aligned, scores) for entry, scores in aligned.scores.items()}
        pairs = [
            (entry, match)
            for entry in own
            if not entry.is_reference
            for match in _matches(entry, search, aligned, own)
        ]
        differences = [subtract_ranks(own[entry], match.tau) for entry, match in pairs]
        rows += [
            {**entry.as_json(), **_compare(own[entry], match), "ceiling": ceiling, **together}
            for (entry, match), together in zip(pairs, describe_together(differences), strict=True)
        ]
    return rows


def describe_together(differences: Sequence[RankDraws]) -> list[Row]:
    """Return {"together": {"low", "high", "of"}} of each difference; ends None where unknown."""
    ends = [bound or (None, None) for bound in bound_together(differences)]
    count = len(differences)
    return [{"together": {"low": low, "high": high, "of": count}} for low, high in ends]


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
    cuts = cut_baselines(proxy, search, aligned)
    for entry, tau in own.items():
        if entry in cuts:
            matches += [
                Match(entry, cut.at, _tau(aligned, cut.scores), cut.late, cut.short)
                for cut in cuts[entry]
            ]
        elif entry.is_reference:
            matches.append(Match(entry, OWN, tau))
        elif entry.origin == REAL != proxy.origin and (entry.ipc, entry.budget) == (
            proxy.ipc,
            proxy.budget,
        ):
            matches.append(Match(entry, COUNT, tau))
    return matches


@dataclass(frozen=True, eq=False)
class Cut:
    """The scores of a baseline whose curve is read at the cost of a proxy.

    Args:
        at: what is equal.
        scores: (S, A), a row a seed.
        late: as of a `Match`.
        short: as of a `Match`.
    """

    at: str
    scores: Array
    late: bool
    short: bool


def cut_baselines(
    proxy: Entry, search: AlignedSearch, aligned: AlignedScores
) -> dict[Entry, list[Cut]]:
    """Read the curve of each baseline that has one at the costs of a proxy."""
    spent = _costs_of(search.groups[proxy], aligned.ids)
    found: dict[Entry, list[Cut]] = {}
    for entry in aligned.scores:
        records = search.groups[entry]
        curves = read_curves(records, aligned.ids) if entry.is_reference else []
        for at, (axis, cost) in _budgets(spent, curves).items() if curves else ():
            cut = _cut_curves(curves, axis, cost, partial(score_reading, records))
            found.setdefault(entry, []).append(Cut(at, *cut))
    return found


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
    made = list(work_seconds(records).values())
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


def _cut_curves(
    curves: Curves, axis: str, cost: Array, score: Callable[[Mapping[str, Any]], float]
) -> tuple[Array, bool, bool]:
    """(S, A) scores at the last reading that costs no more for all architectures together, whether
    even the first costs more, and whether the last costs less than nine tenths.

    One reading for all architectures: scores after more and after fewer steps are not one ranking.
    Where even the first reading costs more it is taken nevertheless, to the baseline's advantage;
    past its end, the last one.
    """
    count = min(len(curve) for seed in curves for curve in seed)
    totals = [
        float(np.mean([sum(curve[place][axis] for curve in seed) for seed in curves]))
        for place in range(count)
    ]
    limit = float(cost.sum())
    within = limit * (1 + SLACK) if axis == "seconds" else limit
    reached = [place for place in range(count) if totals[place] <= within]
    place = reached[-1] if reached else 0
    scores = [[score(curve[place]) for curve in seed] for seed in curves]
    return np.array(scores, dtype=np.float64), not reached, totals[-1] < 0.9 * limit
