"""Search records -> the proxies and the truth on the architectures that all of them scored."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.report.results import Entry, Record
from harness.statistics.rank import (
    RankStatistic,
    best_rank_at,
    kendall,
    partial_spearman,
    pearson,
    precision_at,
    regret_at,
    spearman,
)
from harness.statistics.rank_bootstrap import ARCHITECTURES_FROM, Truth

TRUTH = "truth"
SCORE = "architecture-score"
FOUND = "found-accuracy"
TOP_FROM = 5
CORRELATIONS = ("kendall-tau", "spearman", "pearson", "partial-correlation")
Scores = Mapping[str, float]
Groups = Mapping[Entry, Sequence[Record]]
Statistics = Mapping[str, tuple[RankStatistic, str, bool]]


@dataclass(frozen=True, eq=False)
class Lineup:
    """The proxies of one search, and the truth, scored on the architectures that all of them share.

    scores: entry -> (S, A), by seed. left_out: ids that some of them lack. validated: whether the
    truth has validation accuracies to choose by; its test accuracies stand in where it has not.
    """

    ids: tuple[str, ...]
    truth: Truth
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
    def top_truth(self) -> Truth | None:
        """The truth of those alone."""
        return None if self.top is None else self.truth.part(self.top)

    @property
    def statistics(self) -> Statistics:
        """Metric -> statistic, unit, whether higher is better."""
        return statistics_of(len(self.ids), self.truth.parameters is not None)


@dataclass(frozen=True)
class Searched:
    """All records of one search, by entry, and their lineup: None while there is no truth, or too
    little that all tried.
    """

    groups: Groups
    lineup: Lineup | None


def quarter(count: int) -> int:
    """How many of so many architectures count as the top of a proxy."""
    return max(1, round(count / 4))


def retrained(count: int) -> int:
    """How many of so many architectures a search retrains: five, or a quarter where that is
    less.
    """
    return min(5, quarter(count))


def statistics_of(count: int, with_parameters: bool) -> Statistics:
    """The measures of so many architectures; those at k are given for k a quarter, 1 and 5."""
    ks = [k for k in dict.fromkeys((quarter(count), 1, 5)) if k < count]
    correlations = dict(
        zip(CORRELATIONS, (kendall, spearman, pearson, partial_spearman), strict=True)
    )
    if not with_parameters:
        del correlations["partial-correlation"]
    found: dict[str, tuple[RankStatistic, str, bool]] = {
        name: (s, "", True) for name, s in correlations.items()
    }
    found |= {f"precision@{k}": (precision_at(k), "", True) for k in ks}
    found |= {f"best-rank@{k}": (best_rank_at(k), "of all", False) for k in ks}
    return found | {f"regret@{k}": (regret_at(k), "points", False) for k in ks}


def is_search(records: Sequence[Record]) -> bool:
    """Whether records hold scores of architectures, whatever their scenario is called."""
    return any(
        m["metric"] == SCORE
        for record in records
        for m in (record.get("outcome") or {}).get("measurements", [])
    )


def is_truth(entry: Entry) -> bool:
    """Whether an entry is the ground truth of its search."""
    return entry.is_reference and entry.condenser == TRUTH


def line_up(groups: Groups) -> Lineup | None:
    """Line up the entries of one search.

    None while no truth is there, and where entries tried different architectures (as strategies
    that adapt do) and share fewer than eight.
    """
    tested = true_values(groups, "test")
    scores = {
        entry: by_seed(records, scores_of)
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
    validation = true_values(groups, "validation")
    validated = all(name in validation.get(seed, {}) for seed in tested for name in ids)
    counts = _parameters(groups)
    truth = Truth(
        matrix(tested, ids),
        matrix({seed: validation[seed] for seed in tested} if validated else tested, ids),
        np.array([counts[name] for name in ids]) if all(name in counts for name in ids) else None,
    )
    lined = {entry: matrix(each, ids) for entry, each in scores.items() if each}
    return Lineup(ids, truth, lined, tuple(name for name in every if name not in ids), validated)


def true_values(groups: Groups, name: str) -> dict[int, Scores]:
    """Seed -> architecture -> "test" or "validation" accuracy of the truth, in %."""
    truth = next((records for entry, records in groups.items() if is_truth(entry)), [])
    published = [record for record in truth if _is_published(record)]
    return by_seed(published[:1] or truth, lambda outcome: values_of(outcome, name))


def _is_published(record: Record) -> bool:
    """Whether a truth was published as one mean, which every seed of a run reads."""
    read = ((record.get("outcome") or {}).get("detail") or {}).get("truth") or {}
    return bool(read.get("published"))


def by_seed(
    records: Sequence[Record], read: Callable[[Mapping[str, Any]], Scores]
) -> dict[int, Scores]:
    """Seed -> what `read` finds for each architecture in the outcome, where it finds anything."""
    tables = {
        record["cell"]["seed"]: read(record["outcome"])
        for record in records
        if record.get("outcome")
    }
    return {seed: table for seed, table in sorted(tables.items()) if table}


def values_of(outcome: Mapping[str, Any], name: str) -> Scores:
    """Architecture -> one number of its row, where it has it."""
    rows = outcome.get("detail", {}).get("architectures", [])
    return {str(row["id"]): float(row[name]) for row in rows if row.get(name) is not None}


def scores_of(outcome: Mapping[str, Any]) -> Scores:
    """Architecture -> the score that the search reported, where it is a number."""
    none: Mapping[str, Any] = {"repeats": [], "values": []}
    found = next((m for m in outcome["measurements"] if m["metric"] == SCORE), none)
    pairs = zip(found["repeats"], found["values"], strict=True)
    return {
        str(repeat["architecture"]): float(value) for repeat, value in pairs if math.isfinite(value)
    }


def _parameters(groups: Groups) -> Scores:
    found: dict[str, float] = {}
    for records in groups.values():
        for table in by_seed(records, lambda outcome: values_of(outcome, "parameters")).values():
            found |= table
    return found


def matrix(tables: Mapping[int, Scores], ids: Sequence[str]) -> NDArray[np.float64]:
    """(seeds, A) values of the architectures `ids`."""
    return np.array([[table[name] for name in ids] for table in tables.values()], dtype=np.float64)
