"""Small panels of points side by side, whose names show where a reader points at one."""

from collections.abc import Sequence

from harness.plots import INK, Labels, Series, colour, group, head, literal, plain, written


def scatter(panels: Sequence[Series], labels: Labels, columns: int = 5) -> str:
    """Small panels side by side, one a proxy: y against x, each with its own x axis (10,000 as 10k) and one y axis."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import EngFormatter

    def build() -> Figure:
        across = min(columns, len(panels))
        down = -(-len(panels) // across)
        figure = Figure(figsize=(1.95 * across + 0.6, 2.0 * down + 0.5), layout="constrained")
        grid = figure.subplots(down, across, sharey=True, squeeze=False)
        for index, (axes, one) in enumerate(zip(grid.flat, panels, strict=False)):
            axes.scatter(one.x, one.y, s=16, color=colour(one.style), alpha=0.8, linewidths=0, gid=group(index))
            axes.set_title(literal(one.label), fontsize=8.5, color=INK)
            axes.locator_params(axis="x", nbins=4)
            if max(map(abs, one.x)) >= 10_000:
                axes.xaxis.set_major_formatter(EngFormatter(sep=""))
            plain(axes)
        for axes in list(grid.flat)[len(panels) :]:
            axes.set_visible(False)
        head(figure, labels.title)
        figure.supxlabel(literal(labels.x), fontsize=9, color=INK)
        figure.supylabel(literal(labels.y), fontsize=9, color=INK)
        return figure

    return written(build, labels.title, {group(index): one.names for index, one in enumerate(panels)})
