"""What a report says about one scenario: the base class of its chapters.

A chapter turns the records of its scenario into results, and the rows of a built report into
tables, figures and sentences. A scenario without a chapter is reported by `PlainChapter`.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, NamedTuple, Protocol

from harness.power import Power
from harness.report.overview.verdict import Verdict
from harness.report.results import (
    Record,
    Result,
    group_by_entry,
    read_measurements,
)
from harness.report.table import (
    MetricColumns,
    Row,
    Table,
    TableLayout,
    bundle_rows,
    lay_out,
    split_augmentations,
)
from harness.report.usefulness import SetValues, read_usefulness
from harness.report.wording import split_metric

Headline = dict[str, str]  # {"question", "answer"}
Styles = Mapping[str, int | None]  # label of a set or reference -> `harness.plots.figure` number
COSTS = {
    "seconds": "seconds (less is better)",
    "cpu-seconds": "CPU seconds (less is better)",
    "peak-memory": "peak memory, MB (less is better)",
    "joules": "joules (less is better)",
}
COST_DEFINITIONS = {
    "seconds": "Time that making one set took.",
    "cpu-seconds": "Processor time, of all threads, that making one set took.",
    "peak-memory": (
        "Most memory of the process while it made one set, with its code and the data; of the GPU"
        " where it is used. In 10^6 bytes."
    ),
    "joules": (
        "Energy read while a set was made, or a cell run: of whole processor packages, and of the"
        " GPU where it is used."
    ),
}


class Question(NamedTuple):
    """A question that the sets of one size answer: which of them is the best.

    Args:
        text: the question without its place, as "Which memory forgets least".
        superlative: what the best has: "highest" or "lowest".
        name: the metric in a sentence, as "forgetting".
    """

    text: str
    superlative: str
    name: str


class Drawing(Protocol):
    """Draws a figure as wide as it has room for."""

    def __call__(self, *, width: float) -> str:
        """Draw one <svg> element that is `width` inches wide."""
        ...


class Figure(NamedTuple):
    """A figure of a report's page.

    Args:
        scenario: the scenario in whose section it stands.
        svg: one <svg> element, or what draws it.
        across: how many such figures stand side by side at most; they fill the row between them.
    """

    scenario: str
    svg: str | Drawing
    across: int = 2


@dataclass(frozen=True, eq=False)
class Run:
    """Everything that the report of a run is made from.

    Args:
        suite: {"suite", "cells", "design", ...} of the store.
        records: the records of its cells, in the order of the suite.
        by_scenario: scenario -> its records.
        results: the results of all chapters.
        chapters: scenario -> its chapter.
        power: how energy that was not measured is estimated.
    """

    suite: Mapping[str, Any]
    records: Sequence[Record]
    by_scenario: Mapping[str, Sequence[Record]]
    results: Sequence[Result]
    chapters: Mapping[str, "Chapter"]
    power: Power

    def records_of(self, scenario: str) -> Sequence[Record]:
        """Return the records of one scenario, in the order of the suite."""
        return self.by_scenario.get(scenario, ())

    def results_of(self, scenario: str) -> list[Result]:
        """Return the results of one scenario."""
        return [result for result in self.results if result.entry.scenario == scenario]


class Chapter(ABC):
    """What a report says about one scenario.

    Subclass it beside your scenario, and register it under the name of the scenario in the
    entry-point group `condensation_harness.report_chapters`. Every member but `title` has a
    default: results of all metrics, a plain table of each, no headline and no figure.

    Args:
        scenario: the name under which the cells of the scenario are recorded.

    Attributes:
        definitions: name of a metric or strategy -> what it means, in a sentence or two. Names
            have no "STRATEGY/", "@k", " of NETWORK" or " in EMBEDDING".
        column_titles: metric -> heading of its column, with its unit.
        questions: metric -> the headline that asks which set is the best.
        useful_metrics: metrics that sets are made for -> their names in a sentence. Main effects
            of a design and correlations with properties of the data space are taken of these.
        summary_metrics: metrics that stand in the summary of all sets, without their strategy.
        all_data_reference: the reference that is trained on all data, for energy; "" for none.
        use: what one use of a set is, as "training one network"; "" where energy is not compared.
        published_use: the use whose figures of papers are shown; "" for none.
    """

    definitions: Mapping[str, str] = COST_DEFINITIONS
    column_titles: Mapping[str, str] = COSTS
    questions: Mapping[str, Question] = {}
    useful_metrics: Mapping[str, str] = {}
    summary_metrics: Sequence[str] = ()
    all_data_reference: str = ""
    use: str = ""
    published_use: str = ""

    def __init__(self, scenario: str) -> None:
        self.scenario = scenario

    @property
    @abstractmethod
    def title(self) -> str:
        """The heading of the scenario's section."""

    @classmethod
    def can_read(cls, metrics: Collection[str]) -> bool:
        """Say whether this chapter can report a scenario that has none of its own.

        Args:
            metrics: the metrics that the scenario measured.
        """
        return False

    def results(self, records: Sequence[Record]) -> list[Result]:
        """Read the results of the scenario.

        Args:
            records: all records of the scenario, in the order of the suite.

        Returns:
            A result for each metric of each set and reference; the default reads the measurements
            of the records.
        """
        groups = group_by_entry(records)
        return [r for entry, group in groups.items() for r in read_measurements(entry, group)]

    def results_across(self, records: Sequence[Record]) -> list[Result]:
        """Compute results of the scenario that take records of other scenarios too.

        Args:
            records: all records of the run, in the order of the suite.

        Returns:
            Results beside those of `results`; none by default.
        """
        return []

    def facts(self, run: Run) -> dict[str, Any]:
        """Compute what the report's JSON holds of the scenario beyond its rows.

        Returns:
            Key of the report -> JSON value; lists of chapters that share a key are joined.
        """
        return {}

    def headlines(self, run: Run, facts: Mapping[str, Any]) -> list[Headline]:
        """Answer questions of the scenario, besides those of `questions`.

        Args:
            run: all records and results.
            facts: what `facts` returned.
        """
        return []

    def verdicts(self, run: Run, facts: Mapping[str, Any]) -> list[Verdict]:
        """Decide whether sets do their job, as replay memory or as proxy data.

        Args:
            run: all records and results.
            facts: what `facts` returned.
        """
        return []

    def summarised(self, results: Sequence[Result]) -> list[Result]:
        """Choose the results that stand in the summary of all sets: one column for each metric and
        setting.

        Args:
            results: all results of the scenario.
        """
        return [r for r in results if split_metric(r.metric)[1] in self.summary_metrics]

    def asks_about(self, result: Result, results: Sequence[Result]) -> bool:
        """Say whether a result takes part in the answer to one of `questions`.

        Args:
            result: a result of the scenario, of a set.
            results: all results of the scenario.
        """
        return result.metric in self.questions and isfinite(result.interval.mean)

    def rivals(self, best: Result, results: Sequence[Result]) -> list[Result]:
        """Return references that the best of the sets is compared with, in an answer to one of
        `questions`.

        Args:
            best: the result that leads.
            results: all results of the scenario.
        """
        return []

    def add_to_answer(self, best: Result, results: Sequence[Result]) -> list[str]:
        """Write sentences that keep the first figure of an answer from being read alone.

        Args:
            best: the result that leads.
            results: all results of the scenario.
        """
        return []

    def notes(self, run: Run) -> list[str]:
        """Write what was not measured or should be known, a sentence each."""
        return []

    def layouts(self, metrics: Sequence[str], rows: Sequence[Row]) -> list[TableLayout]:
        """Say which tables the rows of one place are laid out in.

        Args:
            metrics: the metrics that the place holds, without those of other strategies.
            rows: its rows.

        Returns:
            The layouts; the default has a table for each metric.
        """
        return plain_layouts(metrics, MetricColumns(rows, self.column_titles))

    def footnotes(self, rows: Sequence[Row]) -> list[str]:
        """Write sentences that stand below a table.

        Args:
            rows: the rows that the table shows.
        """
        return []

    def tables(self, report: Mapping[str, Any]) -> list[Table]:
        """Make the tables of the scenario.

        Args:
            report: the report as its JSON has it.

        Returns:
            The tables in their order; the default lays out the rows of each place.
        """
        tables = []
        for place, rows in split_augmentations(self.select(report, "rows")).items():
            bundles = bundle_rows(rows)
            names = list(dict.fromkeys(name for bundle in bundles for name in bundle))
            for layout in self.layouts(names, rows):
                table = lay_out(place, layout, bundles)
                if table is not None:
                    shown = [
                        row
                        for bundle in bundles
                        if any(metric in bundle for metric in layout.metrics)
                        for name, row in bundle.items()
                        if name in layout.metrics
                    ]
                    notes = _interval_notes(shown), *self.footnotes(shown), *_count_notes(shown)
                    tables.append(replace(table, footnotes=notes))
        return tables

    def select(self, report: Mapping[str, Any], key: str) -> list[Row]:
        """Select the entries of a list of the report that are of this scenario.

        Args:
            report: the report as its JSON has it.
            key: key of the list, as "rows".
        """
        return [part for part in report[key] if part["scenario"] == self.scenario]

    def figures(self, report: Mapping[str, Any], styles: Styles) -> list[Figure]:
        """Draw the figures of the scenario.

        Args:
            report: the report as its JSON has it.
            styles: label of a set or reference -> what it looks like through the whole page.
        """
        return []

    def coloured_first(self, report: Mapping[str, Any]) -> list[str]:
        """Name the sets that get the first colours, since they stand side by side in a figure."""
        return []

    def usefulness(self, run: Run) -> dict[tuple[str, str], SetValues]:
        """Say how useful each set is, for correlations with properties of the data space.

        Returns:
            (data, usefulness in words) -> set -> value; the default reads `useful_metrics`.
        """
        return read_usefulness(run.results_of(self.scenario), self.useful_metrics)


