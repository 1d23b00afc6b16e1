"""The figures of a search: rank correlation, regret, regret by what the search costs, and scores
against true accuracy.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.plots.figure import Labels, Series
from harness.plots.points import draw_costs, draw_scatter
from harness.report.chapters.bars import draw_metric_bars
from harness.report.chapters.base import Styles
from harness.report.chapters.search.alignment import TRUTH, Searches
from harness.report.place import Place, set_label
from harness.report.wording import estimate

Row = Mapping[str, Any]
PANELS = 25


def draw_search(
    rows: Sequence[Row], scatters: Sequence[Row], costs: Sequence[Row], styles: Styles
) -> list[str]:
    """Draw all figures of one search.

    Args:
        rows: its rows.
        scatters: scores against true accuracy, as the report has them.
        costs: regret by cost, as the report has it.
        styles: label of a set -> its colour.
    """
    figures = draw_metric_bars(
        rows,
        "kendall-tau",
        ("Rank correlation with the truth", "Kendall tau (1: same order, 0: chance)"),
        styles,
    )
    regret = next((row["metric"] for row in rows if row["metric"].startswith("regret@")), "")
    lost = (
        f"What trusting the proxy costs ({regret})",
        "test accuracy lost (points, less is better)",
    )
    figures += draw_metric_bars(rows, regret, lost, styles)
    figures += _draw_costs(costs, styles)
    if scatters:
        of = f", the first {PANELS} of {len(scatters)}" if len(scatters) > PANELS else ""
        title = f"{Place.of(scatters[0]).heading('Proxy score against true accuracy')}{of}"
        axis = "proxy score (validation accuracy in %, or what the baseline measures)"
        shown = sorted(scatters, key=lambda part: bool(part["reference"]))[:PANELS]
        figures.append(
            draw_scatter(
                [_panel(part, styles) for part in shown],
                Labels(title, axis, "true test accuracy (%)"),
            )
        )
    return figures


def _panel(part: Row, styles: Styles) -> Series:
    points = zip(part["architectures"], part["scores"], part["truth"], strict=True)
    names = [f"{name}: score {score:.4g}, true {true:.1f} %" for name, score, true in points]
    return Series(
        set_label(part), part["scores"], part["truth"], style=_style(part, styles), names=names
    )


def _style(part: Row, styles: Styles) -> int | None:
    return None if part["reference"] else styles.get(part["condenser"])


def _draw_costs(costs: Sequence[Row], styles: Styles) -> list[str]:
    series = []
    for row in costs:
        points = [point for point in row["points"] if point["mean"] is not None]
        x, y = ([point[key] for point in points] for key in ("seconds", "mean"))
        name = (
            "truth: all data" if row["reference"] and row["condenser"] == TRUTH else set_label(row)
        )
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
    what = f"Regret@{costs[0]['k']} by the cost of the search"
    title = Place.of(costs[0]).heading(what)
    axis = "seconds of searching all architectures, condensation included, retraining the best not"
    return [draw_costs(series, Labels(title, axis, "test accuracy lost (points)"))]


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
