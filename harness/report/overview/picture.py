"""The one picture of the first screen: what sets are worth over the bits per class that they take,
or over their bytes where the number of classes is not known.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.plots.figure import Series
from harness.plots.rate_axis import RateAxis
from harness.plots.rate_utility import RatePanel, draw_rate_utility
from harness.report.chapters.base import Styles
from harness.report.wording import format_number

Row = Mapping[str, Any]
PANELS = 4


def draw_overview(report: Mapping[str, Any], styles: Styles) -> list[str]:
    """Draw a figure for each data set whose sets have bytes, from the summary of the report.

    Args:
        report: the report as its JSON has it.
        styles: label of a set -> its colour through the whole page.
    """
    rows: dict[str, list[Row]] = {}
    for row in report["summary"]["rows"]:
        rows.setdefault(str(row["data"]), []).append(row)
    figures = []
    for data, own in rows.items():
        panels = [_panel(column, own, styles) for column in report["summary"]["columns"]]
        shown = [panel for panel in panels if panel.series]
        groups = [shown[at : at + PANELS] for at in range(0, len(shown), PANELS)]
        for number, group in enumerate(groups, 1):
            of = f" ({number} of {len(groups)})" if len(groups) > 1 else ""
            title = f"What sets of {data} are worth{of}"
            figures.append(draw_rate_utility(group, title, choose_axis(own)))
    return figures


def choose_axis(rows: Sequence[Row]) -> RateAxis:
    """Choose the axis of sizes for rows of one data set.

    Args:
        rows: with "bytes" and "bits_per_class", of which one or more have bytes.
    """
    first = next(row for row in rows if row["bytes"])
    return RateAxis.of(first["bytes"], first["bits_per_class"])


def size_of(row: Row) -> float:
    """Place a set that has bytes on the axis that `choose_axis` chooses."""
    return float(row["bytes"] if row["bits_per_class"] is None else row["bits_per_class"])


def _panel(column: Row, rows: Sequence[Row], styles: Styles) -> RatePanel:
    measured = [(row, row["cells"][column["key"]]) for row in rows if column["key"] in row["cells"]]
    points: dict[str, list[tuple[Row, Row]]] = {}
    for row, cell in measured:
        if not row["reference"] and row["bytes"]:
            points.setdefault(str(row["condenser"]), []).append((row, cell))
    series = [_series(name, own, styles) for name, own in points.items()]
    levels = [
        (f"{row['condenser']} {format_number(cell['mean'], column['unit'])}", cell["mean"])
        for row, cell in measured
        if row["reference"]
    ]
    return RatePanel(column["title"], series, levels)


def _series(name: str, points: Sequence[tuple[Row, Row]], styles: Styles) -> Series:
    ordered = sorted(points, key=lambda point: point[0]["bytes"])
    sizes = [size_of(row) for row, _ in ordered]
    mean, low, high = ([cell[key] for _, cell in ordered] for key in ("mean", "low", "high"))
    return Series(name, sizes, mean, low, high, styles.get(name))
