"""Records -> results: the values of one metric of one set (or reference), with their interval.

What counts as one value: all that one seed gave (networks, class orders) shares a condensed set and
is averaged first. With a single seed its own repeats are the values, and the result says so.

Which of several sets is the best: one rule for every headline, table and figure.

The best has the highest mean, the lowest where less is better, of all sets that are compared, real
images and averages included; of equal means the first counts. What is the best of a part of them
(of the condensed memories, of the real images, of one size) says of which. The mean alone decides:
what the interval carries is said beside it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from harness.report.origin import CONDENSED, REAL, kind_of
from harness.statistics.bounds import bounds_of
from harness.statistics.intervals import Interval, interval, paired_difference
from harness.statistics.rank_bootstrap import RankDraws, rank_difference

Record = Mapping[str, Any]
RANDOM = "random"


@dataclass(frozen=True)
class Entry:
    """What was measured: a set in a scenario on a data set, or a reference, for which ipc and bytes
    are None.

    variant names the settings in which scenarios of one name differ; recipe is the augmentation of
    the training. kind says what the set is made of; budget is the bytes that were asked for, None
    where a number of images was.
    """

    scenario: str
    data: str
    variant: str
    recipe: str | None
    condenser: str
    ipc: int | None
    is_reference: bool
    kind: str = CONDENSED
    budget: int | None = None

    def named(self) -> dict[str, Any]:
        """What tells it apart, as JSON values."""
        values = asdict(self)
        return values | {"reference": values.pop("is_reference")}


@dataclass(frozen=True, eq=False)
class Result:
    """One metric of one entry. values: seed -> repeat -> value; rank statistics hold their
    resamples in draws instead.
    """

    entry: Entry
    nbytes: int | None
    metric: str
    unit: str
    higher_is_better: bool | None
    interval: Interval
    over: str
    values: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    draws: RankDraws | None = None
    seeds: int = 1

    @property
    def is_random(self) -> bool:
        return self.entry.condenser == RANDOM and self.entry.kind == REAL

    def minus(self, other: "Result") -> Interval | None:
        """Interval of the paired difference to another result of the same metric; None where they
        share nothing.
        """
        if self.draws is not None and other.draws is not None:
            return rank_difference(self.draws, other.draws)
        shared = [seed for seed in self.values if seed in other.values]
        if not shared:
            return None
        bounds = bounds_of(self.metric, self.unit)
        return paired_difference(
            replicates(self.values, shared), replicates(other.values, shared), bounds
        )


def replicates(values: Mapping[int, Mapping[str, float]], seeds: Sequence[int]) -> dict[Any, float]:
    """The independent values of some seeds: a mean for each seed, or the repeats themselves where
    there is one seed.
    """
    if len(seeds) == 1:
        return dict(values[seeds[0]])
    return {seed: sum(values[seed].values()) / len(values[seed]) for seed in seeds}


def by_entry(records: Sequence[Record]) -> dict[Entry, list[Record]]:
    """Group records that differ in nothing but their seed, in the order in which they come; not
    shards, whose sets are there.
    """
    variants = _variants(records)
    groups: dict[Entry, list[Record]] = {}
    for record in records:
        cell, kind = record["cell"], record["kind"]
        if kind == "shard":
            continue
        reference = cell.get("reference")
        budget = cell.get("budget") or (None, None)
        ipc = cell.get("ipc") or (budget[1] if budget[0] == "ipc" else None)
        entry = Entry(
            scenario="condense" if kind == "condense" else cell["scenario"],
            data=cell["data"],
            variant=variants.get(record["key"], ""),
            recipe=cell.get("recipe"),
            condenser=reference or cell["label"],
            ipc=None if reference else ipc,
            is_reference=reference is not None,
            kind=kind_of(cell),
            budget=budget[1] if budget[0] == "bytes" and not reference else None,
        )
        groups.setdefault(entry, []).append(record)
    return groups


def _variants(records: Sequence[Record]) -> dict[str, str]:
    """Key -> "epochs=30" for the settings in which measurements under one scenario name differ; the
    recipe is told apart.
    """
    plain: dict[str, list[tuple[str, dict[str, str]]]] = {}
    for record in records:
        cell = record["cell"]
        settings = {
            k: json.dumps(v, sort_keys=True)
            for k, v in (cell.get("settings") or {}).items()
            if k != "augmentation"
        }
        if record["kind"] == "scenario":
            plain.setdefault(cell["scenario"], []).append((record["key"], settings))
    found: dict[str, str] = {}
    for entries in plain.values():
        names = sorted({name for _, settings in entries for name in settings})
        differing = [
            name for name in names if len({settings.get(name) for _, settings in entries}) > 1
        ]
        found |= {
            key: ", ".join(f"{n}={settings.get(n)}" for n in differing) for key, settings in entries
        }
    return found


def nbytes(records: Sequence[Record]) -> int | None:
    """Stored bytes of a set, or the most that a memory condensed on the way held; the largest where
    seeds differ.
    """
    held = [_held(record) for record in records]
    return max((int(size) for size in held if size is not None), default=None)


def _held(record: Record) -> int | None:
    detail = (record.get("outcome") or {}).get("detail") or {}
    size: int | None = record.get("bytes")
    return detail.get("bytes_used_max") if size is None else size


def measured(entry: Entry, records: Sequence[Record]) -> list[Result]:
    """One result for each metric that the records of an entry hold, and the joules of its cells
    where they were measured.
    """
    metrics = {
        m["metric"]: m
        for record in records
        for m in (record.get("outcome") or {}).get("measurements", [])
    }
    spent = {
        r["cell"]["seed"]: ((r.get("outcome") or {}).get("costs") or {}).get("joules")
        for r in records
    }
    found = [_result(entry, records, name, m) for name, m in metrics.items() if m["values"]]
    return found + _joules(entry, records, spent)


def _result(
    entry: Entry, records: Sequence[Record], metric: str, example: Mapping[str, Any]
) -> Result:
    values: dict[int, dict[str, float]] = {}
    for record in records:
        for m in record["outcome"]["measurements"]:
            if m["metric"] == metric and m["values"]:
                keys = [json.dumps(repeat, sort_keys=True) for repeat in m["repeats"]]
                values.setdefault(record["cell"]["seed"], {}).update(
                    zip(keys, m["values"], strict=True)
                )
    over = "seeds"
    if len(values) == 1:
        repeat: Mapping[str, Any] = next(iter(example["repeats"]), {})
        known = {"network": "networks", "order": "class orders", "target": "targets"}
        drawn = known.get(next(iter(repeat), ""), "repeats")
        over = f"{drawn} of one {'seed' if entry.is_reference or drawn == 'targets' else 'set'}"
    return from_values(
        entry,
        nbytes(records),
        (metric, example["unit"], example.get("higher_is_better")),
        values,
        over,
    )


def from_values(
    entry: Entry,
    size: int | None,
    metric: tuple[str, str, bool | None],
    values: Mapping[int, Mapping[str, float]],
    over: str,
) -> Result:
    """A result from its values, by seed and repeat. metric: name, unit, whether higher is
    better.
    """
    found = interval(
        list(replicates(values, list(values)).values()), bounds_of(metric[0], metric[1])
    )
    return Result(entry, size, *metric, interval=found, over=over, values=values, seeds=len(values))


def seconds(
    entry: Entry, records: Sequence[Record], metric: str, spent: Mapping[int, float]
) -> Result:
    """A result in seconds, one value a seed."""
    values = {seed: {"": value} for seed, value in spent.items()}
    return from_values(entry, nbytes(records), (metric, "s", False), values, "seeds")


def condensation_seconds(records: Sequence[Record]) -> dict[int, float]:
    """Seed -> seconds that making the set took, where they were measured."""
    found = {r["cell"]["seed"]: (r.get("condensation") or {}).get("seconds") for r in records}
    return {seed: float(value) for seed, value in found.items() if isinstance(value, int | float)}


def condensation(entry: Entry, records: Sequence[Record]) -> list[Result]:
    """Seconds, and joules where they were measured, of making the sets of an entry."""
    found = []
    spent = condensation_seconds(records)
    if spent:
        found.append(seconds(entry, records, "seconds", spent))
    joules = {r["cell"]["seed"]: (r.get("condensation") or {}).get("joules") for r in records}
    return found + _joules(entry, records, joules)


def _joules(entry: Entry, records: Sequence[Record], spent: Mapping[int, Any]) -> list[Result]:
    """A result in joules, one value a seed, where a meter gave a number."""
    known = {
        seed: {"": float(value)} for seed, value in spent.items() if isinstance(value, int | float)
    }
    return (
        [from_values(entry, nbytes(records), ("joules", "J", False), known, "seeds")]
        if known
        else []
    )


def best_of(results: Sequence[Result]) -> Result:
    """The best of results of one metric, at least one."""
    return max(
        results,
        key=lambda result: (-1 if result.higher_is_better is False else 1) * result.interval.mean,
    )
