"""Proxies against baselines of equal cost: short trainings cut where a proxy's cost ends, scores without training, real images.

What a proxy spends on an architecture is what a baseline may spend on it: as many gradient steps (images, where records do not
count steps), as many seconds, or as many seconds with a share of the condensation, spread over the architectures searched.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.rank_bootstrap import RankDraws, rank_difference, rank_draws, rank_interval, seed_agreement
from harness.rank_statistics import kendall
from harness.report.kinds import REAL
from harness.report.results import Entry, Record, condensation_seconds
from harness.report.rows import Row, Searches, comparison, number
from harness.report.search_lineup import Lineup, Searched, by_seed, matrix, values_of
from harness.report.search_wording import OWN

Array = NDArray[np.float64]
Curves = Sequence[Sequence[Sequence[Mapping[str, Any]]]]  # (S, A) lists of readings
COUNT = "equal count"


@dataclass(frozen=True, eq=False)
class Match:
    """A baseline as one proxy meets it.

    at: what is equal. late: architectures whose first reading comes after that cost; short: those whose last comes at less than
    nine tenths of it.
    """

    entry: Entry
    at: str
    tau: RankDraws
    late: int = 0
    short: int = 0


def equal_costs(searches: Searches) -> list[Row]:
    """One row a proxy and baseline: the paired difference of their tau, with its interval.

    `at` says what is equal; `ceiling` is the mean tau of two seeds of the truth, None with one seed.
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
        "tau": {"mean": number(interval.mean), "low": number(interval.low), "high": number(interval.high)},
        "at": match.at,
        "late": match.late,
        "short": match.short,
        "against_kind": match.entry.kind,
        "against_tau": number(match.tau.point),
        **comparison(rank_difference(own, match.tau), match.entry.condenser),
    }


def _matches(proxy: Entry, searched: Searched, lineup: Lineup, own: Mapping[Entry, RankDraws]) -> list[Match]:
    """The baselines of one proxy: those that train as far as it costs, those that do not, and real images of its count."""
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
        elif entry.kind == REAL != proxy.kind and (entry.ipc, entry.budget) == (proxy.ipc, proxy.budget):
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
    """What a proxy spends on each architecture (A,), mean over its seeds: steps, images, seconds, seconds with condensation."""
    found = {}
    for name in ("steps", "images", "seconds"):
        tables = by_seed(records, partial(values_of, name=name))
        if tables and all(one in table for table in tables.values() for one in ids):
            found[name] = matrix(tables, ids).mean(0)
    if "seconds" in found:
        found["all"] = found["seconds"] + condensation_share(records)
    return found


def condensation_share(records: Sequence[Record]) -> float:
    """Seconds of condensation on each architecture that was tried; 0 where nothing was condensed."""
    made = list(condensation_seconds(records).values())
    details = [(record.get("outcome") or {}).get("detail") or {} for record in records]
    tried = [len(d.get("architectures", [])) + len(d.get("failures", [])) for d in details if d]
    return float(np.mean(made) / np.mean(tried)) if made and tried else 0.0


def _budgets(spent: Mapping[str, Array], curves: Curves) -> dict[str, tuple[str, Array]]:
    """What is equal -> the curves' axis, and how far each architecture may go along it."""
    readings = [reading for seed in curves for curve in seed for reading in curve]
    steps = "steps" if "steps" in spent and all("steps" in reading for reading in readings) else "images"
    wanted = {f"equal {steps}": (steps, steps), "equal seconds": ("seconds", "seconds")}
    wanted["equal seconds with condensation"] = ("seconds", "all")
    return {
        at: (axis, spent[of]) for at, (axis, of) in wanted.items() if of in spent and all(axis in reading for reading in readings)
    }


def _cut(curves: Curves, axis: str, cost: Array) -> tuple[Array, int]:
    """(S, A) validation accuracy at the last reading that costs no more, and how many first readings come later.

    Where even the first reading costs more it is taken nevertheless, to the baseline's advantage; past its end, the last one.
    """
    early = [
        [sum(reading[axis] <= limit for reading in curve) for curve, limit in zip(seed, cost, strict=True)] for seed in curves
    ]
    scores = [
        [curve[max(count - 1, 0)]["validation"] for curve, count in zip(seed, counts, strict=True)]
        for seed, counts in zip(curves, early, strict=True)
    ]
    return np.array(scores, dtype=np.float64), int((np.array(early) == 0).any(0).sum())
