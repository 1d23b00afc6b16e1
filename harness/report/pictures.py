"""Which figures a report's page shows, scenario by scenario, drawn from the built report alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.plots.figure import Labels, Series, bars, lines
from harness.report.chapters.continual.figures import shown_curves, stream_pictures
from harness.report.chapters.data_space import space_pictures
from harness.report.chapters.design import effect_pictures
from harness.report.chapters.masks import drawn_masks
from harness.report.chapters.search.figures import bar, bars_of, in_place, search_pictures
from harness.report.results import RANDOM
from harness.report.table import MEAN
from harness.report.wording import figure

Row = Mapping[str, Any]
CURVES = 9


def pictures(report: Mapping[str, Any]) -> dict[str, list[str]]:
    """Scenario -> its SVG figures."""
    styles = _styles(report)
    found: dict[str, list[str]] = {}
    for place in dict.fromkeys(
        (row["scenario"], row["data"], row["variant"]) for row in report["rows"]
    ):
        rows, curves, scatters = (
            _at(place, report[part]) for part in ("rows", "curves", "scatters")
        )
        drawn = (
            _accuracy(rows, styles)
            + _networks(rows, styles)
            + stream_pictures(rows, curves, styles)
            + search_pictures(rows, scatters, _at(place, report["regret_by_cost"]), styles)
            + drawn_masks(_at(place, report["masks"]))
            + space_pictures(_at(place, report["data_space"]["scatters"]))
        )
        found.setdefault(place[0], effect_pictures(report, place[0])).extend(drawn)
    return found


def _at(place: tuple[str, str, str], parts: Sequence[Row]) -> list[Row]:
    return [part for part in parts if (part["scenario"], part["data"], part["variant"]) == place]


def _styles(report: Mapping[str, Any]) -> dict[str, int | None]:
    """Every set keeps its colour through the whole page; random images and references are grey.

    Sets whose curves are drawn come first: there are fewer colours than sets may be, and these
    stand side by side.
    """
    drawn = [
        curve["condenser"] for curve in shown_curves(report["curves"]) if not curve["reference"]
    ]
    names = [*drawn, *(row["condenser"] for row in report["rows"] if not row["reference"])]
    return {
        name: index
        for index, name in enumerate(dict.fromkeys(name for name in names if name != RANDOM))
    }


def _accuracy(rows: Sequence[Row], styles: Mapping[str, int | None]) -> list[str]:
    """Test accuracy by images per class, a figure a recipe."""
    own = [row for row in rows if row["metric"] == "test-accuracy" and row["mean"] is not None]
    levels = [
        (f"{row['condenser']} ({figure(row['mean'], '%')} %)", row["mean"])
        for row in own
        if row["reference"]
    ]
    sets = [row for row in own if not row["reference"] and row["ipc"]]
    found = []
    for recipe in dict.fromkeys(row["recipe"] for row in sets):
        here = [row for row in sets if row["recipe"] == recipe]
        series = []
        for name in dict.fromkeys(row["condenser"] for row in here):
            points = sorted(
                (row for row in here if row["condenser"] == name), key=lambda row: row["ipc"]
            )
            x, y = [row["ipc"] for row in points], [row["mean"] for row in points]
            low, high = ([row[bound] for row in points] for bound in ("low", "high"))
            series.append(Series(name, x, y, low, high, styles.get(name)))
        shown = _leading(series)
        title = (
            "Test accuracy"
            if len(shown) == len(series)
            else f"Test accuracy of the {CURVES} best at their largest size and random images"
        )
        labels = Labels(in_place(here[0], title), "images per class", "test accuracy (%)")
        found += [lines(shown, labels, levels, logarithmic=True), *_advantage(here, styles)]
    return found


def _leading(series: Sequence[Series]) -> Sequence[Series]:
    """All curves where a figure can hold them, else random images and the best by their last
    points.
    """
    if len(series) <= CURVES + 1:
        return series
    ranked = sorted(
        (one for one in series if one.style is not None), key=lambda one: one.y[-1], reverse=True
    )
    best = ranked[:CURVES]
    return [one for one in series if one.style is None or one in best]


def _networks(rows: Sequence[Row], styles: Mapping[str, int | None]) -> list[str]:
    """Test accuracy averaged over architectures, a figure a recipe."""
    own = [row for row in rows if row["metric"] == MEAN]
    titles = ("Test accuracy, mean of all architectures", "test accuracy (%)")
    found = []
    for recipe in dict.fromkeys(row["recipe"] for row in own if not row["reference"]):
        found += bars_of(
            [row for row in own if row["recipe"] == recipe or row["reference"]],
            MEAN,
            titles,
            styles,
        )
    return found


def _advantage(rows: Sequence[Row], styles: Mapping[str, int | None]) -> list[str]:
    """Paired differences to random real images of the same ipc."""
    own = sorted((row for row in rows if row["comparison"]), key=lambda row: row["ipc"])
    series = [bar(row, row["comparison"], "difference", styles) for row in own]
    labels = Labels(
        in_place(rows[0], "Gain over random images"), "difference in test accuracy (points)", ""
    )
    return [bars(series, labels)] if series else []
