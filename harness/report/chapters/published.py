"""Figures of papers, in a table of their own beside what was measured.

They come from other code, recipes and counts of networks. No comparison, headline, interval or
figure of a report reads them.
"""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import resources
from typing import Any

from harness.report.chapters.base import Run
from harness.report.table import Column, Section, Table

KEY = "published"
NOTE = (
    "Figures of papers, not measured here: other code, recipes and numbers of networks. Nothing"
    " above is compared with them."
)
NOT_READ = "*: as others quote it; the source itself was not read."


@lru_cache
def list_published() -> Sequence[Mapping[str, Any]]:
    """Read the figures that ship."""
    path = resources.files("harness") / "report" / "chapters" / "published.json"
    figures: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["figures"]
    return figures


def select_published(use: str, scenario: str, run: Run) -> dict[str, Any]:
    """Choose the published figures of the data that a report's first chapter of a use is about.

    Args:
        use: "accuracy" or "continual".
        scenario: the scenario of the chapter.
        run: all results.

    Returns:
        {"published": a mapping a figure}, as the report's JSON holds it; empty where there are
        none, and for later chapters of the same use.
    """
    same = [name for name, one in run.chapters.items() if one.published_use == use]
    if same[:1] != [scenario]:
        return {}
    data = {result.entry.data for result in run.results_of(scenario)}
    found = [
        {"scenario": scenario, **figure}
        for figure in list_published()
        if figure["use"] == use and figure["data"] in data
    ]
    return {KEY: found} if found else {}


def lay_out_published(scenario: str, report: Mapping[str, Any]) -> list[Table]:
    """Make the table of each data set that a report has published figures of.

    Args:
        scenario: the scenario of the chapter.
        report: the report as its JSON has it.
    """
    own = [figure for figure in report.get(KEY, []) if figure["scenario"] == scenario]
    return [
        _lay_out(scenario, data, [figure for figure in own if figure["data"] == data])
        for data in dict.fromkeys(figure["data"] for figure in own)
    ]


def _lay_out(scenario: str, data: str, figures: Sequence[Mapping[str, Any]]) -> Table:
    sizes = sorted({size for figure in figures for size in figure["values"]}, key=int)
    columns = [
        Column("method", lambda figure: _name(figure), is_text=True),
        *(Column(f"ipc {size}, %", _value_at(size)) for size in sizes),
        Column("measured with", lambda figure: str(figure["how"]), drop=2, is_text=True),
        Column("from", lambda figure: str(figure["source"]), drop=1, is_text=True),
    ]
    rows = [[column.text(figure) for column in columns] for figure in figures]
    title = f"{scenario} on {data}: published figures, not measured here"
    notes = [NOTE, *([NOT_READ] if any(not figure["read"] for figure in figures) else [])]
    return Table(scenario, title, columns, [Section("", rows)], footnotes=notes)


def _name(figure: Mapping[str, Any]) -> str:
    return str(figure["method"]) + ("" if figure["read"] else "*")


def _value_at(size: str) -> Any:
    return lambda figure: str(figure["values"].get(size, "-"))
