"""The chapters on accuracy: a network trained on a set alone, of one architecture or of several."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.plots.figure import Labels, Series, draw_bars, draw_lines
from harness.report.chapters.bars import draw_metric_bars, make_bar
from harness.report.chapters.base import (
    COST_DEFINITIONS,
    COSTS,
    Chapter,
    Figure,
    Question,
    Styles,
    plain_layouts,
)
from harness.report.place import Place, group_by_place
from harness.report.table import MetricColumns, Row, TableLayout, split_augmentations
from harness.report.wording import OF, format_number

ACCURACY, MEAN = "test-accuracy", "mean-test-accuracy"
CURVES = 9
TEST_ACCURACY = {
    "test-accuracy": (
        "Percentage of the test images that networks trained on the set alone classify correctly;"
        " last epoch."
    ),
    "mean-test-accuracy": (
        "Test accuracy averaged over the architectures of the table, the one a set was condensed"
        " with included where it is among them."
    ),
}


class AccuracyChapter(Chapter):
    """Accuracy: networks trained on the set alone."""

    definitions = COST_DEFINITIONS | TEST_ACCURACY
    column_titles = COSTS | {ACCURACY: "test accuracy, %"}
    questions = {
        ACCURACY: Question("Which set trains the most accurate network", "highest", "test accuracy")
    }
    useful_metrics = {ACCURACY: "test accuracy"}
    summary_metrics = (ACCURACY,)
    all_data_reference = "full-data"
    use = "training one network"

    @property
    def title(self) -> str:
        return "Accuracy: networks trained on the set alone"

    @classmethod
    def can_read(cls, metrics: Collection[str]) -> bool:
        return ACCURACY in metrics

    def figures(self, report: Mapping[str, Any], styles: Styles) -> list[Figure]:
        """Test accuracy by images per class, and the gain over random images, for each place."""
        return [
            Figure(self.scenario, svg)
            for rows in group_by_place(self.select(report, "rows")).values()
            for svg in draw_accuracy(rows, styles)
        ]


class CrossArchitectureChapter(Chapter):
    """Cross-architecture: other networks trained on the set alone."""

    definitions = COST_DEFINITIONS | TEST_ACCURACY
    column_titles = COSTS | {ACCURACY: "test accuracy, %", MEAN: "mean of all"}
    questions = {
        MEAN: Question(
            "Which set trains the most accurate networks of several architectures",
            "highest",
            "test accuracy",
        )
    }
    useful_metrics = {MEAN: "mean test accuracy"}
    summary_metrics = (MEAN,)
    all_data_reference = "full-data"
    use = "training one network"

    @property
    def title(self) -> str:
        return "Cross-architecture: other networks trained on the set alone"

    @classmethod
    def can_read(cls, metrics: Collection[str]) -> bool:
        return MEAN in metrics

    def layouts(self, metrics: Sequence[str], rows: Sequence[Row]) -> list[TableLayout]:
        """Sets by networks in one table, the mean over them last; then each network's comparison
        with random images.
        """
        usual = MetricColumns(rows, self.column_titles)
        shown = [name for name in metrics if OF in name or name == MEAN]
        rest = plain_layouts([name for name in metrics if name not in shown], usual)
        if not any(OF in name for name in shown):
            return plain_layouts(metrics, usual)
        columns = [replace(usual.value(name), drop=2 if name == MEAN else 0) for name in shown]
        first = usual.name_and_bytes()
        table = TableLayout(": test accuracy, %", shown, [*first, *columns, usual.count(shown[0])])
        each = [
            TableLayout(
                f": {name} against random",
                [name],
                [*first, *usual.comparison(name), usual.count(name)],
                is_detail=True,
            )
            for name in shown
        ]
        return [table, *each, *rest]

    def figures(self, report: Mapping[str, Any], styles: Styles) -> list[Figure]:
        """Test accuracy averaged over architectures, a figure an augmentation."""
        own = [row for row in self.select(report, "rows") if row["metric"] == MEAN]
        titles = ("Test accuracy, mean of all architectures", "test accuracy (%)")
        return [
            Figure(self.scenario, svg)
            for rows in split_augmentations(own).values()
            if not all(row["reference"] for row in rows)
            for svg in draw_metric_bars(rows, MEAN, titles, styles)
        ]


def draw_accuracy(rows: Sequence[Row], styles: Styles) -> list[str]:
    """Draw test accuracy by images per class, a figure an augmentation."""
    own = [row for row in rows if row["metric"] == ACCURACY and row["mean"] is not None]
    levels = [
        (f"{row['condenser']} ({format_number(row['mean'], '%')} %)", row["mean"])
        for row in own
        if row["reference"]
    ]
    sets = [row for row in own if not row["reference"] and row["ipc"]]
    figures = []
    for augmentation in dict.fromkeys(row["recipe"] for row in sets):
        shown = [row for row in sets if row["recipe"] == augmentation]
        series = [
            _curve([row for row in shown if row["condenser"] == name], styles)
            for name in dict.fromkeys(row["condenser"] for row in shown)
        ]
        chosen = choose_curves(series)
        title = (
            "Test accuracy"
            if len(chosen) == len(series)
            else f"Test accuracy of the {CURVES} best at their largest size and random images"
        )
        labels = Labels(Place.of(shown[0]).heading(title), "images per class", "test accuracy (%)")
        figures += [draw_lines(chosen, labels, levels, logarithmic=True), *_gains(shown, styles)]
    return figures


def _curve(rows: Sequence[Row], styles: Styles) -> Series:
    points = sorted(rows, key=lambda row: row["ipc"])
    x, y, low, high = ([row[key] for row in points] for key in ("ipc", "mean", "low", "high"))
    name = points[0]["condenser"]
    return Series(name, x, y, low, high, styles.get(name))


def choose_curves(series: Sequence[Series]) -> Sequence[Series]:
    """Choose all curves where a figure can hold them, else random images and the best by their
    last points.
    """
    if len(series) <= CURVES + 1:
        return series
    ranked = sorted(
        (one for one in series if one.style is not None), key=lambda one: one.y[-1], reverse=True
    )
    best = ranked[:CURVES]
    return [one for one in series if one.style is None or one in best]


def _gains(rows: Sequence[Row], styles: Styles) -> list[str]:
    """Paired differences to random real images of the same ipc."""
    own = sorted((row for row in rows if row["comparison"]), key=lambda row: row["ipc"])
    series = [make_bar(row, row["comparison"], "difference", styles) for row in own]
    title = Place.of(rows[0]).heading("Gain over random images")
    labels = Labels(title, "difference in test accuracy (points)", "")
    return [draw_bars(series, labels)] if series else []
