"""Figures of points: values by cost, panels of scores, and images of a set among real ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Any

import numpy as np

from harness.plots.caching import cached
from harness.plots.figure import (
    GREY,
    INK,
    MARKERS,
    Labels,
    Series,
    choose_dashes,
    choose_marker,
    colour,
    escape_text,
    group_id,
    label_axes,
    start_figure,
    style_axes,
    write_svg,
)
from harness.plots.scale import arrange

HEIGHT, BESIDE, BELOW = 3.3, 0.75, 0.55  # inches: a figure; what stands beside and below its axes
LINE, LETTER, SHIFT = 0.16, 0.068, 0.08  # inches: a name, a letter; from a point to its name
PANEL, FRAME = 2.0, 0.45  # inches: the height of a panel; what stands below them
Box = tuple[float, float, float]  # left, middle, width; of the axes


@cached
def draw_costs(series: Sequence[Series], labels: Labels, *, width: float) -> str:
    """Draw values by cost, cost on a logarithmic axis. Intervals are not drawn.

    Args:
        series: points and curves; x are costs. Points without a cost stand at the left edge, and
            their names say so.
        labels: title and axes.
        width: inches.

    Returns:
        One <svg> element.
    """
    paid = [x for one in series for x in one.x if x > 0]
    free = min(paid, default=1.0) / 3
    shown = [[max(x, free) for x in one.x] for one in series]

    def build() -> Any:
        figure = start_figure(labels, width, HEIGHT)
        axes = figure.subplots()
        axes.set_xscale("log")
        for index, (one, x) in enumerate(zip(series, shown, strict=True)):
            _draw(axes, one, x, index)
        axes.margins(x=0.18, y=0.1)
        _name(axes, series, shown, width)
        label_axes(axes, labels)
        return figure

    return write_svg(
        build, labels.title, {group_id(i): one.name_points() for i, one in enumerate(series)}
    )


def _draw(axes: Any, one: Series, x: Sequence[float], index: int) -> None:
    ink = colour(one.style)
    if len(x) > 1:
        axes.plot(x, one.y, linestyle=choose_dashes(one.style), color=ink, linewidth=1.2)
    axes.scatter(
        x,
        one.y,
        s=26,
        color=ink,
        marker=choose_marker(one.style),
        linewidths=1.2,
        gid=group_id(index),
    )


def _name(
    axes: Any, series: Sequence[Series], shown: Sequence[Sequence[float]], inches: float
) -> None:
    """Write each name right of its last point, or at the nearest height where no other name or
    point stands.
    """
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    width, height = log(right / left), top - bottom
    gap = LINE / (HEIGHT - BELOW)  # of the axes' height
    letter, shift = (part / (inches - BESIDE) for part in (LETTER, SHIFT))  # of their width
    taken = [
        (log(x / left) / width, (y - bottom) / height, 0.0)
        for xs, one in zip(shown, series, strict=True)
        for x, y in zip(xs, one.y, strict=True)
    ]
    for one, xs in sorted(zip(series, shown, strict=True), key=lambda pair: pair[0].y[-1]):
        name = f"{one.label} (no cost)" if one.x[-1] == 0 else one.label
        x, y, wide = (
            log(xs[-1] / left) / width + shift,
            (one.y[-1] - bottom) / height,
            letter * len(name),
        )
        heights = [y + side * step * gap / 2 for step in range(2 * len(series)) for side in (1, -1)]
        free = [
            h
            for h in heights
            if 0.02 < h < 0.98 and not any(_meet((x, h, wide), other, gap) for other in taken)
        ]
        at = free[0] if free else y
        taken.append((x, at, wide))
        leader = (
            {"arrowstyle": "-", "color": GREY, "linewidth": 0.5} if abs(at - y) > gap / 2 else None
        )
        place = (left * exp(x * width), bottom + at * height)
        axes.annotate(
            escape_text(name),
            (xs[-1], one.y[-1]),
            place,
            va="center",
            fontsize=7.5,
            color=INK,
            arrowprops=leader,
        )


def _meet(one: Box, other: Box, gap: float) -> bool:
    """Whether two names, or a name and a point, would stand on each other."""
    return (
        abs(one[1] - other[1]) < 0.99 * gap
        and one[0] < other[0] + other[2]
        and other[0] < one[0] + one[2]
    )


@cached
def draw_scatter(
    panels: Sequence[Series], labels: Labels, columns: int = 5, *, width: float
) -> str:
    """Draw small panels side by side: y against x, each with its own x axis and all with one y
    axis.

    Args:
        panels: the points of each panel.
        labels: title and axes.
        columns: how many panels stand in a row at most.
        width: inches.

    Returns:
        One <svg> element.
    """
    from matplotlib.ticker import EngFormatter

    def build() -> Any:
        down, across = arrange(len(panels), columns)
        figure = start_figure(labels, width, PANEL * down + FRAME)
        grid = figure.subplots(down, across, sharey=True, squeeze=False)
        for index, (axes, one) in enumerate(zip(grid.flat, panels, strict=False)):
            axes.scatter(
                one.x,
                one.y,
                s=16,
                color=colour(one.style),
                alpha=0.8,
                linewidths=0,
                gid=group_id(index),
            )
            axes.set_title(escape_text(one.label), fontsize=8.5, color=INK)
            axes.locator_params(axis="x", nbins=4)
            if max(map(abs, one.x)) >= 10_000:
                axes.xaxis.set_major_formatter(EngFormatter(sep=""))
            style_axes(axes)
        for axes in list(grid.flat)[len(panels) :]:
            axes.set_visible(False)
        figure.supxlabel(escape_text(labels.x), fontsize=9, color=INK)
        figure.supylabel(escape_text(labels.y), fontsize=9, color=INK)
        return figure

    return write_svg(
        build, labels.title, {group_id(i): one.name_points() for i, one in enumerate(panels)}
    )


# Petroff, "Accessible color sequences for data visualization" (2021): ten colours told apart with
# colour-vision deficiencies.
COLOURS = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
)
LEGEND, ACROSS = 20, 5
TALLEST = 3.9  # inches
KEY = "small and pale: real · large and edged: synthetic"


@dataclass(frozen=True)
class Population:
    """Images in a plane.

    Args:
        points: (N, 2) places.
        labels: (N,) the class of each.
    """

    points: Sequence[Sequence[float]]
    labels: Sequence[int]


@cached
def draw_populations(
    real: Population,
    synthetic: Population,
    class_names: Sequence[str],
    title: str,
    *,
    width: float,
) -> str:
    """Draw real and synthetic images in one plane; the many real points are one image in the SVG.

    Args:
        real: the real images.
        synthetic: the images of a set; each shows its class where a reader points.
        class_names: the name of each class.
        title: title of the figure.
        width: inches.

    Returns:
        One <svg> element.
    """
    present = sorted({*real.labels, *synthetic.labels})

    def build() -> Any:
        figure = start_figure(Labels(title, "", ""), width, min(width, TALLEST))
        figure.set_dpi(160)
        axes = figure.subplots()
        for label in present:
            x, y = _of(real, label)
            axes.scatter(x, y, s=9, color=_colour(label), alpha=0.35, linewidths=0, rasterized=True)
        for label in present:
            x, y = _of(synthetic, label)
            size = 62 if len(synthetic.labels) <= 200 else 26
            style: dict[str, Any] = {
                "marker": _marker(label),
                "color": _colour(label),
                "edgecolors": INK,
                "linewidths": 0.9,
            }
            axes.scatter(x, y, s=size, gid=group_id(label), zorder=3, **style)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_color(GREY)
        axes.set_aspect("equal", adjustable="datalim")
        axes.set_xlabel(
            KEY
            + (f"\n{len(present)} classes by colour and shape" if len(present) > LEGEND else ""),
            fontsize=9,
            color=INK,
        )
        _legend(figure, present, class_names)
        return figure

    names = {
        group_id(label): [f"synthetic: {class_names[label]}"] * synthetic.labels.count(label)
        for label in present
    }
    return write_svg(build, title, {points: shown for points, shown in names.items() if shown})


def _of(population: Population, label: int) -> tuple[Any, Any]:
    places = np.asarray(population.points, dtype=np.float64).reshape(-1, 2)
    own = np.asarray(population.labels) == label
    return places[own, 0], places[own, 1]


def _colour(label: int) -> str:
    return COLOURS[label % len(COLOURS)]


def _marker(label: int) -> str:
    """Classes that share a colour have another shape."""
    return MARKERS[(label + label // len(COLOURS)) % len(MARKERS)]


def _legend(figure: Any, present: Sequence[int], class_names: Sequence[str]) -> None:
    """The classes below the plot, line by line, where they are few enough."""
    from matplotlib.lines import Line2D

    if len(present) > LEGEND:
        return
    across = min(ACROSS, len(present))
    by_column = [
        label for column in range(across) for label in present[column::across]
    ]  # as matplotlib fills legends
    look: dict[str, Any] = {
        "linestyle": "",
        "markersize": 7,
        "markeredgecolor": INK,
        "markeredgewidth": 0.8,
    }
    handles = [
        Line2D(
            [],
            [],
            marker=_marker(c),
            color=_colour(c),
            label=escape_text(str(class_names[c])),
            **look,
        )
        for c in by_column
    ]
    columns = {"ncols": across, "handletextpad": 0.1, "columnspacing": 0.9}
    figure.legend(
        handles=handles,
        loc="outside lower center",
        frameon=False,
        fontsize=9,
        labelcolor=INK,
        **columns,
    )
