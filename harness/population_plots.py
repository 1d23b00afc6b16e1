"""Two populations in one plane: real images small and pale, synthetic ones large and edged, classes by colour and shape."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.plots import GREY, INK, MARKERS, group, head, literal, written

# Petroff, "Accessible color sequences for data visualization" (2021): ten colours told apart with colour-vision deficiencies.
COLOURS = ("#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd")
LEGEND, ACROSS = 20, 5
KEY = "small and pale: real · large and edged: synthetic"


@dataclass(frozen=True)
class Population:
    """points: (N, 2) places. labels: (N,) the class of each."""

    points: Sequence[Sequence[float]]
    labels: Sequence[int]


def populations(real: Population, synthetic: Population, class_names: Sequence[str], title: str) -> str:
    """Draw both as SVG; the many real points are one image in it. A synthetic point shows its class where a reader points."""
    from matplotlib.figure import Figure

    present = sorted({*real.labels, *synthetic.labels})

    def build() -> Figure:
        figure = Figure(figsize=(4.0, 4.2), layout="constrained", dpi=160)
        axes = figure.subplots()
        for label in present:
            x, y = _of(real, label)
            axes.scatter(x, y, s=9, color=_colour(label), alpha=0.35, linewidths=0, rasterized=True)
        for label in present:
            x, y = _of(synthetic, label)
            size = 62 if len(synthetic.labels) <= 200 else 26
            style: dict[str, Any] = {"marker": _marker(label), "color": _colour(label), "edgecolors": INK, "linewidths": 0.9}
            axes.scatter(x, y, s=size, gid=group(label), zorder=3, **style)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_color(GREY)
        axes.set_aspect("equal", adjustable="datalim")
        head(figure, title, 46)
        axes.set_xlabel(
            KEY + (f"\n{len(present)} classes by colour and shape" if len(present) > LEGEND else ""), fontsize=9, color=INK
        )
        _legend(figure, present, class_names)
        return figure

    names = {group(label): [f"synthetic: {class_names[label]}"] * synthetic.labels.count(label) for label in present}
    return written(build, title, {points: shown for points, shown in names.items() if shown})


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
    by_column = [label for column in range(across) for label in present[column::across]]  # as matplotlib fills legends
    look: dict[str, Any] = {"linestyle": "", "markersize": 7, "markeredgecolor": INK, "markeredgewidth": 0.8}
    handles = [Line2D([], [], marker=_marker(c), color=_colour(c), label=literal(str(class_names[c])), **look) for c in by_column]
    columns = {"ncols": across, "handletextpad": 0.1, "columnspacing": 0.9}
    figure.legend(handles=handles, loc="outside lower center", frameon=False, fontsize=9, labelcolor=INK, **columns)
