"""The chapters of a report: one a scenario, found by the name of the scenario.

Third parties add theirs under the entry-point group `condensation_harness.report_chapters`.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from condensers.errors import UsageError
from condensers.registry.registry import Registry
from harness.power import Power
from harness.report.chapters.base import Chapter, PlainChapter, Run
from harness.report.place import MAKING
from harness.report.results import Record, in_two_stages
from harness.report.wording import TOP, base_name

DESIGN = "design"  # main effects of a suite's design: a chapter on every scenario

# In the order in which the sentences and notes of a report stand.
CHAPTERS = Registry(
    "report chapter",
    "report_chapters",
    {
        "continual": "harness.report.chapters.continual:ContinualChapter",
        "search": "harness.report.chapters.search:SearchChapter",
        "one-shot": "harness.report.chapters.search:OneShotChapter",
        "privacy": "harness.report.chapters.privacy:PrivacyChapter",
        DESIGN: "harness.report.chapters.design:DesignChapter",
        "data-space": "harness.report.chapters.data_space:DataSpaceChapter",
        "mask-quality": "harness.report.chapters.masks:MaskQualityChapter",
        "cross-architecture": "harness.report.chapters.accuracy:CrossArchitectureChapter",
        "accuracy": "harness.report.chapters.accuracy:AccuracyChapter",
        MAKING: "harness.report.chapters.energy:MakingChapter",
    },
)


def find_chapters(metrics: Mapping[str, Collection[str]]) -> dict[str, Chapter]:
    """Find the chapter of each scenario.

    A scenario whose name has no chapter gets the first built-in one that can read its metrics, else
    a plain one.

    Args:
        metrics: scenario -> the metrics that it measured.

    Returns:
        Scenario -> its chapter, in the order of the report's sentences: all built-in chapters, and
        those of the other scenarios.

    Raises:
        UsageError: the chapter of a scenario cannot be loaded, or is no `Chapter`.
    """
    builtin = {name: _load(name) for name in CHAPTERS.builtin}
    registered = CHAPTERS.entries()
    kinds = dict(builtin)
    for scenario, measured in metrics.items():
        if scenario in registered:
            kinds.setdefault(scenario, builtin.get(scenario) or _load(scenario))
        else:
            readers = (kind for kind in builtin.values() if kind.can_read(measured))
            kinds[scenario] = next(readers, PlainChapter)
    return {scenario: kind(scenario) for scenario, kind in kinds.items()}


def _load(name: str) -> type[Chapter]:
    kind = CHAPTERS.load(name)
    if not (isinstance(kind, type) and issubclass(kind, Chapter)):
        raise UsageError(
            f"report chapter '{name}' is no class derived from"
            " harness.report.chapters.base.Chapter; derive it, or remove its entry point"
        )
    return kind


def chapters_of_rows(rows: Sequence[Mapping[str, Any]]) -> dict[str, Chapter]:
    """Find the chapters of a built report from its rows."""
    metrics: dict[str, set[str]] = {}
    for row in rows:
        metrics.setdefault(row["scenario"], set()).add(row["metric"])
    return find_chapters(metrics)


def explain(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Collect name and meaning of the strategies and metrics of a report's rows, each once."""
    chapters = chapters_of_rows(rows)
    meanings: dict[str, str] = {}
    for row in rows:
        known, metric = chapters[row["scenario"]].definitions, row["metric"]
        top = TOP.strip() if metric.endswith(TOP) else ""
        for name in (metric.rpartition("/")[0], base_name(metric), top):
            if name in known:
                meanings.setdefault(name, known[name])
    return meanings


def read_run(
    suite: Mapping[str, Any], records: Sequence[Record], power: Power | None = None
) -> Run:
    """Read the results of a run, scenario by scenario.

    Args:
        suite: {"suite", "cells", "design", ...} of the store.
        records: the records of its cells, in the order of the suite.
        power: how energy that was not measured is estimated.

    Raises:
        UsageError: the chapter of a scenario cannot be loaded, or a record is of an older format.
    """
    by_scenario: dict[str, list[Record]] = {}
    metrics: dict[str, set[str]] = {}
    for record in records:
        if record["kind"] == "shard":
            continue
        scenario = MAKING if record["kind"] == MAKING else record["cell"]["scenario"]
        by_scenario.setdefault(scenario, []).append(record)
        measured = (record.get("outcome") or {}).get("measurements", [])
        metrics.setdefault(scenario, set()).update(m["metric"] for m in measured)
    chapters = find_chapters(metrics)
    results = [r for name, own in by_scenario.items() for r in chapters[name].results(own)]
    results += [r for name in by_scenario for r in chapters[name].results_across(records)]
    until = suite.get("until")
    if until is not None:
        extended = (until["scenario"], MAKING)
        results = [
            in_two_stages(r, until["first_seeds"]) if r.entry.scenario in extended else r
            for r in results
        ]
    return Run(suite, records, by_scenario, results, chapters, power or Power())
