"""The figures of continual learning: accuracy and forgetting along the stream, forgetting in all,
and accuracy matrices as heat maps.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from harness.plots.bars import draw_bars
from harness.plots.figure import Labels, Series
from harness.plots.heat_maps import Panel, draw_heat_maps
from harness.plots.lines import draw_lines
from harness.report.chapters.bars import note_intervals
from harness.report.chapters.base import Figure, Styles
from harness.report.place import Place, Size, group_by_place
from harness.report.results import AVERAGES, CONDENSED, REAL
from harness.report.table import BEST, ROOM, choose_leading
from harness.report.wording import join_sentences, join_words, name_strategy, split_metric

Row = Mapping[str, Any]
ONE_EACH = {CONDENSED: 1, REAL: 1, AVERAGES: 1}
# with more numbers the page would be too large: heat maps then show the largest budget alone
CELLS = 2000
FEW = 2  # panels
KINDS = "The best of each kind and random images"
SOME = f"{KINDS}; the tables hold all."
MEASURES = {
    "final-accuracy": ("accuracy at the end", "accuracy (%)"),
    "forgetting": ("forgetting", "forgetting (points, less is better)"),
}


def draw_streams(rows: Sequence[Row], curves: Sequence[Row], styles: Styles) -> list[Figure]:
    """Draw, for each strategy, two figures of curves at the largest budget, final accuracy and
    forgetting as bars, and heat maps.

    Args:
        rows: the rows of one place.
        curves: its streams, as `average_streams` gives them.
        styles: label of a set or reference -> what it looks like.
    """
    figures: list[Figure] = []
    references = [curve for curve in curves if curve["reference"]]
    for own in _by_strategy(curves).values():
        figures += _lines(own, references, _levels(rows, references, styles), styles)
        figures += [
            _bars((rows, own), measure, styles) for measure in MEASURES if _has(rows, measure)
        ]
        figures += _heat(own, references)
    others = [curve for curve in references if curve["condenser"] != "naive"]
    if others:
        panels = [(str(curve["condenser"]), curve["R"]) for curve in references]
        title = Place.of(others[0]).heading("Accuracy matrix R of the references")
        figures.append(_heat_maps(others[0], panels, _axes(title)))
    return figures


def select_curves(curves: Sequence[Row]) -> list[Row]:
    """Return the curves of sets that the figures draw, each strategy's at its largest budget."""
    return [
        curve
        for each in group_by_place(curves).values()
        for own in _by_strategy(each).values()
        for curve in _choose(list(_by_size(own).values())[-1])
    ]


