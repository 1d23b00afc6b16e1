"""Search records -> the proxies and the truth, aligned on the architectures that all scored."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.report.place import Place
from harness.report.results import Entry, Record, group_by_entry
from harness.statistics.rank_bootstrap import ARCHITECTURES_FROM, TrueAccuracies
from harness.statistics.rank_samples import (
    RankStatistic,
    best_rank_at,
    kendall_of_samples,
    partial_spearman_of_samples,
    pearson_of_samples,
    precision_at,
    regret_at,
    spearman_of_samples,
)

TRUTH = "truth"
SCORE = "architecture-score"
FOUND = "found-accuracy"
TOP_FROM = 5
CORRELATIONS = ("kendall-tau", "spearman", "pearson", "partial-correlation")
CORRELATION_STATISTICS = (
    kendall_of_samples,
    spearman_of_samples,
    pearson_of_samples,
    partial_spearman_of_samples,
)
Scores = Mapping[str, float]
Groups = Mapping[Entry, Sequence[Record]]
Statistics = Mapping[str, tuple[RankStatistic, str, bool]]


@dataclass(frozen=True, eq=False)
class AlignedScores:
    """The proxies of one search, and the truth, on the A architectures that all of them scored.

    Args:
        ids: the architectures.
        truth: their true accuracies.
        scores: entry -> (S, A) scores, a row a seed.
        left_out: architectures that some entry did not score.
        validated: whether the truth has validation accuracies to choose by; its test accuracies
            stand in where it has not.
    """

    ids: tuple[str, ...]
    truth: TrueAccuracies
    scores: Mapping[Entry, NDArray[np.float64]]
    left_out: tuple[str, ...]
    validated: bool

    @cached_property
    def top(self) -> NDArray[np.int64] | None:
        """Which architectures are the true top 20 %, by mean test accuracy on the data; None where
        they are too few.
        """
        count = math.ceil(len(self.ids) / 5)
        order = np.argsort(-self.truth.test.mean(0), kind="stable")
        return np.sort(order[:count]) if count >= TOP_FROM else None

    @cached_property
    def top_truth(self) -> TrueAccuracies | None:
        """The truth of those alone."""
        return None if self.top is None else self.truth.select(self.top)

    @property
    def statistics(self) -> Statistics:
        """Metric -> statistic, unit, whether higher is better."""
        return list_statistics(len(self.ids), self.truth.parameters is not None)


@dataclass(frozen=True)
class AlignedSearch:
    """All records of one search.

    Args:
        groups: entry -> its records.
        aligned: the entries on common architectures; None while there is no truth, or where too few
            architectures were tried by all.
    """

    groups: Groups
    aligned: AlignedScores | None


Searches = Mapping[Place, AlignedSearch]


def find_searches(records: Sequence[Record]) -> Searches:
    """Group the records that hold scores of architectures by place, and align each group."""
    groups: dict[Place, dict[Entry, list[Record]]] = {}
    for entry, group in group_by_entry(records).items():
        if has_scores(group):
            groups.setdefault(entry.place.of_any_augmentation, {})[entry] = group
    return {place: AlignedSearch(own, align(own)) for place, own in groups.items()}


def count_quarter(count: int) -> int:
    """Count the architectures at the top of a proxy: a quarter of so many."""
    return max(1, round(count / 4))


def count_retrained(count: int) -> int:
    """Count the architectures that a search retrains: five, or a quarter where that is less."""
    return min(5, count_quarter(count))


def list_statistics(count: int, with_parameters: bool) -> Statistics:
    """List the measures of so many architectures; those at k are given for k a quarter, 1 and 5."""
    ks = [k for k in dict.fromkeys((count_quarter(count), 1, 5)) if k < count]
    correlations = dict(zip(CORRELATIONS, CORRELATION_STATISTICS, strict=True))
    if not with_parameters:
        del correlations["partial-correlation"]
    measures: dict[str, tuple[RankStatistic, str, bool]] = {
        name: (s, "", True) for name, s in correlations.items()
    }
    measures |= {f"precision@{k}": (precision_at(k), "", True) for k in ks}
    measures |= {f"best-rank@{k}": (best_rank_at(k), "of all", False) for k in ks}
    return measures | {f"regret@{k}": (regret_at(k), "points", False) for k in ks}


def has_scores(records: Sequence[Record]) -> bool:
    """Say whether records hold scores of architectures."""
    return any(
        m["metric"] == SCORE
        for record in records
        for m in (record.get("outcome") or {}).get("measurements", [])
    )


def is_truth(entry: Entry) -> bool:
    """Say whether an entry is the ground truth of its search."""
    return entry.is_reference and entry.condenser == TRUTH


def align(groups: Groups) -> AlignedScores | None:
    """Align the entries of one search on the architectures that all of them scored.

    Returns:
        None while no truth is there, and where entries tried different architectures (as strategies
        that adapt do) and share fewer than eight.
    """
    tested = read_truth(groups, "test")
    scores = {
        entry: read_by_seed(records, read_scores)
        for entry, records in groups.items()
        if not is_truth(entry)
    }
    if not tested:
        return None
    tables = [*tested.values(), *(table for each in scores.values() for table in each.values())]
    every = dict.fromkeys(name for table in tables for name in table)
    ids = tuple(name for name in every if all(name in table for table in tables))
    if len(ids) < 2 or (len(ids) < ARCHITECTURES_FROM and len(ids) < len(every)):
        return None
    validation = read_truth(groups, "validation")
    validated = all(name in validation.get(seed, {}) for seed in tested for name in ids)
    counts = _parameters(groups)
    truth = TrueAccuracies(
        stack_scores(tested, ids),
        stack_scores({seed: validation[seed] for seed in tested} if validated else tested, ids),
        np.array([counts[name] for name in ids]) if all(name in counts for name in ids) else None,
        names=ids,
    )
    aligned = {entry: stack_scores(each, ids) for entry, each in scores.items() if each}
    return AlignedScores(
        ids, truth, aligned, tuple(name for name in every if name not in ids), validated
    )


def read_truth(groups: Groups, name: str) -> dict[int, Scores]:
    """Read seed -> architecture -> "test" or "validation" accuracy of the truth, in %."""
    truth = next((records for entry, records in groups.items() if is_truth(entry)), [])
    published = [record for record in truth if _is_published(record)]
    return read_by_seed(published[:1] or truth, lambda outcome: read_values(outcome, name))


def _is_published(record: Record) -> bool:
    """Say whether a truth was published as one mean, which every seed of a run reads."""
    source = ((record.get("outcome") or {}).get("detail") or {}).get("truth") or {}
    return bool(source.get("published"))


def read_by_seed(
    records: Sequence[Record], read: Callable[[Mapping[str, Any]], Scores]
) -> dict[int, Scores]:
    """Read seed -> what `read` finds for each architecture in the outcome; seeds of nothing are
    left out.
    """
    tables = {
        record["cell"]["seed"]: read(record["outcome"])
        for record in records
        if record.get("outcome")
    }
    return {seed: table for seed, table in sorted(tables.items()) if table}


def score_reading(records: Sequence[Record], reading: Mapping[str, Any]) -> float:
    """Return the score of a reading of a curve: that by which its search scores what it trains,
    validation accuracy or loss with its sign changed.
    """
    settings = records[0]["cell"].get("settings") or {}
    return float(-reading["loss"] if settings.get("score_by") == "loss" else reading["validation"])


def read_values(outcome: Mapping[str, Any], name: str) -> Scores:
    """Read architecture -> one number of its row, where it has it."""
    rows = outcome.get("detail", {}).get("architectures", [])
    return {str(row["id"]): float(row[name]) for row in rows if row.get(name) is not None}


def read_scores(outcome: Mapping[str, Any]) -> Scores:
    """Read architecture -> the score that the search reported, where it is a number."""
    none: Mapping[str, Any] = {"repeats": [], "values": []}
    scores = next((m for m in outcome["measurements"] if m["metric"] == SCORE), none)
    pairs = zip(scores["repeats"], scores["values"], strict=True)
    return {
        str(repeat["architecture"]): float(value) for repeat, value in pairs if math.isfinite(value)
    }


def _parameters(groups: Groups) -> Scores:
    counts: dict[str, float] = {}
    for records in groups.values():
        for table in read_by_seed(
            records, lambda outcome: read_values(outcome, "parameters")
        ).values():
            counts |= table
    return counts


def stack_scores(tables: Mapping[int, Scores], ids: Sequence[str]) -> NDArray[np.float64]:
    """Stack (seeds, A) values of the architectures `ids`."""
    return np.array([[table[name] for name in ids] for table in tables.values()], dtype=np.float64)
