"""Search records -> how well each proxy ranks architectures, what it costs, and from how many architectures on it pays."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.report.results import Entry, Record, Result, condensation_seconds, from_values, nbytes, seconds
from harness.statistics import (
    Interval,
    RankDraws,
    RankStatistic,
    break_even,
    kendall,
    precision_at,
    rank_draws,
    rank_interval,
    regret_at,
    seed_agreement,
    spearman,
)

TRUTH = "truth"
SCORE = "architecture-score"
Scores = Mapping[str, float]


@dataclass(frozen=True)
class Lineup:
    """The proxies of one search, and the truth, scored on the architectures that all of them share.

    truth: (T, A) test accuracy in %, by seed; scores: entry -> (S, A), by seed. left_out: ids that some of them lack.
    """

    ids: tuple[str, ...]
    truth: NDArray[np.float64]
    scores: Mapping[Entry, NDArray[np.float64]]
    left_out: tuple[str, ...]

    @property
    def k(self) -> int:
        """How many architectures count as the top: a quarter."""
        return max(1, round(len(self.ids) / 4))

    @property
    def statistics(self) -> dict[str, tuple[RankStatistic, str, bool]]:
        """Metric -> statistic, unit, whether higher is better."""
        return {
            "kendall-tau": (kendall, "", True),
            "spearman": (spearman, "", True),
            f"precision@{self.k}": (precision_at(self.k), "", True),
            f"regret@{self.k}": (regret_at(self.k), "points", False),
        }


def is_search(records: Sequence[Record]) -> bool:
    return any(m["metric"] == SCORE for record in records for m in (record.get("outcome") or {}).get("measurements", []))


def line_up(groups: Mapping[Entry, Sequence[Record]]) -> Lineup | None:
    """Line up the entries of one search; None while no truth is there."""
    truth = next((_by_seed(records, _tested) for entry, records in groups.items() if _is_truth(entry)), {})
    scores = {entry: _by_seed(records, _scored) for entry, records in groups.items() if not _is_truth(entry)}
    if not truth:
        return None
    tables = [*truth.values(), *(table for by_seed in scores.values() for table in by_seed.values())]
    every = dict.fromkeys(name for table in tables for name in table)
    ids = tuple(name for name in every if all(name in table for table in tables))
    if len(ids) < 2:
        return None
    lined = {entry: _matrix(by_seed, ids) for entry, by_seed in scores.items() if by_seed}
    return Lineup(ids, _matrix(truth, ids), lined, tuple(name for name in every if name not in ids))


def _is_truth(entry: Entry) -> bool:
    return entry.is_reference and entry.condenser == TRUTH


def _by_seed(records: Sequence[Record], read: Any) -> dict[int, Scores]:
    tables = {record["cell"]["seed"]: read(record["outcome"]) for record in records if record.get("outcome")}
    return {seed: table for seed, table in sorted(tables.items()) if table}


def _tested(outcome: Mapping[str, Any]) -> Scores:
    architectures = outcome.get("detail", {}).get("architectures", [])
    return {str(a["id"]): float(a["test"]) for a in architectures if a.get("test") is not None}


def _scored(outcome: Mapping[str, Any]) -> Scores:
    none: Mapping[str, Any] = {"repeats": [], "values": []}
    found = next((m for m in outcome["measurements"] if m["metric"] == SCORE), none)
    pairs = zip(found["repeats"], found["values"], strict=True)
    return {str(repeat["architecture"]): float(value) for repeat, value in pairs if math.isfinite(value)}


def _matrix(by_seed: Mapping[int, Scores], ids: Sequence[str]) -> NDArray[np.float64]:
    return np.array([[table[name] for name in ids] for table in by_seed.values()], dtype=np.float64)


def search_results(groups: Mapping[Entry, Sequence[Record]], lineup: Lineup | None) -> list[Result]:
    """All results of one search, entry by entry; without a lineup those that need no truth."""
    truth = next((records for entry, records in groups.items() if _is_truth(entry)), [])
    each = _seconds_per_architecture(truth)
    full = float(np.mean(list(each.values()))) if each else None
    found: list[Result] = []
    for entry, records in groups.items():
        if lineup is not None:
            found += _ranks(entry, records, lineup)
        found += _costs(entry, records, full)
    return found


def _ranks(entry: Entry, records: Sequence[Record], lineup: Lineup) -> list[Result]:
    found: list[Result] = []
    for metric, (statistic, unit, higher) in lineup.statistics.items():
        draws, seeds = _draws(entry, lineup, statistic, metric)
        if draws is not None:
            over = f"{draws.architectures} architectures, {seeds} seed{'s' if seeds > 1 else ''}"
            found.append(
                Result(
                    entry, nbytes(records), metric, unit, higher, rank_interval(draws), over, draws=draws, seeds=seeds
                )
            )  # fmt: skip
    return found


def _draws(entry: Entry, lineup: Lineup, statistic: RankStatistic, metric: str) -> tuple[RankDraws | None, int]:
    """The truth has a row of its own only for how far its seeds agree in rank."""
    if not _is_truth(entry):
        scores = lineup.scores.get(entry)
        return (None, 0) if scores is None else (rank_draws(statistic, lineup.truth, scores), len(scores))
    if metric not in ("kendall-tau", "spearman"):
        return None, 0
    return seed_agreement(statistic, lineup.truth), len(lineup.truth)


def _seconds_per_architecture(records: Sequence[Record]) -> dict[int, float]:
    found: dict[int, float] = {}
    for record in records:
        outcome = record.get("outcome") or {}
        spent, count = (outcome.get("costs") or {}).get("seconds"), len(outcome.get("detail", {}).get("architectures", []))
        if spent is not None and count:
            found[record["cell"]["seed"]] = float(spent) / count
    return found


def _costs(entry: Entry, records: Sequence[Record], full: float | None) -> list[Result]:
    spent = {r["cell"]["seed"]: float(r["outcome"]["costs"]["seconds"]) for r in records if r.get("outcome")}
    made = condensation_seconds(records)
    found = [seconds(entry, records, "search-seconds", spent)] if spent else []
    if made:
        found.append(seconds(entry, records, "condensation-seconds", made))
    each = _seconds_per_architecture(records)
    if full is None or _is_truth(entry) or not each:
        return found
    spent_on_set = dict.fromkeys(each, 0.0) if entry.is_reference else made
    points = {seed: break_even(spent_on_set[seed], full, each[seed]) for seed in each if seed in spent_on_set}
    return [*found, _pays_from(entry, nbytes(records), points)] if points else found


def _pays_from(entry: Entry, size: int | None, points: Mapping[int, float | None]) -> Result:
    """The break-even point; not a number where some seed's proxy costs as much as the truth, so that it never pays."""
    metric = ("break-even-architectures", "architectures", False)
    values = {seed: {"": point} for seed, point in points.items() if point is not None}
    if len(values) == len(points):
        return from_values(entry, size, metric, values, "seeds")
    never = Interval(math.nan, None, None, len(points), "never: the proxy is not cheaper")
    return Result(entry, size, *metric, interval=never, over="seeds", seeds=len(points))