def _by_strategy(curves: Sequence[Row]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for curve in curves:
        if not curve["reference"]:
            groups.setdefault(str(curve["strategy"]), []).append(curve)
    return groups


def _by_size(curves: Sequence[Row]) -> dict[Size, list[Row]]:
    """From the smallest size to the largest; budgets in bytes come after numbers of images."""
    groups: dict[Size, list[Row]] = {}
    for curve in curves:
        groups.setdefault(Size.of(curve), []).append(curve)
    return {size: groups[size] for size in sorted(groups)}


def _choose(curves: Sequence[Row], room: int = ROOM, best: Mapping[str, int] = BEST) -> list[Row]:
    sets = [(curve["condenser"], curve["kind"], curve["accuracy"][-1]) for curve in curves]
    return [curves[i] for i in choose_leading(sets, room, best)]


def _lines(
    curves: Sequence[Row], references: Sequence[Row], levels: Sequence[Series], styles: Styles
) -> list[Figure]:
    """Accuracy and forgetting along the stream, of the sets that lead at the largest budget."""
    largest = list(_by_size(curves).values())[-1]
    chosen = _choose(largest)
    where = f"{_heading(curves[0])}, {Size.of(largest[0])}"
    some = SOME if len(chosen) < len(largest) else ""
    note = join_sentences(_name_bars(chosen), some)
    shown = [*chosen, *references]
    figures: list[Figure] = []
    for name, title, axis, first, beside in (
        ("accuracy", "accuracy so far", "accuracy on the classes seen (%)", 1, levels),
        ("forgetting", "forgetting so far", "forgetting (points, less is better)", 2, ()),
    ):
        labels = Labels(f"{where}: {title}", "experiences learned", axis, note)
        series = [_curve(curve, name, first, styles) for curve in shown]
        figures.append(Figure(curves[0]["scenario"], partial(draw_lines, series, labels, beside)))
    return figures


def _heading(curve: Row) -> str:
    return Place.of(curve).heading(name_strategy(str(curve["strategy"])))


def _name_bars(curves: Sequence[Row]) -> str:
    known = dict.fromkeys(
        f"{curve['n']} {curve['over']}" for curve in curves if curve["accuracy_low"][-1] is not None
    )
    return f"Upright lines: 95 % intervals over {join_words(list(known))}." if known else ""


def _curve(curve: Row, name: str, first: int, styles: Styles) -> Series:
    steps = [float(first + i) for i in range(len(curve[name]))]
    label, is_reference = str(curve["condenser"]), bool(curve["reference"])
    low, high = ([] if is_reference else curve[f"{name}_{end}"] for end in ("low", "high"))
    return Series(label, steps, curve[name], low, high, styles.get(label), is_reference)


def _levels(rows: Sequence[Row], curves: Sequence[Row], styles: Styles) -> list[Series]:
    """References that have a final accuracy and no stream, as joint training."""
    streamed = {curve["condenser"] for curve in curves}
    return [
        Series(name, [], [row["mean"]], style=styles.get(name), is_reference=True)
        for row in rows
        for name in (str(row["condenser"]),)
        if row["reference"]
        and name not in streamed
        and split_metric(row["metric"])[1] == "final-accuracy"
        and row["mean"] is not None
    ]


def _has(rows: Sequence[Row], measure: str) -> bool:
    return any(
        split_metric(row["metric"])[1] == measure
        and not row["reference"]
        and row["mean"] is not None
        for row in rows
    )


def _bars(known: tuple[Sequence[Row], Sequence[Row]], measure: str, styles: Styles) -> Figure:
    """A measure of the sets that lead within each budget, and of the references.

    Args:
        known: the rows of one place, and the curves of one strategy.
        measure: final accuracy or forgetting.
        styles: label of a set or reference -> what it looks like.
    """
    rows, curves = known
    few = [curve for own in _by_size(curves).values() for curve in _choose(own)]
    chosen = {(curve["condenser"], Size.of(curve)) for curve in few}
    shown: dict[tuple[Size, str], Row] = {}
    for row in rows:
        own, name = split_metric(row["metric"])
        key = Size.of(row), row["condenser"]
        of_strategy = own == curves[0]["strategy"] and key[::-1] in chosen
        if name == measure and row["mean"] is not None and (row["reference"] or of_strategy):
            shown.setdefault(key, row)
    ordered = sorted(shown.values(), key=Size.of)
    note = join_sentences(note_intervals(ordered), SOME if len(few) < len(curves) else "")
    title, axis = MEASURES[measure]
    labels = Labels(f"{_heading(curves[0])}: {title}", axis, "", note)
    drawing = partial(draw_bars, [_bar(row, styles) for row in ordered], labels)
    return Figure(curves[0]["scenario"], drawing)


def _bar(row: Row, styles: Styles) -> Series:
    name = str(row["condenser"])
    label = name if row["reference"] else f"{name}, {Size.of(row)}"
    mean, low, high = ([row[key]] for key in ("mean", "low", "high"))
    return Series(label, [0], mean, low, high, styles.get(name), row["reference"])


def _heat(curves: Sequence[Row], references: Sequence[Row]) -> list[Figure]:
    """The best condensed and real memory, centroids and random images of each budget, and naive."""
    groups = [_choose(own, 4, ONE_EACH) for own in _by_size(curves).values()]
    cells = sum(len(curve["R"]) ** 2 / 2 for group in groups for curve in group)
    budgets = "of each budget" if cells <= CELLS else f"at {Size.of(groups[-1][0])}"
    groups = groups if cells <= CELLS else groups[-1:]
    panels = [
        (f"{curve['condenser']}\n{Size.of(curve)}", curve["R"])
        for group in groups
        for curve in group
    ]
    panels += [("naive", curve["R"]) for curve in references if curve["condenser"] == "naive"]
    few = sum(map(len, groups)) < len(curves)
    labels = _axes(
        f"{_heading(curves[0])}: accuracy matrix R", f"{KINDS}, {budgets}." if few else ""
    )
    return [_heat_maps(curves[0], panels, labels)]


def _heat_maps(curve: Row, panels: Sequence[Panel], labels: Labels) -> Figure:
    """More than two panels need a row of the page."""
    drawing = partial(draw_heat_maps, panels, labels)
    return Figure(curve["scenario"], drawing, across=1 if len(panels) > FEW else 2)


def _axes(title: str, note: str = "") -> Labels:
    return Labels(title, "tested on experience", "after experience", note)
