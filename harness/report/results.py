"""Records -> results: the values of one metric of one set (or reference), with their interval.

All values that one seed gave (networks, class orders) share a condensed set and are averaged first.
With a single seed its own repeats are the values, and the result says so.

One rule says which of several sets is the best, in every headline, table and figure: the highest
mean, or the lowest where less is better, of all sets that are compared, real images and averages
included. Of equal means the first counts. The best of a part of them (of the condensed memories, of
one size) is said to be that. The mean alone decides; the interval is printed beside it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from condensers.errors import UsageError
from condensers.sets import origins
from condensers.sets.rate import bits_per_class
from harness.report.place import MAKING, Place, Size
from harness.statistics.bounds import bounds_of
from harness.statistics.intervals import Interval, interval, paired_difference
from harness.statistics.rank_bootstrap import RankDraws, rank_difference
from scenarios.datasets.catalogue import count_classes

Record = Mapping[str, Any]
COST_UNITS = {"seconds": "s", "cpu-seconds": "s", "peak-memory": "MB", "joules": "J"}
MEGABYTE = 1e6
RANDOM = "random"
REAL = "real images"
AVERAGES = "averages"
CONDENSED = "condensed"
REFERENCE = "reference"
UNKNOWN = "unknown origin"
# Real images with labels that a teacher gave are condensed knowledge, though no image was learned.
OF_RECORD = {
    origins.REAL: REAL,
    origins.TAUGHT: CONDENSED,
    origins.AVERAGES: AVERAGES,
    origins.LEARNED: CONDENSED,
    origins.UNKNOWN: UNKNOWN,
}


@dataclass(frozen=True)
class Entry:
    """What was measured: a set in a scenario on a data set, or a reference.

    Args:
        scenario: name of the scenario; "condense" for the making of the set.
        data: name of the data set.
        variant: the settings in which scenarios of one name differ.
        augmentation: augmentation of the training, if any.
        condenser: label of the set, or name of the reference.
        ipc: images per class; None for a reference.
        is_reference: whether this is a reference.
        origin: what the images of the set are: REAL, AVERAGES, CONDENSED, REFERENCE or UNKNOWN.
        budget: bytes that were asked for; None where a number of images was.
        classes: number of classes of the data; None where that is not known.
    """

    scenario: str
    data: str
    variant: str
    augmentation: str | None
    condenser: str
    ipc: int | None
    is_reference: bool
    origin: str = CONDENSED
    budget: int | None = None
    classes: int | None = field(default=None, compare=False)

    @property
    def place(self) -> Place:
        return Place(self.scenario, self.data, self.variant, self.augmentation)

    @property
    def size(self) -> Size:
        return Size.of(self.as_json())

    def as_json(self) -> dict[str, Any]:
        """All that tells the entry from others, under the keys of the report's rows."""
        return {
            "scenario": self.scenario,
            "data": self.data,
            "variant": self.variant,
            "recipe": self.augmentation,
            "condenser": self.condenser,
            "ipc": self.ipc,
            "kind": self.origin,
            "budget": self.budget,
            "reference": self.is_reference,
        }


