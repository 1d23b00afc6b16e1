"""The figures of continual learning: accuracy and forgetting along the stream, forgetting in all,
and R as heat maps.

What a report draws beyond its rows: accuracy and forgetting along the stream, and proxy scores
against true accuracy.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.plots.figure import Labels, Series, bars, lines
from harness.plots.heat_maps import heat_maps
from harness.report.origin import AVERAGES, CONDENSED, REAL, split_metric
from harness.report.results import Entry, Record, by_entry
from harness.report.rows import Searches
from harness.report.table import leading
from scenarios.continual.metrics import accuracy_so_far, forgetting_so_far

Row = Mapping[str, Any]
Styles = Mapping[str, int | None]
ONE_EACH = {CONDENSED: 1, REAL: 1, AVERAGES: 1}
# with more numbers the page would be too large: heat maps then show the largest budget alone
CELLS = 2000
SEEN = "the best of each kind and random images"


def stream_pictures(rows: Sequence[Row], curves: Sequence[Row], styles: Styles) -> list[str]:
    """For each strategy two figures of curves at the largest budget, forgetting as bars, and heat
    maps.
    """
    found = []
    references = [curve for curve in curves if curve["reference"]]
    for strategy, own in _by_strategy(curves).items():
        largest = list(_by_budget(own).values())[-1]
        shown = [*_leading(largest), *references]
        of = f", {SEEN}" if len(shown) < len(largest) + len(references) else ""
        where = f", {strategy}, {own[0]['data']}, {_budget(largest[0])}{of}"
        for name, title, axis, first in (
            ("accuracy", "Accuracy on classes seen so far", "accuracy (%)", 1),
            ("forgetting", "Forgetting so far", "forgetting (points, less is better)", 2),
        ):
            series = [_curve(curve, name, first, styles) for curve in shown]
            found.append(lines(series, Labels(title + where, "experiences learned", axis)))
        found += _bars(rows, own, styles)
        found += _heat(strategy, own, references)
    apart = [curve for curve in references if curve["condenser"] != "naive"]
    if apart:
        panels = [(str(curve["condenser"]), curve["R"]) for curve in references]
        found.append(
            heat_maps(panels, _axes(f"Accuracy matrix R of the references, {apart[0]['data']}"))
        )
    return found


def shown_curves(curves: Sequence[Row]) -> list[Row]:
    """The curves of sets that the figures draw, each strategy's at its largest budget."""
    places = dict.fromkeys((curve["scenario"], curve["data"], curve["variant"]) for curve in curves)
    here = [
        [curve for curve in curves if (curve["scenario"], curve["data"], curve["variant"]) == place]
        for place in places
    ]
    return [
        curve
        for each in here
        for own in _by_strategy(each).values()
        for curve in _leading(list(_by_budget(own).values())[-1])
    ]


