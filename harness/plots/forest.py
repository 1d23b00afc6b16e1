"""A forest plot: estimates with their intervals, a line for each thing estimated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.plots.caching import cached
from harness.plots.figure import (
    GREY,
    INK,
    MARKERS,
    Labels,
    escape_text,
    label_axes,
    start_figure,
    write_svg,
)

LEAST = 1.9  # inches
LEGEND = 3  # columns


@dataclass(frozen=True)
class Level:
    """One line of a forest plot.

    Args:
        label: its name.
        changes: place -> {"difference", "low", "high"}; places beside those of the plot stand out,
            last.
    """

    label: str
    changes: Mapping[str, Mapping[str, Any]]


@cached
def draw_forest(
    levels: Sequence[Level], places: Sequence[str], labels: Labels, *, width: float
) -> str:
    """Draw a line for each level: a mark for each place, and below them one for all together.

    Args:
        levels: what is estimated, line by line.
        places: the places, each in grey with a marker of its own: colours are those of sets.
        labels: title and axes.
        width: inches.

    Returns:
        One <svg> element.
    """

    def build() -> Any:
        rows = -(-(len(places) + 1) // LEGEND)
        height = 0.65 + 0.2 * rows + (0.2 + 0.11 * len(places)) * len(levels)
        figure = start_figure(labels, width, max(LEAST, height))
        axes = figure.subplots()
        for line, level in enumerate(levels):
            others = [name for name in level.changes if name not in places]
            for at, name in enumerate([*places, *others]):
                if name in level.changes:
                    _mark(
                        axes,
                        -line - 0.8 * at / (len(places) + 1),
                        level.changes[name],
                        None if name in others else at,
                        name,
                    )
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set_yticks(
            [-line - 0.3 for line in range(len(levels))],
            [escape_text(level.label) for level in levels],
        )
        handles, names = axes.get_legend_handles_labels()
        shown = dict(zip(names, handles, strict=True))
        figure.legend(
            shown.values(),
            shown,
            loc="outside lower center",
            ncols=LEGEND,
            fontsize=8,
            frameon=False,
            labelcolor=INK,
        )
        label_axes(axes, labels)
        return figure

    return write_svg(build, labels.title)


def _mark(axes: Any, y: float, found: Mapping[str, Any], style: int | None, name: str) -> None:
    """style: of the place, None for all together."""
    ink = INK if style is None else GREY
    marker = "D" if style is None else MARKERS[style % len(MARKERS)]
    axes.plot(
        [found["difference"]],
        [y],
        marker,
        color=ink,
        markersize=4.5 if style is None else 3.5,
        label=escape_text(name),
        linestyle="none",
    )
    if found["low"] is not None:
        axes.hlines(
            [y], [found["low"]], [found["high"]], color=ink, linewidth=1.6 if style is None else 1.0
        )
