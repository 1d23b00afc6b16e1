"""Bars of a metric, a set each: figures that several chapters draw."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from harness.plots.bars import draw_bars
from harness.plots.figure import Labels, Series
from harness.report.chapters.base import Figure, Styles
from harness.report.place import Place, set_label
from harness.report.wording import join_words

Row = Mapping[str, Any]


def make_bar(row: Row, part: Row, key: str, styles: Styles) -> Series:
    """Make the bar of the value `key` of a part of a row."""
    style = styles.get(row["condenser"])
    return Series(
        set_label(row), [0], [part[key]], [part["low"]], [part["high"]], style, row["reference"]
    )


def draw_metric_bars(
    place: Place, rows: Sequence[Row], metric: str, titles: tuple[str, str], styles: Styles
) -> list[Figure]:
    """Draw one figure of bars, references last; none where nothing was measured.

    Args:
        place: where the rows stand.
        rows: its rows.
        metric: the metric that is drawn.
        titles: of the figure, and of its axis.
        styles: label of a set or reference -> what it looks like.
    """
    own = [row for row in rows if row["metric"] == metric and row["mean"] is not None]
    own.sort(key=lambda row: (row["reference"], row["ipc"] or 0))
    series = [make_bar(row, row, "mean", styles) for row in own]
    if not series:
        return []
    labels = Labels(place.heading(titles[0]), titles[1], "", note_intervals(own))
    return [Figure(place.scenario, partial(draw_bars, series, labels))]


def note_intervals(rows: Sequence[Row]) -> str:
    """Say what the lines through bars and points are; "" where none has an interval."""
    known = [row for row in rows if row["low"] is not None]
    over = dict.fromkeys(
        row["over"] if row["over"][:1].isdigit() else f"{row['n']} {row['over']}" for row in known
    )
    return f"Lines: 95 % intervals over {join_words(list(over))}." if known else ""