@dataclass(frozen=True, eq=False)
class Result:
    """One metric of one entry. values: seed -> repeat -> value; rank statistics hold their
    resamples in draws instead. first: the seeds whose values decided that others were added.
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
    first: tuple[int, ...] = ()

    @property
    def bits(self) -> float | None:
        """Bits per class; None where bytes or classes are not known."""
        classes = self.entry.classes
        return bits_per_class(self.nbytes, classes) if self.nbytes and classes else None

    @property
    def is_random(self) -> bool:
        return self.entry.condenser == RANDOM and self.entry.origin == REAL

    def minus(self, other: "Result") -> Interval | None:
        """Interval of the paired difference to another result of the same metric; None where they
        share nothing.
        """
        if self.draws is not None and other.draws is not None:
            paired = self.draws.basis == other.draws.basis
            return rank_difference(self.draws, other.draws) if paired else None
        shared = [seed for seed in self.values if seed in other.values]
        if not shared:
            return None
        bounds = bounds_of(self.metric, self.unit)
        return paired_difference(
            replicates(self.values, shared), replicates(other.values, shared), bounds, self.first
        )


def replicates(values: Mapping[int, Mapping[str, float]], seeds: Sequence[int]) -> dict[Any, float]:
    """The independent values of some seeds: a mean for each seed, or the repeats themselves where
    there is one seed.
    """
    if len(seeds) == 1:
        return dict(values[seeds[0]])
    return {seed: sum(values[seed].values()) / len(values[seed]) for seed in seeds}


def group_by_entry(records: Sequence[Record]) -> dict[Entry, list[Record]]:
    """Group records that differ in nothing but their seed, in the order in which they come; not
    shards, whose sets are there.
    """
    variants = _name_variants(records)
    groups: dict[Entry, list[Record]] = {}
    for record in records:
        cell, kind = record["cell"], record["kind"]
        if kind == "shard":
            continue
        reference = cell.get("reference")
        budget = cell.get("budget") or (None, None)
        ipc = cell.get("ipc") or (budget[1] if budget[0] == "ipc" else None)
        entry = Entry(
            scenario=MAKING if kind == MAKING else cell["scenario"],
            data=cell["data"],
            variant=variants.get(record["key"], ""),
            augmentation=cell.get("recipe"),
            condenser=reference or cell["label"],
            ipc=None if reference else ipc,
            is_reference=reference is not None,
            origin=origin_of(cell),
            budget=budget[1] if budget[0] == "bytes" and not reference else None,
            classes=class_count(cell),
        )
        groups.setdefault(entry, []).append(record)
    return groups


def _name_variants(records: Sequence[Record]) -> dict[str, str]:
    """Key -> "epochs=30" for the settings in which measurements under one scenario name differ; the
    augmentation is a part of the place by itself.
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
    texts: dict[str, str] = {}
    for entries in plain.values():
        names = sorted({name for _, settings in entries for name in settings})
        differing = [
            name for name in names if len({settings.get(name) for _, settings in entries}) > 1
        ]
        texts |= {
            key: ", ".join(f"{n}={settings.get(n)}" for n in differing) for key, settings in entries
        }
    return texts


def class_count(cell: Mapping[str, Any]) -> int | None:
    """Count the classes of the data of a record's cell; the name of the data tells where the record
    does not say. None where neither does.
    """
    said: int | None = cell.get("class_count")
    return count_classes(cell["data"]) if said is None else said


def nbytes(records: Sequence[Record]) -> int | None:
    """Stored bytes of a set, or the most that a memory condensed on the way held; the largest where
    seeds differ.
    """
    sizes = [_stored_bytes(record) for record in records]
    return max((int(size) for size in sizes if size is not None), default=None)


def _stored_bytes(record: Record) -> int | None:
    detail = (record.get("outcome") or {}).get("detail") or {}
    size: int | None = record.get("bytes")
    return detail.get("bytes_used_max") if size is None else size


