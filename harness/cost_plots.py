"""A figure of value by cost: points and curves with their names beside them, cost on a logarithmic axis."""

from collections.abc import Sequence
from math import exp, log
from typing import Any

from harness.plots import (
    DASHES,
    GREY,
    INK,
    MARKERS,
    REFERENCE_MARKERS,
    Labels,
    Series,
    colour,
    group,
    head,
    literal,
    plain,
    written,
)

SIZE = (7.4, 4.0)
GAP = 0.045  # of the height: what two names need between them
LETTER, SHIFT = 0.0105, 0.012  # of the width: a letter; from a point to its name
Box = tuple[float, float, float]  # left, middle, width; of the axes


def cost_figure(series: Sequence[Series], labels: Labels) -> str:
    """x are costs; what costs nothing stands at the left edge, as its name says. Intervals are not drawn."""
    from matplotlib.figure import Figure

    paid = [x for one in series for x in one.x if x > 0]
    free = min(paid, default=1.0) / 3
    shown = [[max(x, free) for x in one.x] for one in series]

    def build() -> Figure:
        figure = Figure(figsize=SIZE, layout="constrained")
        axes = figure.subplots()
        axes.set_xscale("log")
        for index, (one, x) in enumerate(zip(series, shown, strict=True)):
            _draw(axes, one, x, index)
        axes.margins(x=0.18, y=0.1)
        _name(axes, series, shown)
        head(figure, labels.title)
        axes.set_xlabel(literal(labels.x), fontsize=9, color=INK)
        axes.set_ylabel(literal(labels.y), fontsize=9, color=INK)
        plain(axes)
        return figure

    return written(build, labels.title, {group(index): one.names for index, one in enumerate(series)})


def _draw(axes: Any, one: Series, x: Sequence[float], index: int) -> None:
    ink = colour(one.style)
    marker = MARKERS[0 if one.style is None else (one.style + 1) % len(MARKERS)]
    if one.is_reference:
        marker = REFERENCE_MARKERS[index % 2]
    if len(x) > 1:
        axes.plot(x, one.y, DASHES[index % len(DASHES)], color=ink, linewidth=1.2)
    axes.scatter(x, one.y, s=26, color=ink, marker=marker, linewidths=1.2, gid=group(index))


def _name(axes: Any, series: Sequence[Series], shown: Sequence[Sequence[float]]) -> None:
    """Write each name right of its last point, or at the nearest height where no other name or point stands."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    width, height = log(right / left), top - bottom
    taken = [
        (log(x / left) / width, (y - bottom) / height, 0.0)
        for xs, one in zip(shown, series, strict=True)
        for x, y in zip(xs, one.y, strict=True)
    ]
    for one, xs in sorted(zip(series, shown, strict=True), key=lambda pair: pair[0].y[-1]):
        said = f"{one.label} (no cost)" if one.x[-1] == 0 else one.label
        x, y, wide = log(xs[-1] / left) / width + SHIFT, (one.y[-1] - bottom) / height, LETTER * len(said)
        heights = [y + side * step * GAP / 2 for step in range(2 * len(series)) for side in (1, -1)]
        free = [h for h in heights if 0.02 < h < 0.98 and not any(_meet((x, h, wide), other) for other in taken)]
        at = free[0] if free else y
        taken.append((x, at, wide))
        leader = {"arrowstyle": "-", "color": GREY, "linewidth": 0.5} if abs(at - y) > GAP / 2 else None
        place = (left * exp(x * width), bottom + at * height)
        ink = INK if one.style is None else colour(one.style)
        axes.annotate(literal(said), (xs[-1], one.y[-1]), place, va="center", fontsize=7.5, color=ink, arrowprops=leader)


def _meet(one: Box, other: Box) -> bool:
    """Whether two names, or a name and a point, would stand on each other."""
    return abs(one[1] - other[1]) < 0.99 * GAP and one[0] < other[0] + other[2] and other[0] < one[0] + one[2]