class PlainChapter(Chapter):
    """The chapter of a scenario that brings none: a plain table of each metric."""

    @property
    def title(self) -> str:
        return self.scenario


def plain_layouts(metrics: Sequence[str], columns: MetricColumns) -> list[TableLayout]:
    """Lay out a table for each metric, with its comparison to random images."""
    plain = [name for name in metrics if not split_metric(name)[0]]
    return [
        TableLayout(
            f": {name}" if len(plain) > 1 else "",
            [name],
            [
                *columns.name_and_bytes(),
                *([columns.value(name)] if name in COSTS else columns.comparison(name)),
                columns.count(name),
            ],
        )
        for name in plain
    ]


def _interval_notes(rows: Sequence[Row]) -> str:
    made = dict.fromkeys(f"{row['interval']} over {row['over']}" for row in rows)
    return f"95 % intervals: {'; '.join(made)}."


def _count_notes(rows: Sequence[Row]) -> list[str]:
    compared = [row for row in rows if "equal_count_is_equal_bytes" in row]
    if compared and all(row["budget"] for row in compared):
        return ["Each set is compared with the random real images of its budget in bytes."]
    if compared and all(row["equal_count_is_equal_bytes"] for row in compared):
        return [
            "Each set takes the bytes of the random real images of its ipc: equal count is equal"
            " bytes."
        ]
    return []