def read_measurements(entry: Entry, records: Sequence[Record]) -> list[Result]:
    """Read one result for each metric that the records of an entry hold, and the joules of its
    cells where they were measured.
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
    results = [_read_metric(entry, records, name, m) for name, m in metrics.items() if m["values"]]
    return results + _summarise_joules(entry, records, spent)


def _read_metric(
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
    return summarise(
        entry,
        nbytes(records),
        (metric, example["unit"], example.get("higher_is_better")),
        values,
        over,
    )


def summarise(
    entry: Entry,
    size: int | None,
    metric: tuple[str, str, bool | None],
    values: Mapping[int, Mapping[str, float]],
    over: str,
) -> Result:
    """Summarise the values of one metric as a result with its interval.

    Args:
        entry: what was measured.
        size: its stored bytes.
        metric: name, unit, and whether higher is better.
        values: seed -> repeat -> value; at least one.
        over: what the interval is taken over, as "seeds".
    """
    mean = interval(
        list(replicates(values, list(values)).values()), bounds_of(metric[0], metric[1])
    )
    return Result(entry, size, *metric, interval=mean, over=over, values=values, seeds=len(values))


def in_two_stages(result: Result, first: Sequence[int]) -> Result:
    """Give a result the interval that holds though the values of the first seeds decided that
    others were added; rank statistics, and results without other seeds, are returned as they are.
    """
    early = [seed for seed in result.values if seed in first]
    late = [seed for seed in result.values if seed not in first]
    if result.draws is not None or not early or not late:
        return result
    values = list(replicates(result.values, [*early, *late]).values())
    bounds = bounds_of(result.metric, result.unit)
    return replace(
        result, interval=interval(values, bounds, len(early)), first=tuple(sorted(first))
    )


def summarise_seconds(
    entry: Entry, records: Sequence[Record], metric: str, spent: Mapping[int, float]
) -> Result:
    """Summarise seconds, one value a seed."""
    values = {seed: {"": value} for seed, value in spent.items()}
    return summarise(entry, nbytes(records), (metric, "s", False), values, "seeds")


def condensation_seconds(records: Sequence[Record], which: str = "seconds") -> dict[int, float]:
    """Seed -> seconds that making the set took, where they were measured.

    Args:
        records: of one entry.
        which: seconds, of the clock, or cpu_seconds, which only sets made on one thread have.
    """
    seconds = {r["cell"]["seed"]: (r.get("condensation") or {}).get(which) for r in records}
    return {seed: float(value) for seed, value in seconds.items() if isinstance(value, int | float)}


def work_seconds(records: Sequence[Record]) -> dict[int, float]:
    """Seed -> seconds of work that making the set took: CPU seconds of the sets that one thread
    made without a stop, since others on the machine do not change them; the clock's if none was.
    """
    return condensation_seconds(records, "cpu_seconds") or condensation_seconds(records)


def making_costs(record: Record) -> dict[str, float]:
    """Metric of `COST_UNITS` -> what making the set of a record took, where it was measured."""
    spent = record.get("condensation") or {}
    merged = record["cell"].get("shards")  # by a process that made none of them
    memory = record.get("peak_memory")
    found = {
        "seconds": spent.get("seconds"),
        "cpu-seconds": None if merged else (record.get("energy") or {}).get("cpu_seconds"),
        "peak-memory": None if merged or memory is None else memory / MEGABYTE,
        "joules": spent.get("joules"),
    }
    return {name: float(of) for name, of in found.items() if isinstance(of, int | float)}


def read_costs(entry: Entry, records: Sequence[Record]) -> list[Result]:
    """Read what making the sets of an entry took: one result a cost that was measured."""
    costs = {record["cell"]["seed"]: making_costs(record) for record in records}
    results = []
    for metric, unit in COST_UNITS.items():
        known = {seed: {"": of[metric]} for seed, of in costs.items() if metric in of}
        if known:
            form = (metric, unit, False)
            results.append(summarise(entry, nbytes(records), form, known, "seeds"))
    return results


def _summarise_joules(
    entry: Entry, records: Sequence[Record], spent: Mapping[int, Any]
) -> list[Result]:
    """A result in joules, one value a seed, where a meter gave a number."""
    known = {
        seed: {"": float(value)} for seed, value in spent.items() if isinstance(value, int | float)
    }
    return (
        [summarise(entry, nbytes(records), ("joules", "J", False), known, "seeds")] if known else []
    )


def best_result(results: Sequence[Result]) -> Result:
    """Return the best of results of one metric.

    Raises:
        ValueError: there is no result.
    """
    return max(
        results,
        key=lambda result: (-1 if result.higher_is_better is False else 1) * result.interval.mean,
    )


def origin_of(cell: Mapping[str, Any]) -> str:
    """Return what the images of a record's cell are.

    Raises:
        UsageError: the cell does not say, as those of older formats do not.
    """
    if cell.get("reference"):
        return REFERENCE
    origin = cell.get("origin")
    if origin not in OF_RECORD:
        raise UsageError(
            f"a record of '{cell.get('label')}' does not say what its images are, so it is of an"
            " older format; run its suite again into a new folder"
        )
    return OF_RECORD[origin]
