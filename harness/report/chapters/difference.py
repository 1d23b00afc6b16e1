"""The tables of `diff`: what was changed from one run to another, and how the figures changed."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.report.chapters import chapters_of_rows
from harness.report.chapters.base import Chapter
from harness.report.place import Place, Size
from harness.report.table import Column, Section, Table, with_power_note
from harness.report.wording import estimate, judge, split_metric

PARTS = ("configuration", "environment", "code")
Row = Mapping[str, Any]
PAIRED = "B less A with 95 % intervals, paired over the seeds that both runs have."
SHORTENED = (
    "the differences that an interval carries, and the metrics that headlines are made of; all are"
    " in --json"
)


def summarise_changes(changed: Mapping[str, Any]) -> str:
    """Write how much changed, in one sentence."""
    figures = changed["figures"]
    both = [row for row in figures if row["a"] and row["b"]]
    sure = [row for row in both if row["comparison"] and row["comparison"]["distinguishable"]]
    counts = [f"{len(changed[part])} of {part}" for part in PARTS]
    alone = len(figures) - len(both)
    more = f"; {alone} figures are in one run alone" if alone else ""
    return (
        f"Changes: {', '.join(counts)}; of {len(both)} figures in both, {len(sure)} differ by more"
        f" than chance{more}."
    )


def tabulate_changes(changed: Mapping[str, Any]) -> list[Table]:
    """Make tables of configuration, environment and code where they differ, then of the figures of
    both runs.
    """
    columns = [
        Column("of", lambda row: row["what"], is_text=True),
        Column("what", lambda row: row["name"] or "there", is_text=True),
        Column("A", lambda row: _write(row["a"]), is_text=True),
        Column("B", lambda row: _write(row["b"]), is_text=True),
    ]
    tables = [
        Table(
            "diff",
            part.capitalize(),
            columns,
            [Section("", [[column.text(row) for column in columns] for row in changed[part]])],
        )
        for part in PARTS
        if changed[part]
    ]
    return [*tables, _figures(changed["figures"])] if changed["figures"] else tables


def _write(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and value:
        return ", ".join(each if isinstance(each, str) else json.dumps(each) for each in value)
    return "-" if value is None else str(value)


def _figures(rows: Sequence[Row]) -> Table:
    columns = [
        Column("set", lambda row: row["condenser"], is_text=True),
        Column("metric", lambda row: row["metric"], is_text=True),
        Column("A", _mean("a"), drop=1),
        Column("B", _mean("b"), drop=2),
        Column("B less A", _difference),
        Column(
            "B is",
            lambda row: judge(row["comparison"], row["higher_is_better"], row["unit"]),
            is_text=True,
        ),
        Column(
            "pairs", lambda row: str(row["comparison"]["n"]) if row["comparison"] else "-", drop=3
        ),
    ]
    chapters = chapters_of_rows(rows)
    places: dict[str, list[Row]] = {}
    for row in rows:
        title = f"{Place.of(row).heading()}, {Size.of(row)}"
        places.setdefault(title, []).append(row)
    sections = [
        Section(
            place,
            [[column.text(row) for column in columns] for row in own],
            [i for i, row in enumerate(own) if _leads(row, chapters)],
        )
        for place, own in places.items()
    ]
    return with_power_note(
        Table("diff", "Figures", columns, sections, (PAIRED,), shortened=SHORTENED)
    )


def _leads(row: Row, chapters: Mapping[str, Chapter]) -> bool:
    sure = row["comparison"] and row["comparison"]["distinguishable"]
    asked = split_metric(row["metric"])[1] in chapters[row["scenario"]].questions
    return bool(sure) or (asked and not row["reference"])


def _mean(side: str) -> Callable[[Row], str]:
    return lambda row: estimate(row[side], row["unit"]) if row[side] else "-"


def _difference(row: Row) -> str:
    part = row["comparison"]
    return estimate(part, row["unit"], "difference", signed=True) if part else "-"
