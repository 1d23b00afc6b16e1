"""Which figures a report's page shows, scenario by scenario, drawn from the built report alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.plots import Labels, Series, bars, lines, scatter
from harness.report.columns import MEAN
from harness.report.curves import label
from harness.report.results import RANDOM
from harness.report.stream_pictures import shown_curves, stream_pictures
from harness.report.wording import figure

Row = Mapping[str, Any]
PANELS = 12
CURVES = 9


def pictures(report: Mapping[str, Any]) -> dict[str, list[str]]:
    """Scenario -> its SVG figures."""
    styles = _styles(report)
    found: dict[str, list[str]] = {}
    for place in dict.fromkeys((row["scenario"], row["data"], row["variant"]) for row in report["rows"]):
        rows, curves, scatters = (_at(place, report[part]) for part in ("rows", "curves", "scatters"))
        drawn = (
            _accuracy(rows, styles)
            + _networks(rows, styles)
            + stream_pictures(rows, curves, styles)
            + _search(rows, scatters, styles)
        )
        found.setdefault(place[0], []).extend(drawn)
    return found


def _at(place: tuple[str, str, str], parts: Sequence[Row]) -> list[Row]:
    return [part for part in parts if (part["scenario"], part["data"], part["variant"]) == place]


def _styles(report: Mapping[str, Any]) -> dict[str, int | None]:
    """Every set keeps its colour through the whole page; random images and references are grey.

    Sets whose curves are drawn come first: there are fewer colours than sets may be, and these stand side by side.
    """
    drawn = [curve["condenser"] for curve in shown_curves(report["curves"]) if not curve["reference"]]
    names = [*drawn, *(row["condenser"] for row in report["rows"] if not row["reference"])]
    return {name: index for index, name in enumerate(dict.fromkeys(name for name in names if name != RANDOM))}


def _named(row: Row, metric: str) -> str:
    parts = [f"{metric} on {row['data']}", row["variant"], f"augmentation {row['recipe']}" if row["recipe"] else ""]
    return ", ".join(part for part in parts if part)


def _accuracy(rows: Sequence[Row], styles: Mapping[str, int | None]) -> list[str]:
    """Test accuracy by images per class, a figure a recipe."""
    own = [row for row in rows if row["metric"] == "test-accuracy" and row["mean"] is not None]
    levels = [(f"{row['condenser']} ({figure(row['mean'], '%')} %)", row["mean"]) for row in own if row["reference"]]
    sets = [row for row in own if not row["reference"] and row["ipc"]]
    found = []
    for recipe in dict.fromkeys(row["recipe"] for row in sets):
        here = [row for row in sets if row["recipe"] == recipe]
        series = []
        for name in dict.fromkeys(row["condenser"] for row in here):
            points = sorted((row for row in here if row["condenser"] == name), key=lambda row: row["ipc"])
            x, y = [row["ipc"] for row in points], [row["mean"] for row in points]
            low, high = ([row[bound] for row in points] for bound in ("low", "high"))
            series.append(Series(name, x, y, low, high, styles.get(name)))
        shown = _leading(series)
        title = "Test accuracy" if len(shown) == len(series) else f"Test accuracy of the {CURVES} best and random images"
        labels = Labels(_named(here[0], title), "images per class", "test accuracy (%)")
        found += [lines(shown, labels, levels, logarithmic=True), *_advantage(here, styles)]
    return found


def _leading(series: Sequence[Series]) -> Sequence[Series]:
    """All curves where a figure can hold them, else random images and the best by their last points."""
    if len(series) <= CURVES + 1:
        return series
    ranked = sorted((one for one in series if one.style is not None), key=lambda one: one.y[-1], reverse=True)
    best = ranked[:CURVES]
    return [one for one in series if one.style is None or one in best]


def _networks(rows: Sequence[Row], styles: Mapping[str, int | None]) -> list[str]:
    """Test accuracy averaged over architectures, a figure a recipe."""
    own = [row for row in rows if row["metric"] == MEAN]
    titles = ("Test accuracy, mean of all architectures", "test accuracy (%)")
    found = []
    for recipe in dict.fromkeys(row["recipe"] for row in own if not row["reference"]):
        found += _bars([row for row in own if row["recipe"] == recipe or row["reference"]], MEAN, titles, styles)
    return found


def _advantage(rows: Sequence[Row], styles: Mapping[str, int | None]) -> list[str]:
    """Paired differences to random real images of the same ipc."""
    own = sorted((row for row in rows if row["comparison"]), key=lambda row: row["ipc"])
    series = [_bar(row, row["comparison"], "difference", styles) for row in own]
    labels = Labels(_named(rows[0], "Gain over random images"), "difference in test accuracy (points)", "")
    return [bars(series, labels)] if series else []


def _bar(row: Row, part: Row, key: str, styles: Mapping[str, int | None]) -> Series:
    style = styles.get(row["condenser"])
    return Series(label(row), [0], [part[key]], [part["low"]], [part["high"]], style, row["reference"])


def _search(rows: Sequence[Row], scatters: Sequence[Row], styles: Mapping[str, int | None]) -> list[str]:
    panels = [
        Series(label(part), part["scores"], part["truth"], style=styles.get(part["condenser"])) for part in scatters[:PANELS]
    ]
    found = _bars(rows, "kendall-tau", ("Rank correlation with the truth", "Kendall tau (1: same order, 0: chance)"), styles)
    regret = next((row["metric"] for row in rows if row["metric"].startswith("regret@")), "")
    lost = (f"What trusting the proxy costs, {regret},", "true test accuracy lost (points, less is better)")
    found += _bars(rows, regret, lost, styles)
    if panels:
        title = f"Proxy score against true accuracy, {scatters[0]['data']}"
        x = "proxy score (validation accuracy in %; parameter-count: parameters)"
        found.append(scatter(panels, Labels(title, x, "true test accuracy (%)")))
    return found


def _bars(rows: Sequence[Row], metric: str, titles: tuple[str, str], styles: Mapping[str, int | None]) -> list[str]:
    own = [row for row in rows if row["metric"] == metric and row["mean"] is not None]
    own.sort(key=lambda row: (row["reference"], row["ipc"] or 0))
    series = [_bar(row, row, "mean", styles) for row in own]
    return [bars(series, Labels(_named(own[0], titles[0]), titles[1], ""))] if series else []
