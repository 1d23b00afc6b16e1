"""The figures of a search: rank correlation, regret, regret by what the search costs, and scores
against true accuracy.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.plots.figure import Labels, Series, bars
from harness.plots.points import cost_figure, scatter
from harness.report.chapters.continual.figures import label
from harness.report.chapters.search.alignment import TRUTH
from harness.report.wording import estimate

Row = Mapping[str, Any]
Styles = Mapping[str, int | None]
PANELS = 25


def search_pictures(
    rows: Sequence[Row], scatters: Sequence[Row], costs: Sequence[Row], styles: Styles
) -> list[str]:
    """All figures of one search; scatters and costs as the report has them."""
    found = bars_of(
        rows,
        "kendall-tau",
        ("Rank correlation with the truth", "Kendall tau (1: same order, 0: chance)"),
        styles,
    )
    regret = next((row["metric"] for row in rows if row["metric"].startswith("regret@")), "")
    lost = (
        f"What trusting the proxy costs, {regret},",
        "test accuracy lost (points, less is better)",
    )
    found += bars_of(rows, regret, lost, styles)
    found += _costs(costs, styles)
    if scatters:
        of = f", the first {PANELS} of {len(scatters)}" if len(scatters) > PANELS else ""
        title = (
            "Proxy score against true accuracy,"
            f" {in_place(scatters[0], '').removeprefix(' on ')}{of}"
        )
        axis = "proxy score (validation accuracy in %, or what the baseline measures)"
        shown = sorted(scatters, key=lambda part: bool(part["reference"]))[:PANELS]
        found.append(
            scatter(
                [_panel(part, styles) for part in shown],
                Labels(title, axis, "true test accuracy (%)"),
            )
        )
    return found


def _panel(part: Row, styles: Styles) -> Series:
    points = zip(part["architectures"], part["scores"], part["truth"], strict=True)
    names = [f"{name}: score {score:.4g}, true {true:.1f} %" for name, score, true in points]
    return Series(
        label(part), part["scores"], part["truth"], style=_style(part, styles), names=names
    )


def _style(part: Row, styles: Styles) -> int | None:
    return None if part["reference"] else styles.get(part["condenser"])


def _costs(costs: Sequence[Row], styles: Styles) -> list[str]:
    series = []
    for row in costs:
        points = [point for point in row["points"] if point["mean"] is not None]
        x, y = ([point[key] for point in points] for key in ("seconds", "mean"))
        name = "truth: all data" if row["reference"] and row["condenser"] == TRUTH else label(row)
        names = [
            f"{name}: {point['seconds']:,.1f} s, {estimate(point, 'points')} points"
            for point in points
        ]
        if points:
            series.append(
                Series(
                    name,
                    x,
                    y,
                    style=_style(row, styles),
                    is_reference=row["reference"],
                    names=names,
                )
            )
    if len(series) < 2:
        return []
    title = in_place(costs[0], f"Regret@{costs[0]['k']} by the cost of the search")
    axis = "seconds of searching all architectures, condensation included, retraining the best not"
    return [cost_figure(series, Labels(title, axis, "test accuracy lost (points)"))]


def in_place(row: Row, metric: str) -> str:
    """A title with the data, the settings and the recipe of a row."""
    parts = [
        f"{metric} on {row['data']}",
        row["variant"],
        f"augmentation {row.get('recipe')}" if row.get("recipe") else "",
    ]
    return ", ".join(part for part in parts if part)


def bar(row: Row, part: Row, key: str, styles: Mapping[str, int | None]) -> Series:
    """A bar of the value `key` of a part of a row."""
    style = styles.get(row["condenser"])
    return Series(
        label(row), [0], [part[key]], [part["low"]], [part["high"]], style, row["reference"]
    )


def bars_of(
    rows: Sequence[Row], metric: str, titles: tuple[str, str], styles: Mapping[str, int | None]
) -> list[str]:
    """One figure of bars of a metric, references last; none where nothing was measured. titles: of
    the figure, of its axis.
    """
    own = [row for row in rows if row["metric"] == metric and row["mean"] is not None]
    own.sort(key=lambda row: (row["reference"], row["ipc"] or 0))
    series = [bar(row, row, "mean", styles) for row in own]
    return [bars(series, Labels(in_place(own[0], titles[0]), titles[1], ""))] if series else []
