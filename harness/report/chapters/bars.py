"""Bars of a metric, a set each: figures that several chapters draw."""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.plots.figure import Labels, Series, draw_bars
from harness.report.chapters.base import Styles
from harness.report.place import Place, set_label

Row = Mapping[str, Any]


def make_bar(row: Row, part: Row, key: str, styles: Styles) -> Series:
    """Make the bar of the value `key` of a part of a row."""
    style = styles.get(row["condenser"])
    return Series(
        set_label(row), [0], [part[key]], [part["low"]], [part["high"]], style, row["reference"]
    )


def draw_metric_bars(
    rows: Sequence[Row], metric: str, titles: tuple[str, str], styles: Styles
) -> list[str]:
    """Draw one figure of bars, references last; none where nothing was measured.

    Args:
        rows: rows of one place.
        metric: the metric that is drawn.
        titles: of the figure, and of its axis.
        styles: label of a set -> its colour.
    """
    own = [row for row in rows if row["metric"] == metric and row["mean"] is not None]
    own.sort(key=lambda row: (row["reference"], row["ipc"] or 0))
    series = [make_bar(row, row, "mean", styles) for row in own]
    if not series:
        return []
    return [draw_bars(series, Labels(Place.of(own[0]).heading(titles[0]), titles[1], ""))]
