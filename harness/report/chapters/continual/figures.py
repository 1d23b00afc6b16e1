"""The figures of continual learning: accuracy and forgetting along the stream, forgetting in all,
and accuracy matrices as heat maps.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.plots.figure import Labels, Series, draw_bars, draw_lines
from harness.plots.heat_maps import draw_heat_maps
from harness.report.chapters.base import Styles
from harness.report.place import Place, Size, group_by_place
from harness.report.results import AVERAGES, CONDENSED, REAL, Entry, Record, group_by_entry
from harness.report.table import BEST, ROOM, choose_leading
from harness.report.wording import name_strategy, split_metric
from scenarios.continual.metrics import accuracy_so_far, forgetting_so_far

Row = Mapping[str, Any]
ONE_EACH = {CONDENSED: 1, REAL: 1, AVERAGES: 1}
# with more numbers the page would be too large: heat maps then show the largest budget alone
CELLS = 2000
SEEN = "the best of each kind and random images"


def draw_streams(rows: Sequence[Row], curves: Sequence[Row], styles: Styles) -> list[str]:
    """Draw, for each strategy, two figures of curves at the largest budget, forgetting as bars, and
    heat maps.

    Args:
        rows: the rows of one place.
        curves: its streams, as `average_streams` gives them.
        styles: label of a set -> its colour.
    """
    figures = []
    references = [curve for curve in curves if curve["reference"]]
    for strategy, own in _by_strategy(curves).items():
        largest = list(_by_size(own).values())[-1]
        shown = [*_choose(largest), *references]
        of = f", {SEEN}" if len(shown) < len(largest) + len(references) else ""
        where = f"{Place.of(own[0]).heading(name_strategy(strategy))}, {Size.of(largest[0])}"
        for name, title, axis, first in (
            ("accuracy", "accuracy on the classes seen so far", "accuracy (%)", 1),
            ("forgetting", "forgetting so far", "forgetting (points, less is better)", 2),
        ):
            series = [_curve(curve, name, first, styles) for curve in shown]
            figures.append(
                draw_lines(series, Labels(f"{where}: {title}{of}", "experiences learned", axis))
            )
        figures += _bars(rows, own, styles)
        figures += _heat(strategy, own, references)
    others = [curve for curve in references if curve["condenser"] != "naive"]
    if others:
        panels = [(str(curve["condenser"]), curve["R"]) for curve in references]
        title = Place.of(others[0]).heading("Accuracy matrix R of the references")
        figures.append(draw_heat_maps(panels, _axes(title)))
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


def _curve(curve: Row, name: str, first: int, styles: Styles) -> Series:
    steps = [float(first + i) for i in range(len(curve[name]))]
    style = None if curve["reference"] else styles.get(curve["condenser"])
    return Series(
        str(curve["condenser"]), steps, curve[name], style=style, is_reference=curve["reference"]
    )


def _bars(rows: Sequence[Row], curves: Sequence[Row], styles: Styles) -> list[str]:
    """Forgetting of the sets that lead within each budget, and of the references."""
    strategy = str(curves[0]["strategy"])
    few = [curve for own in _by_size(curves).values() for curve in _choose(own)]
    chosen = {(curve["condenser"], Size.of(curve)) for curve in few}
    shown: dict[tuple[Size, str], Row] = {}
    for row in rows:
        own, name = split_metric(row["metric"])
        key = Size.of(row), row["condenser"]
        known = row["reference"] or (own == strategy and key[::-1] in chosen)
        if name == "forgetting" and row["mean"] is not None and known:
            shown.setdefault(key, row)
    ordered = sorted(shown.values(), key=Size.of)
    if not ordered:
        return []
    of = f", {SEEN}" if len(few) < len(curves) else ""
    title = f"{Place.of(curves[0]).heading(name_strategy(strategy))}: forgetting{of}"
    labels = Labels(title, "forgetting (points, less is better)", "")
    return [draw_bars([_bar(row, styles) for row in ordered], labels)]


def _bar(row: Row, styles: Styles) -> Series:
    name = str(row["condenser"]) if row["reference"] else f"{row['condenser']}, {Size.of(row)}"
    style = None if row["reference"] else styles.get(row["condenser"])
    return Series(name, [0], [row["mean"]], [row["low"]], [row["high"]], style, row["reference"])


def _heat(strategy: str, curves: Sequence[Row], references: Sequence[Row]) -> list[str]:
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
    of = f", {SEEN} {budgets}" if sum(map(len, groups)) < len(curves) else ""
    where = Place.of(curves[0]).heading(name_strategy(strategy))
    return [draw_heat_maps(panels, _axes(f"{where}: accuracy matrix R{of}"))]


def _axes(title: str) -> Labels:
    return Labels(title, "tested on experience", "after experience")


def average_streams(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Average the streams of each memory and strategy over class orders, then over seeds; streams
    of different lengths are left out.

    Returns:
        Rows with accuracy: (T,) on the classes seen so far, in %; forgetting: (T - 1,) so far, from
        the second experience on, in points; R: (T, T) accuracy after each experience on each, in
        %, to a hundredth.
    """
    streams: dict[tuple[Entry, str], list[NDArray[np.float64]]] = {}
    for entry, group in group_by_entry(records).items():
        for record in group:
            matrices = ((record.get("outcome") or {}).get("detail") or {}).get("R") or {}
            for name, orders in matrices.items():
                measured = [
                    np.asarray(matrix, dtype=np.float64)
                    for matrix in (orders or {}).values()
                    if matrix is not None
                ]
                if (
                    measured
                    and len(measured[0]) > 1
                    and len({matrix.shape for matrix in measured}) == 1
                ):
                    streams.setdefault((entry, name), []).append(np.array(measured))
    return [
        {**entry.as_json(), "strategy": strategy, **_average(seeds)}
        for (entry, strategy), seeds in streams.items()
        if len({orders.shape[1:] for orders in seeds}) == 1
    ]


def _average(seeds: Sequence[NDArray[np.float64]]) -> dict[str, Any]:
    """seeds: (orders, T, T) each."""
    return {
        "accuracy": _mean([[accuracy_so_far(matrix) for matrix in orders] for orders in seeds]),
        "forgetting": _mean([[forgetting_so_far(matrix) for matrix in orders] for orders in seeds]),
        "R": np.round(np.mean([orders.mean(0) for orders in seeds], axis=0), 2).tolist(),
    }


def _mean(values: Sequence[Sequence[Sequence[float]]]) -> list[float]:
    """Over orders, then over seeds, which may have different numbers of orders."""
    means: list[float] = np.mean([np.mean(orders, axis=0) for orders in values], axis=0).tolist()
    return means
