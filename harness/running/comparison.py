"""The one comparison that `plan --detect` and `run --until` are about: two sets (or a set and a
reference) in one metric of one scenario.

It is named before anything is computed, or follows from the suite alone: a pair that was picked
because of its figures would make them look surer than they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from condensers.errors import UsageError, suggestion
from condensers.sets.origins import LEARNED, TAUGHT
from harness.report.chapters import find_chapters, read_run
from harness.report.place import join_parts
from harness.report.results import RANDOM, Result
from harness.report.wording import base_name, split_metric
from harness.statistics.intervals import Interval
from harness.suite.definition import ScenarioEntry
from harness.suite.plan import SuitePlan, lay_out


@dataclass(frozen=True)
class Comparison:
    """What is compared.

    Args:
        scenario: label of the scenario.
        metric: the metric; without its strategy it means that of each.
        first: label of a set, or name of a reference.
        second: what is subtracted from it.
        measure: what names scenario and metric on the command line.
    """

    scenario: str
    metric: str
    first: str
    second: str
    measure: str

    def __str__(self) -> str:
        return f"{self.first} less {self.second} in {self.metric} ({self.scenario})"


@dataclass(frozen=True)
class Pair:
    """One place and size at which the comparison was measured, with its paired difference."""

    where: str
    unit: str
    difference: Interval


def name_comparison(plan: SuitePlan, pair: str | None, measure: str | None) -> Comparison:
    """Find what is compared, from the suite alone.

    Args:
        plan: the checked suite.
        pair: "A:B"; None for the suite's first learned set against random real images, or against
            its first other set.
        measure: label of a scenario, or a metric; None for the first scenario that asks which set
            is best. Of a scenario it is the metric of its first question.

    Raises:
        UsageError: the suite has no such scenario, metric or sets.
    """
    entry, metric = _find_measure(plan.suite.scenarios, measure)
    known, named = _names(plan, entry), measure or entry.label
    if pair is None:
        return Comparison(entry.label, metric, *_usual_pair(plan, entry), named)
    sides = [(pair[:at], pair[at + 1 :]) for at, letter in enumerate(pair) if letter == ":"]
    for first, second in sides:
        if first in known and second in known and first != second:
            return Comparison(entry.label, metric, first, second, named)
    wrong = next((name for name in pair.split(":") if name not in known), pair)
    raise UsageError(
        f"--compare {pair}: write two that {entry.label} measures as A:B;"
        f" {suggestion(wrong, known)}"
    )


def _find_measure(
    entries: Sequence[ScenarioEntry], measure: str | None
) -> tuple[ScenarioEntry, str]:
    chapters = find_chapters({entry.name: () for entry in entries})
    asked = {
        entry.label: next(iter(chapters[entry.name].questions), None)
        for entry in entries
        if entry.name in chapters
    }
    for entry in entries:
        leading = asked.get(entry.label)
        if leading is not None and measure in (None, entry.label):
            return entry, leading
        named = measure is not None and base_name(measure) in chapters[entry.name].definitions
        if measure is not None and named and measure != entry.label:
            return entry, measure
    known = [*(label for label, metric in asked.items() if metric), *filter(None, asked.values())]
    raise UsageError(
        f"--metric {measure or ''}: no scenario of the suite measures it;"
        f" {suggestion(measure or '', known)}"
    )


def _names(plan: SuitePlan, entry: ScenarioEntry) -> list[str]:
    cells = [cell for cell in plan.cells if cell.scenario_label == entry.label]
    return list(dict.fromkeys(cell.label for cell in cells))


def _usual_pair(plan: SuitePlan, entry: ScenarioEntry) -> tuple[str, str]:
    origins = {
        cell.label: cell.origin
        for cell in plan.cells
        if cell.scenario_label == entry.label and cell.reference is None
    }
    learned = [label for label, origin in origins.items() if origin in (LEARNED, TAUGHT)]
    first = next(iter(learned or [label for label in origins if label != RANDOM]), None)
    others = [label for label in origins if label != first]
    second = RANDOM if RANDOM in others else next(iter(others), None)
    if first is None or second is None:
        raise UsageError(
            f"{entry.label}: has no two sets to compare; name two with --compare A:B, sets or"
            " references"
        )
    return first, second


def find_pairs(comparison: Comparison, contents: tuple[Any, Sequence[Any], Any]) -> list[Pair]:
    """Find where records hold both sides: on each data set, in each setting, at each size.

    Args:
        comparison: what is compared.
        contents: suite, records and failures.

    Raises:
        UsageError: the metric is resampled over architectures, so that seeds alone do not narrow
            it.
    """
    suite, records, _ = contents
    own = [one for one in records if one["cell"].get("scenario") == comparison.scenario]
    results = [
        result
        for result in read_run(_without_rule(suite), own).results_of(comparison.scenario)
        if comparison.metric in (result.metric, split_metric(result.metric)[1])
    ]
    if any(result.draws is not None for result in results):
        raise UsageError(
            f"{comparison.metric}: is resampled over architectures, so that seeds alone do not"
            " narrow it; name a metric with a value a seed by --metric"
        )
    firsts = [result for result in results if result.entry.condenser == comparison.first]
    seconds = [result for result in results if result.entry.condenser == comparison.second]
    return [
        Pair(_describe(own), own.unit, difference)
        for own in firsts
        for other in seconds
        if own.metric == other.metric and _same_place(own, other)
        if (difference := own.minus(other)) is not None
    ]


def _without_rule(suite: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in suite.items() if name != "until"}


def _same_place(a: Result, b: Result) -> bool:
    same = a.entry.place.of_any_augmentation == b.entry.place.of_any_augmentation
    if a.entry.is_reference or b.entry.is_reference:
        return same
    return a.entry.place == b.entry.place and a.entry.size == b.entry.size


def _describe(result: Result) -> str:
    strategy = split_metric(result.metric)[0]
    size = "" if result.entry.is_reference else str(result.entry.size)
    return join_parts(result.entry.place.describe(), strategy, size)


def with_seeds(plan: SuitePlan, scenario: str, count: int) -> SuitePlan:
    """Lay out a plan anew with more seeds of one scenario: those that it has, then the smallest
    others.
    """
    (entry,) = [one for one in plan.suite.scenarios if one.label == scenario]
    others = (seed for seed in range(count + len(entry.seeds)) if seed not in entry.seeds)
    missing = max(0, count - len(entry.seeds))
    seeds = (*entry.seeds, *(seed for seed, _ in zip(others, range(missing), strict=False)))
    scenarios = [replace(one, seeds=seeds) if one is entry else one for one in plan.suite.scenarios]
    return lay_out(replace(plan.suite, scenarios=tuple(scenarios)), plan.data.__getitem__)
