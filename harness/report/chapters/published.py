"""Figures of papers: in tables of their own beside what was measured, and as hollow grey points
where accuracy is drawn over bits per class.

They come from other code, recipes and counts of networks. No comparison, headline, interval or row
of a report reads them.
"""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import resources
from typing import Any

from condensers.sets.rate import format_bits
from harness.plots.figure import Series
from harness.report.chapters.base import Run
from harness.report.table import Column, Section, Table

KEY = "published"
BY_IPC, BY_BITS = "values", "by_bits"
NOTE = (
    "Figures of papers, not measured here: other code, recipes and numbers of networks. Nothing"
    " above is compared with them."
)
NOT_READ = "*: as others quote it; the source itself was not read."
COUNTED = (
    "Bits per class as DD-RUO counts them: 32 bits a value of a learned image, or of what takes its"
    " place; 8 of a real one. At 8 bits a value, as this harness stores images, learned ones would"
    " take a quarter."
)
DRAWN = (
    "Hollow and grey: figures of papers, with other networks and recipes, at 32 bits a value of"
    " learned images and 8 of real ones."
)


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
    measured = [name for name in run.chapters if run.records_of(name)]
    same = [name for name in measured if run.chapters[name].published_use == use]
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
    tables = []
    for data in dict.fromkeys(figure["data"] for figure in own):
        for by in (BY_IPC, BY_BITS):
            shown = [figure for figure in own if figure["data"] == data and figure.get(by)]
            if shown:
                tables.append(_lay_out(scenario, data, shown, by))
    return tables


def trace_published(use: str, data: str, report: Mapping[str, Any]) -> list[Series]:
    """Make curves over bits per class of the published figures that are drawn.

    Args:
        use: "accuracy" or "continual".
        data: name of the data set.
        report: the report as its JSON has it.
    """
    own = [
        figure
        for figure in report.get(KEY, [])
        if (figure["use"], figure["data"]) == (use, data) and figure.get("curve")
    ]
    return [_trace(figure) for figure in own]


def _trace(figure: Mapping[str, Any]) -> Series:
    values = dict(figure.get(BY_BITS, {}))
    if not values:
        each = int(figure["bits_per_image"])
        values = {int(size) * each: value for size, value in figure[BY_IPC].items()}
    bits = sorted(values, key=float)
    means = [float(str(values[one]).partition(" ")[0]) for one in bits]
    label = f"{figure['method']} (published)"
    names = [
        f"{label}: {mean:g} at {format_bits(float(one))} bits per class; {figure['source']}"
        for one, mean in zip(bits, means, strict=True)
    ]
    return Series(label, [float(one) for one in bits], means, style=None, names=names, hollow=True)


def _lay_out(scenario: str, data: str, figures: Sequence[Mapping[str, Any]], by: str) -> Table:
    sizes = sorted({size for figure in figures for size in figure[by]}, key=int)
    heading = "ipc {}, %" if by == BY_IPC else "{:,} bits per class, %"
    columns = [
        Column("method", lambda figure: _name(figure), is_text=True),
        *(Column(heading.format(int(size)), _value_at(by, size)) for size in sizes),
        *([Column("bits per class, ipc 1", _bits_per_image, drop=3)] if by == BY_IPC else []),
        Column("measured with", lambda figure: str(figure["how"]), drop=2, is_text=True),
        Column("from", lambda figure: str(figure["source"]), drop=1, is_text=True),
    ]
    rows = [[column.text(figure) for column in columns] for figure in figures]
    kind = "published figures" if by == BY_IPC else "published figures by bits per class"
    notes = [NOTE, *([NOT_READ] if any(not figure["read"] for figure in figures) else [])]
    notes += [COUNTED] if by == BY_IPC else []
    title = f"{scenario} on {data}: {kind}, not measured here"
    return Table(scenario, title, columns, [Section("", rows)], footnotes=notes)


def _name(figure: Mapping[str, Any]) -> str:
    return str(figure["method"]) + ("" if figure["read"] else "*")


def _value_at(by: str, size: str) -> Any:
    return lambda figure: str(figure[by].get(size, "-"))


def _bits_per_image(figure: Mapping[str, Any]) -> str:
    return format_bits(figure.get("bits_per_image"))