def _by_strategy(curves: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for curve in curves:
        if not curve["reference"]:
            found.setdefault(str(curve["strategy"]), []).append(curve)
    return found


def _by_budget(curves: Sequence[Row]) -> dict[tuple[int, int], list[Row]]:
    """From the smallest budget to the largest; budgets in bytes come after numbers of images."""
    found: dict[tuple[int, int], list[Row]] = {}
    for curve in curves:
        found.setdefault(_size(curve), []).append(curve)
    return {size: found[size] for size in sorted(found)}


def _size(part: Row) -> tuple[int, int]:
    return (part["budget"], 0) if part["budget"] else (0, part["ipc"] or 0)


def _budget(part: Row) -> str:
    return f"{part['budget']:,} bytes" if part["budget"] else f"ipc {part['ipc'] or '?'}"


def _leading(
    curves: Sequence[Row], room: int = 8, best: Mapping[str, int] | None = None
) -> list[Row]:
    sets = [(curve["condenser"], curve["kind"], curve["accuracy"][-1]) for curve in curves]
    chosen = leading(sets, room, best) if best else leading(sets, room)
    return [curves[i] for i in chosen]


def _curve(curve: Row, name: str, first: int, styles: Styles) -> Series:
    steps = [float(first + i) for i in range(len(curve[name]))]
    style = None if curve["reference"] else styles.get(curve["condenser"])
    return Series(
        str(curve["condenser"]), steps, curve[name], style=style, is_reference=curve["reference"]
    )


def _bars(rows: Sequence[Row], curves: Sequence[Row], styles: Styles) -> list[str]:
    """Forgetting of the sets that lead within each budget, and of the references."""
    strategy, few = (
        str(curves[0]["strategy"]),
        [c for own in _by_budget(curves).values() for c in _leading(own)],
    )
    chosen = {(curve["condenser"], *_size(curve)) for curve in few}
    shown: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        own, name = split_metric(row["metric"])
        known = row["reference"] or (own == strategy and (row["condenser"], *_size(row)) in chosen)
        if name == "forgetting" and row["mean"] is not None and known:
            shown.setdefault((row["reference"], *_size(row), row["condenser"]), row)
    ordered = sorted(shown.values(), key=lambda row: (row["reference"], _size(row)))
    if not ordered:
        return []
    of = f", {SEEN}" if len(few) < len(curves) else ""
    series = [_bar(row, styles) for row in ordered]
    return [
        bars(
            series,
            Labels(
                f"Forgetting, {strategy}, {rows[0]['data']}{of}",
                "forgetting (points, less is better)",
                "",
            ),
        )
    ]


def _bar(row: Row, styles: Styles) -> Series:
    name = str(row["condenser"]) if row["reference"] else f"{row['condenser']}, {_budget(row)}"
    style = None if row["reference"] else styles.get(row["condenser"])
    return Series(name, [0], [row["mean"]], [row["low"]], [row["high"]], style, row["reference"])


def _heat(strategy: str, curves: Sequence[Row], references: Sequence[Row]) -> list[str]:
    """The best condensed and real memory, centroids and random images of each budget, and naive."""
    groups = [_leading(own, 4, ONE_EACH) for own in _by_budget(curves).values()]
    cells = sum(len(curve["R"]) ** 2 / 2 for group in groups for curve in group)
    budgets = "of each budget" if cells <= CELLS else f"at {_budget(groups[-1][0])}"
    groups = groups if cells <= CELLS else groups[-1:]
    panels = [
        (f"{curve['condenser']}\n{_budget(curve)}", curve["R"])
        for group in groups
        for curve in group
    ]
    panels += [("naive", curve["R"]) for curve in references if curve["condenser"] == "naive"]
    of = f", {SEEN} {budgets}" if sum(map(len, groups)) < len(curves) else ""
    return [heat_maps(panels, _axes(f"Accuracy matrix R, {strategy}, {curves[0]['data']}{of}"))]


def _axes(title: str) -> Labels:
    return Labels(title, "tested on experience", "after experience")


def curves(records: Sequence[Record]) -> list[dict[str, Any]]:
    """What each memory and strategy is along the stream: means over class orders, then over seeds,
    of equally long streams.

    accuracy: (T,) on the classes seen so far, in %; forgetting: (T - 1,) so far, from the second
    experience on, in points; R: (T, T) accuracy after each experience on each, in %, to a
    hundredth.
    """
    found: dict[tuple[Entry, str], list[NDArray[np.float64]]] = {}
    for entry, group in by_entry(records).items():
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
                    found.setdefault((entry, name), []).append(np.array(measured))
    return [
        {**entry.named(), "strategy": strategy, **_along(seeds)}
        for (entry, strategy), seeds in found.items()
        if len({orders.shape[1:] for orders in seeds}) == 1
    ]


def _along(seeds: Sequence[NDArray[np.float64]]) -> dict[str, Any]:
    """seeds: (orders, T, T) each."""
    return {
        "accuracy": _mean([[accuracy_so_far(matrix) for matrix in orders] for orders in seeds]),
        "forgetting": _mean([[forgetting_so_far(matrix) for matrix in orders] for orders in seeds]),
        "R": np.round(np.mean([orders.mean(0) for orders in seeds], axis=0), 2).tolist(),
    }


def _mean(values: Sequence[Sequence[Sequence[float]]]) -> list[float]:
    """Over orders, then over seeds, which may have different numbers of orders."""
    found: list[float] = np.mean([np.mean(orders, axis=0) for orders in values], axis=0).tolist()
    return found


def scatters(searches: Searches) -> list[dict[str, Any]]:
    """The points of every proxy: its mean score over seeds, and the true test accuracy in %, of
    each architecture.
    """
    return [
        {
            "scenario": scenario,
            "data": data,
            "variant": variant,
            "condenser": entry.condenser,
            "ipc": entry.ipc,
            "reference": entry.is_reference,
            "architectures": list(lineup.ids),
            "scores": scores.mean(0).tolist(),
            "truth": lineup.truth.test.mean(0).tolist(),
        }
        for (scenario, data, variant), searched in searches.items()
        for lineup in (searched.lineup,)
        if lineup is not None
        for entry, scores in lineup.scores.items()
    ]


def label(part: Mapping[str, Any]) -> str:
    """A set as figures name it."""
    return (
        str(part["condenser"]) if part["ipc"] is None else f"{part['condenser']}, ipc {part['ipc']}"
    )
