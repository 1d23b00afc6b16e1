"""The tables of `diff`: what was changed, and what that did to the figures."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.report.headlines import QUESTIONS
from harness.report.origin import split_metric
from harness.report.table import Column, Section, Table
from harness.report.wording import estimate, verdict

PARTS = ("configuration", "environment", "code")
Row = Mapping[str, Any]
PAIRED = "B less A with 95 % intervals, paired over the seeds that both runs have."
SHORTENED = (
    "the differences that an interval carries, and the metrics that headlines are made of; all are"
    " in --json"
)


def summary(changed: Mapping[str, Any]) -> str:
    """How much changed, in one sentence."""
    figures = changed["figures"]
    both = [row for row in figures if row["a"] and row["b"]]
    told = [row for row in both if row["comparison"] and row["comparison"]["distinguishable"]]
    counts = [f"{len(changed[part])} of {part}" for part in PARTS]
    alone = len(figures) - len(both)
    more = f"; {alone} figures are in one run alone" if alone else ""
    return (
        f"Changes: {', '.join(counts)}; of {len(both)} figures in both, {len(told)} differ by more"
        f" than chance{more}."
    )


def difference_tables(changed: Mapping[str, Any]) -> list[Table]:
    """Configuration, environment and code where they differ, then the figures of both runs."""
    columns = [
        Column("of", lambda row: row["what"], is_text=True),
        Column("what", lambda row: row["name"] or "there", is_text=True),
        Column("A", lambda row: _said(row["a"]), is_text=True),
        Column("B", lambda row: _said(row["b"]), is_text=True),
    ]
    found = [
        Table(
            "diff",
            part.capitalize(),
            columns,
            [Section("", [[column.text(row) for column in columns] for row in changed[part]])],
        )
        for part in PARTS
        if changed[part]
    ]
    return [*found, _figures(changed["figures"])] if changed["figures"] else found


def _said(value: Any) -> str:
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
            "B is", lambda row: verdict(row["comparison"], row["higher_is_better"]), is_text=True
        ),
        Column(
            "pairs", lambda row: str(row["comparison"]["n"]) if row["comparison"] else "-", drop=3
        ),
    ]
    places: dict[str, list[Row]] = {}
    for row in rows:
        places.setdefault(_place(row), []).append(row)
    sections = [
        Section(
            place,
            [[column.text(row) for column in columns] for row in own],
            [i for i, row in enumerate(own) if _leads(row)],
        )
        for place, own in places.items()
    ]
    return Table("diff", "Figures", columns, sections, (PAIRED,), shortened=SHORTENED)


def _leads(row: Row) -> bool:
    told = row["comparison"] and row["comparison"]["distinguishable"]
    return bool(told) or (split_metric(row["metric"])[1] in QUESTIONS and not row["reference"])


def _place(row: Row) -> str:
    size = (
        f"{row['budget']:,} bytes"
        if row["budget"]
        else f"ipc {row['ipc']}"
        if row["ipc"]
        else "references"
    )
    what = "making the sets of" if row["scenario"] == "condense" else f"{row['scenario']} on"
    recipe = f"augmentation {row['recipe']}" if row["recipe"] else ""
    return ", ".join(
        part for part in (f"{what} {row['data']}", row["variant"], recipe, size) if part
    )


def _mean(side: str) -> Callable[[Row], str]:
    return lambda row: estimate(row[side], row["unit"]) if row[side] else "-"


def _difference(row: Row) -> str:
    found = row["comparison"]
    return estimate(found, row["unit"], "difference", signed=True) if found else "-"
