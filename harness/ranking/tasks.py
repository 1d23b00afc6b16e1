"""Results -> tasks: what sets of one size were measured by in one place, on the seeds that they
share.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from condensers.errors import UsageError, suggestion
from harness.report.chapters.base import Chapter, Run
from harness.report.place import Place, Size
from harness.report.results import Result, replicates
from harness.report.wording import base_name, split_metric
from harness.statistics.mean_ranks import Array, TaskValues


@dataclass(frozen=True)
class Wanted:
    """What is ranked; () and "" for all.

    Args:
        scenarios: labels of scenarios.
        data: names of data sets.
        metric: a metric, with or without its strategy; "" for the first that each scenario's sets
            are made for.
    """

    scenarios: Sequence[str] = ()
    data: Sequence[str] = ()
    metric: str = ""


@dataclass(frozen=True, eq=False)
class Task:
    """One metric of sets of one size in one place.

    Args:
        place: scenario, data, settings and augmentation.
        size: of the sets, as they were asked for.
        metric: what is compared.
        results: one for each set, at least two.
        keys: the seeds, or the repeats of the only seed, that all sets have.
        values: label of a set -> its values by key.
        over: what the keys are, as "seeds".
    """

    place: Place
    size: Size
    metric: str
    results: Sequence[Result]
    keys: Sequence[object]
    values: Mapping[str, Mapping[object, float]]
    over: str

    @property
    def bytes_differ(self) -> bool:
        """Whether the sets take different bytes."""
        return len({result.nbytes for result in self.results}) > 1

    def values_of(self, names: Sequence[str]) -> TaskValues:
        """Give the values of some sets, in their order: more is better."""
        sign = -1.0 if self.results[0].higher_is_better is False else 1.0
        table: Array = np.array(
            [[sign * self.values[name][key] for name in names] for key in self.keys]
        )
        return TaskValues(table, (self.place.data, tuple(map(str, self.keys))))


def find_tasks(run: Run, wanted: Wanted) -> list[Task]:
    """Find the tasks of a run, in the order of its results.

    Raises:
        UsageError: the run has no such scenario, data set or metric.
    """
    _require_known(run, wanted)
    groups: dict[tuple[Place, Size, str], dict[str, Result]] = {}
    for result in run.results:
        chapter = run.chapters[result.entry.scenario]
        if _takes_part(result, chapter, wanted):
            key = result.entry.place, result.entry.size, result.metric
            groups.setdefault(key, {})[result.entry.condenser] = result
    made = [_make_task(*key, list(group.values())) for key, group in groups.items()]
    return [task for task in made if task is not None]


def _takes_part(result: Result, chapter: Chapter, wanted: Wanted) -> bool:
    entry = result.entry
    if entry.is_reference or not result.values or result.higher_is_better is None:
        return False
    if wanted.scenarios and entry.scenario not in wanted.scenarios:
        return False
    if wanted.data and entry.data not in wanted.data:
        return False
    if wanted.metric:
        return wanted.metric in (result.metric, split_metric(result.metric)[1])
    return split_metric(result.metric)[1] == leading_metric(chapter)


def leading_metric(chapter: Chapter) -> str:
    """Return the metric that a scenario's sets are made for; "" where there is none."""
    return next(iter([*chapter.useful_metrics, *chapter.questions]), "")


def _make_task(place: Place, size: Size, metric: str, results: Sequence[Result]) -> Task | None:
    """None where there are fewer than two sets with common seeds."""
    kept = sorted(results, key=lambda result: -len(result.values))
    while len(kept) > 1:
        seeds = [seed for seed in kept[0].values if all(seed in one.values for one in kept)]
        if seeds:
            break
        kept = kept[:-1]
    if len(kept) < 2:
        return None
    own = [result for result in results if result in kept]
    values = {one.entry.condenser: _values(one, seeds) for one in own}
    first = next(iter(values.values()))
    keys = [key for key in first if all(key in each for each in values.values())]
    over = "seeds" if len(seeds) > 1 else "repeats of one seed"
    return Task(place, size, metric, own, keys, values, over) if keys else None


def _values(result: Result, seeds: Sequence[int]) -> dict[object, float]:
    return dict(replicates(result.values, seeds))


def _require_known(run: Run, wanted: Wanted) -> None:
    """UsageError for a scenario, data set or metric that the run does not have."""
    entries = [result.entry for result in run.results if not result.entry.is_reference]
    for option, asked, known in (
        ("--scenario", wanted.scenarios, {entry.scenario for entry in entries}),
        ("--data", wanted.data, {entry.data for entry in entries}),
    ):
        for name in asked:
            if name not in known:
                raise UsageError(
                    f"{option} {name}: not in these results; {suggestion(name, known)}"
                )
    metrics = {result.metric for result in run.results}
    if wanted.metric not in {"", *metrics, *(split_metric(metric)[1] for metric in metrics)}:
        near = suggestion(wanted.metric, {base_name(metric) for metric in metrics})
        raise UsageError(f"--metric {wanted.metric}: not in these results; {near}")
