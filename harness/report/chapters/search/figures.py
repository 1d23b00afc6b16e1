"""The figures of a search: rank correlation, regret, regret by what the search costs, and scores
against true accuracy.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from harness.plots.figure import Labels, Series
from harness.plots.points import draw_costs, draw_scatter
from harness.report.chapters.bars import draw_metric_bars
from harness.report.chapters.base import Figure, Styles
from harness.report.chapters.search.alignment import TRUTH, Searches
from harness.report.place import Place, set_label
from harness.report.wording import estimate

Row = Mapping[str, Any]
PANELS = 25
SECONDS = (
    "Seconds of searching all architectures: condensation is included, retraining the best is not."
)
TAU_AXIS = "Kendall tau (1: same order, 0: chance)"
POINTS = "A point is an architecture; point at one for its name and both values."


def draw_search(
    place: Place,
    rows: Sequence[Row],
    scatters: Sequence[Row],
    costs: Sequence[Row],
    styles: Styles,
) -> list[Figure]:
    """Draw all figures of one search.

    Args:
        place: where it stands.
        rows: its rows.
        scatters: scores against true accuracy, as the report has them.
        costs: tau and regret by cost, as the report has them.
        styles: label of a set or reference -> what it looks like.
    """
    figures = draw_metric_bars(
        place,
        rows,
        "kendall-tau",
        ("Rank correlation with the truth", TAU_AXIS),
        styles,
    )
    regret = next((row["metric"] for row in rows if row["metric"].startswith("regret@")), "")
    lost = (
        f"What trusting the proxy costs ({regret})",
        "test accuracy lost (points, less is better)",
    )
    figures += draw_metric_bars(place, rows, regret, lost, styles)
    figures += _draw_costs(place, costs, styles)
    if scatters:
        some = f"The first {PANELS} of {len(scatters)}. " if len(scatters) > PANELS else ""
        title = place.heading("Proxy score against true accuracy")
        axis = "proxy score (validation accuracy in %, or what the baseline measures)"
        shown = sorted(scatters, key=lambda part: bool(part["reference"]))[:PANELS]
        labels = Labels(title, axis, "true test accuracy (%)", f"{some}{POINTS}")
        drawing = partial(draw_scatter, [_panel(part, styles) for part in shown], labels)
        figures.append(Figure(place.scenario, drawing, across=1))
    return figures


def _panel(part: Row, styles: Styles) -> Series:
    points = zip(part["architectures"], part["scores"], part["truth"], strict=True)
    names = [f"{name}: score {score:.4g}, true {true:.1f} %" for name, score, true in points]
    return Series(
        set_label(part),
        part["scores"],
        part["truth"],
        style=styles.get(part["condenser"]),
        names=names,
    )


def _draw_costs(place: Place, costs: Sequence[Row], styles: Styles) -> list[Figure]:
    k = costs[0]["k"] if costs else 0
    drawn = [
        (place.heading("Kendall tau by the cost of the search"), "tau", TAU_AXIS, ""),
        (
            place.heading(f"Regret@{k} by the cost of the search"),
            "regret",
            "test accuracy lost (points)",
            "points",
        ),
    ]
    return [
        Figure(place.scenario, partial(draw_costs, series, Labels(title, "seconds", axis, SECONDS)))
        for title, what, axis, unit in drawn
        if len(series := _list_curves(costs, what, unit, styles)) > 1
    ]


def _list_curves(costs: Sequence[Row], what: str, unit: str, styles: Styles) -> list[Series]:
    """One series an entry: "tau" or "regret" at the points of its curve, where it is known."""
    series = []
    for row in costs:
        points = [
            point for point in row["points"] if point[what] and point[what]["mean"] is not None
        ]
        x, y = [point["seconds"] for point in points], [point[what]["mean"] for point in points]
        name = (
            "truth: all data" if row["reference"] and row["condenser"] == TRUTH else set_label(row)
        )
        names = [
            f"{name}: {point['seconds']:,.1f} s, {estimate(point[what], unit)} {unit}".rstrip()
            for point in points
        ]
        if points:
            series.append(
                Series(
                    name,
                    x,
                    y,
                    style=styles.get(row["condenser"]),
                    is_reference=row["reference"],
                    names=names,
                )
            )
    return series


def list_scatters(searches: Searches) -> list[dict[str, Any]]:
    """List the points of every proxy: its mean score over seeds, and the true test accuracy in %,
    of each architecture.
    """
    return [
        {
            "scenario": place.scenario,
            "data": place.data,
            "variant": place.variant,
            "condenser": entry.condenser,
            "ipc": entry.ipc,
            "reference": entry.is_reference,
            "architectures": list(aligned.ids),
            "scores": scores.mean(0).tolist(),
            "truth": aligned.truth.test.mean(0).tolist(),
        }
        for place, search in searches.items()
        for aligned in (search.aligned,)
        if aligned is not None
        for entry, scores in aligned.scores.items()
    ]
