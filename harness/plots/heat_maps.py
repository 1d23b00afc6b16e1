"""Accuracy matrices as small heat maps side by side, on one colour scale."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.plots.caching import cached
from harness.plots.figure import INK, Labels, escape_text, start_figure, write_svg
from harness.plots.scale import arrange

Panel = tuple[str, Sequence[Sequence[float]]]
DARK, LIGHT = "#10151b", "#ffffff"
LEVELS = 20
HALF = 55.0  # viridis is light above
COLUMNS = 5
TALLEST, BESIDE, HEADING, BELOW = 2.3, 1.3, 0.4, 0.35  # inches: a panel, and what stands around it


@cached
def draw_heat_maps(panels: Sequence[Panel], labels: Labels, *, width: float) -> str:
    """Draw accuracy matrices side by side, with numbers in their cells.

    Args:
        panels: title and (T, T) matrix of each, in %: a row for every experience learned, a column
            for every one tested. Above the diagonal, where nothing was learned yet, it is blank.
        labels: title and axes.
        width: inches.

    Returns:
        One <svg> element.
    """
    import matplotlib

    colours = matplotlib.colormaps["viridis"].resampled(LEVELS)

    def build() -> Any:
        down, across = arrange(len(panels), COLUMNS)
        side = min(TALLEST, (width - BESIDE) / across)
        figure = start_figure(labels, width, (side + HEADING) * down + BELOW)
        grid = figure.subplots(down, across, squeeze=False)
        mesh: Any = None
        for axes, (title, matrix) in zip(grid.flat, panels, strict=False):
            mesh = _panel(axes, title, np.asarray(matrix, dtype=np.float64), colours)
        for axes in list(grid.flat)[len(panels) :]:
            axes.set_visible(False)
        bar = figure.colorbar(mesh, ax=grid, shrink=min(1.0, 1.0 / down + 0.2), aspect=18, pad=0.02)
        if bar.solids is not None:
            bar.solids.set_rasterized(False)  # a picture inside the page would not scale
        bar.ax.tick_params(colors=INK, labelsize=7.5)
        bar.set_label("accuracy (%)", fontsize=8.5, color=INK)
        bar.outline.set_visible(False)
        figure.supxlabel(escape_text(labels.x), fontsize=9, color=INK)
        figure.supylabel(escape_text(labels.y), fontsize=9, color=INK)
        return figure

    return write_svg(build, labels.title)


def _panel(axes: Any, title: str, matrix: NDArray[np.float64], colours: Any) -> Any:
    count = len(matrix)
    unseen = np.triu(np.ones((count, count), dtype=bool), 1)
    mesh = axes.pcolormesh(np.ma.array(matrix, mask=unseen), cmap=colours, vmin=0, vmax=100)
    size = 7.5 if count <= 5 else 36 / count
    for i in range(count):
        for j in range(i + 1):
            ink = DARK if matrix[i, j] > HALF else LIGHT
            axes.text(
                j + 0.5,
                i + 0.5,
                f"{matrix[i, j]:.0f}",
                ha="center",
                va="center",
                fontsize=size,
                color=ink,
            )
    axes.set_title(escape_text(title), fontsize=8, color=INK)
    axes.invert_yaxis()
    ticks = [i for i in range(count) if count <= 10 or i % 5 == 0 or i == count - 1]
    axes.set_xticks([i + 0.5 for i in ticks], [str(i + 1) for i in ticks])
    axes.set_yticks([i + 0.5 for i in ticks], [str(i + 1) for i in ticks])
    axes.tick_params(colors=INK, labelsize=7, length=0)
    axes.set_aspect("equal")
    for spine in axes.spines.values():
        spine.set_visible(False)
    return mesh
