"""The chapters on accuracy: a network trained on a set alone, of one architecture or of several."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from harness.plots.bars import draw_bars
from harness.plots.figure import Labels, Series
from harness.plots.lines import draw_lines
from harness.plots.rate_axis import RateAxis
from harness.report.chapters.bars import draw_metric_bars, make_bar, note_intervals
from harness.report.chapters.base import (
    COST_DEFINITIONS,
    COSTS,
    Chapter,
    Figure,
    Question,
    Run,
    Styles,
    plain_layouts,
)
from harness.report.chapters.dd_ranking import (
    AUGMENTATION_ROBUST,
    IMPROVEMENT,
    LABEL_ROBUST,
    RECOVERY,
    score_sets,
)
from harness.report.chapters.published import (
    DRAWN,
    lay_out_published,
    select_published,
    trace_published,
)
from harness.report.overview.picture import choose_axis, size_of
from harness.report.place import Place
from harness.report.results import RANDOM, Record, Result
from harness.report.table import (
    Bundle,
    Column,
    MetricColumns,
    Row,
    Table,
    TableLayout,
    split_augmentations,
)
from harness.report.wording import OF, join_sentences, join_some

ACCURACY, MEAN = "test-accuracy", "mean-test-accuracy"
OWN_RECIPES = ("common", "card")
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
SCORES = {
    LABEL_ROBUST: (
        "DD-Ranking's LRS, 0 to 100 %: how far a set is above random images of its size, and, with"
        " hard labels, below training on all data; each counts half."
    ),
    AUGMENTATION_ROBUST: (
        "DD-Ranking's ARS, 0 to 100 %: how far a set is above random images of its size with"
        " augmentation and without; each counts half, and 26.9 % is no difference."
    ),
}
PARTS = {
    RECOVERY: (
        "DD-Ranking's HLR, in points: how far a set with hard labels is below training on all data."
    ),
    IMPROVEMENT: (
        "DD-Ranking's IOR, in points: how far a set is above random images of its size, with labels"
        " of the same form."
    ),
}
TAKES = {
    LABEL_ROBUST: (
        "DD-Ranking's LRS, which takes random images of the set's size, full-data, and hard labels."
    ),
    AUGMENTATION_ROBUST: (
        "DD-Ranking's ARS, which takes the set and random images with augmentation and without."
    ),
}
SCORE_TITLES = {
    LABEL_ROBUST: "LRS, %",
    AUGMENTATION_ROBUST: "ARS, %",
    RECOVERY: "HLR, points (less is better)",
    IMPROVEMENT: "IOR, points",
}


class AccuracyChapter(Chapter):
    """Accuracy: networks trained on the set alone."""

    definitions = COST_DEFINITIONS | TEST_ACCURACY | SCORES | PARTS
    column_titles = COSTS | {ACCURACY: "test accuracy, %"} | SCORE_TITLES
    questions = {
        ACCURACY: Question("Which set trains the most accurate network", "highest", "test accuracy")
    }
    useful_metrics = {ACCURACY: "test accuracy"}
    summary_metrics = (ACCURACY,)
    all_data_reference = "full-data"
    use = "training one network"
    published_use = "accuracy"

    @property
    def title(self) -> str:
        return "Accuracy: networks trained on the set alone"

    @classmethod
    def can_read(cls, metrics: Collection[str]) -> bool:
        return ACCURACY in metrics

    def facts(self, run: Run) -> dict[str, Any]:
        """published: figures of papers on the same data."""
        return select_published(self.published_use, self.scenario, run)

    def tables(self, report: Mapping[str, Any]) -> list[Table]:
        """What was measured, then what papers say."""
        return [*super().tables(report), *lay_out_published(self.scenario, report)]

    def results_across(self, records: Sequence[Record]) -> list[Result]:
        """Compute DD-Ranking's scores; augmentations may stand under labels of their own."""
        return [r for r in score_sets(records) if r.entry.scenario == self.scenario]

    def layouts(self, metrics: Sequence[str], rows: Sequence[Row]) -> list[TableLayout]:
        """A table for each metric; DD-Ranking's scores stand beside test accuracy."""
        scores = [name for name in metrics if name in SCORES]
        parts = [name for name in metrics if name in PARTS]
        usual = MetricColumns(rows, self.column_titles)
        others = [name for name in metrics if name not in {*scores, *parts}]
        columns = [_score_column(usual.value(name), name) for name in scores]
        layouts = [
            replace(layout, columns=[*layout.columns[:-1], *columns, layout.columns[-1]])
            if ACCURACY in layout.metrics
            else layout
            for layout in plain_layouts(others, usual)
        ]
        return [*layouts, *_lay_out_scores(parts, scores, usual)]

    def notes(self, run: Run) -> list[str]:
        """Name the recipe, and say what a score of DD-Ranking would take that no set here has."""
        results = run.results_of(self.scenario)
        # With several such scenarios, one that has the score is enough.
        found = {result.metric for result in run.results}
        compared = any(not (r.entry.is_reference or r.is_random) for r in results)
        missing = [name for name in SCORES if name not in found]
        not_measured = [f"Not measured: {' '.join(TAKES[name] for name in missing)}"]
        named = _name_recipes(self.scenario, run.records_of(self.scenario))
        return named + not_measured * bool(compared and missing)

    def figures(self, report: Mapping[str, Any], styles: Styles) -> list[Figure]:
        """Test accuracy over bits per class, and the gain over random images, for each place."""
        return [
            figure
            for place, rows in split_augmentations(self.select(report, "rows")).items()
            for figure in draw_accuracy(
                place, rows, styles, trace_published(self.published_use, place.data, report)
            )
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
        table = TableLayout(", %", shown, [*first, *columns, usual.count(shown[0])])
        each = [
            TableLayout(
                f": {name.partition(OF)[2] or 'mean of all'} against random images",
                [name],
                [*first, *usual.comparison(name), usual.count(name)],
                is_detail=True,
            )
            for name in shown
        ]
        return [table, *each, *rest]

    def notes(self, run: Run) -> list[str]:
        """Name the recipe."""
        return _name_recipes(self.scenario, run.records_of(self.scenario))

    def figures(self, report: Mapping[str, Any], styles: Styles) -> list[Figure]:
        """Test accuracy averaged over architectures, a figure an augmentation."""
        own = [row for row in self.select(report, "rows") if row["metric"] == MEAN]
        titles = ("Test accuracy, mean of all architectures", "test accuracy (%)")
        return [
            figure
            for place, rows in split_augmentations(own).items()
            if not all(row["reference"] for row in rows)
            for figure in draw_metric_bars(place, rows, MEAN, titles, styles)
        ]


def _name_recipes(scenario: str, records: Sequence[Record]) -> list[str]:
    """A sentence on the published recipes that networks were trained by."""
    asked = [(record["cell"].get("settings") or {}).get("recipe") for record in records]
    names = [name for name in dict.fromkeys(asked) if name not in (None, *OWN_RECIPES)]
    if not names:
        return []
    return [
        f"{scenario}: networks are trained by the recipe {join_some(names)}, as"
        f" `harness show {names[0]}` has it; the records have every option."
    ]


def _lay_out_scores(
    parts: Sequence[str], scores: Sequence[str], usual: MetricColumns
) -> list[TableLayout]:
    """DD-Ranking's scores with their parts, for formats with room."""
    if not parts:
        return []
    shown = [*parts, *scores]
    columns = [*usual.name_and_bytes(), *map(usual.value, shown), usual.count(shown[0])]
    return [TableLayout(": DD-Ranking's scores", shown, columns, is_detail=True)]


def _score_column(column: Column, metric: str) -> Column:
    """A column of a score, which drops early; a set without it says so, a reference has none."""

    def text(bundle: Bundle) -> str:
        row = next(iter(bundle.values()))
        taken = metric in bundle or row["reference"] or row["condenser"] == RANDOM
        return column.text(bundle) if taken else "not measured"

    return replace(column, text=text, drop=3)


def draw_accuracy(
    place: Place, rows: Sequence[Row], styles: Styles, published: Sequence[Series] = ()
) -> list[Figure]:
    """Draw test accuracy over bits per class (bars where all sets have one size), and the gain over
    random images.

    Args:
        place: where the rows stand.
        rows: its rows, of one augmentation.
        styles: label of a set or reference -> what it looks like.
        published: figures of papers over bits per class; left out where ours have none.
    """
    own = [row for row in rows if row["metric"] == ACCURACY and row["mean"] is not None]
    sets = [row for row in own if not row["reference"] and row["ipc"]]
    beside = published if all(row["bits_per_class"] for row in sets) else ()
    figures = []
    one_size = len({row["ipc"] for row in sets}) < 2
    if one_size:
        titles = ("Test accuracy", "test accuracy (%)")
        figures += draw_metric_bars(place, own, ACCURACY, titles, styles) if sets else []
    if sets and (beside or not one_size):
        levels = [
            Series(name, [], [row["mean"]], style=styles.get(name), is_reference=True)
            for row in own
            for name in (str(row["condenser"]),)
            if row["reference"]
        ]
        figures.append(_draw_curves(place, sets, levels, styles, beside))
    return [*figures, *_gains(place, sets, styles)]


def _draw_curves(
    place: Place,
    sets: Sequence[Row],
    levels: Sequence[Series],
    styles: Styles,
    published: Sequence[Series],
) -> Figure:
    """Over bits per class, or bytes; over images per class where the bytes are not known."""
    stored = all(row["bytes"] for row in sets)
    axis = choose_axis(sets) if stored else RateAxis("images per class")
    series = []
    for name in dict.fromkeys(str(row["condenser"]) for row in sets):
        points = [
            (size_of(row) if stored else float(row["ipc"]), row)
            for row in sets
            if row["condenser"] == name
        ]
        series.append(_curve(name, points, styles))
    chosen = choose_curves(series)
    some = f"The {CURVES} best at their largest size, and random images."
    note = join_sentences(
        note_intervals(sets),
        some if len(chosen) < len(series) else "",
        DRAWN if published else "",
    )
    labels = Labels(place.heading("Test accuracy"), axis.title, "test accuracy (%)", note)
    drawing = partial(draw_lines, [*chosen, *published], labels, levels, rate=axis)
    return Figure(place.scenario, drawing)


def _curve(name: str, points: Sequence[tuple[float, Row]], styles: Styles) -> Series:
    ordered = sorted(points, key=lambda point: point[0])
    mean, low, high = ([row[key] for _, row in ordered] for key in ("mean", "low", "high"))
    return Series(name, [size for size, _ in ordered], mean, low, high, styles.get(name))


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


def _gains(place: Place, rows: Sequence[Row], styles: Styles) -> list[Figure]:
    """Paired differences to random real images of the same ipc."""
    own = sorted((row for row in rows if row["comparison"]), key=lambda row: row["ipc"])
    series = [make_bar(row, row["comparison"], "difference", styles) for row in own]
    labels = Labels(
        place.heading("Gain over random images"),
        "difference in test accuracy (points)",
        "",
        note_intervals(own),
    )
    return [Figure(place.scenario, partial(draw_bars, series, labels))] if series else []
