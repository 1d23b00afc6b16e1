"""Curves with their intervals, each named where it ends."""

from collections.abc import Sequence
from typing import Any

from harness.plots.caching import cached
from harness.plots.figure import (
    GREY,
    INK,
    Labels,
    Series,
    choose_dashes,
    choose_marker,
    colour,
    escape_text,
    fill_colour,
    group_id,
    label_axes,
    line_look,
    start_figure,
    write_svg,
)
from harness.plots.rate_axis import RateAxis, scale_sizes
from harness.plots.scale import Limits, fit_limits, spread

HEIGHT = 2.9  # inches
LINE = 0.165  # inches: a name below another
FRAME = 0.65  # inches: what stands above and below the axes
SHIFT = 0.012  # of the x axis: intervals at one x stand side by side
TICKS = 12
NAMED = 0.7  # of the width: what the names at the right leave to the axes


@cached
def draw_lines(
    series: Sequence[Series],
    labels: Labels,
    levels: Sequence[Series] = (),
    *,
    rate: RateAxis | None = None,
    width: float,
) -> str:
    """Draw curves with their intervals, a marker at each point, their names at the right.

    The y axis is scaled by the sets. What a reference has beyond it is not drawn: its name says
    its value and where it lies.

    Args:
        series: the curves.
        labels: title and axes.
        levels: references of a single value, which are drawn as horizontal lines.
        rate: what the x axis shows where it is one of sizes, which is logarithmic; None where x
            are whole numbers that are marked as they are.
        width: inches.

    Returns:
        One <svg> element.
    """
    limits = fit_limits([*series, *levels])
    ticks = sorted({x for one in series for x in one.x})
    height = max(HEIGHT, FRAME + LINE * (len(series) + len(levels)))
    shifted = [one for one in series if one.intervals()]

    def build() -> Any:
        figure = start_figure(labels, width, height)
        axes = figure.subplots()
        axes.set_ylim(limits)
        _scale_x(axes, ticks, rate, NAMED * width)
        for index, one in enumerate(series):
            place = shifted.index(one) - (len(shifted) - 1) / 2 if one in shifted else 0.0
            _draw(axes, one, _shift(one.x, SHIFT * place, ticks, rate is not None), index)
        for level in levels:
            axes.axhline(level.y[0], color=GREY, linewidth=1, linestyle=choose_dashes(level.style))
        _name(axes, [*series, *levels], limits, height)
        label_axes(axes, labels)
        return figure

    return write_svg(
        build, labels.title, {group_id(i): one.name_points() for i, one in enumerate(series)}
    )


def _scale_x(axes: Any, ticks: Sequence[float], rate: RateAxis | None, inches: float) -> None:
    first, last = ticks[0], ticks[-1]
    if rate is None:
        margin = 0.06 * (last - first or 1.0)
        axes.set_xlim(first - margin, last + margin)
        shown = ticks[:: -(-len(ticks) // TICKS)]
        axes.set_xticks(shown, [f"{tick:g}" for tick in shown])
        return
    ratio = last / first if last > first else 4.0
    axes.set_xlim(first / ratio**0.08, last * ratio**0.08)
    scale_sizes(axes, ticks, rate, inches)


def _shift(
    x: Sequence[float], shift: float, ticks: Sequence[float], logarithmic: bool
) -> list[float]:
    """Move points by a share of the axis."""
    if logarithmic:
        ratio = ticks[-1] / ticks[0] if len(ticks) > 1 else 4.0
        return [value * ratio**shift for value in x]
    return [value + shift * (ticks[-1] - ticks[0]) for value in x]


def _draw(axes: Any, one: Series, x: Sequence[float], index: int) -> None:
    ink = colour(one.style)
    axes.plot(x, one.y, color=ink, **line_look(one))
    axes.scatter(
        x,
        one.y,
        s=20,
        marker=choose_marker(one.style),
        linewidths=1,
        gid=group_id(index),
        **({"facecolors": "none", "edgecolors": ink} if one.hollow else {"color": ink}),
    )
    for i, low, high in one.intervals():
        axes.vlines(x[i], low, high, color=ink, linewidth=1.2)


def _name(axes: Any, series: Sequence[Series], limits: Limits, height: float) -> None:
    """Write the names right of the axes, at the height of each last value or the nearest that is
    free, with the marker before it.
    """
    low, high = limits
    ordered = sorted(series, key=lambda one: one.y[-1], reverse=True)
    wanted = [1 - (min(max(one.y[-1], low), high) - low) / (high - low) for one in ordered]
    gap = LINE / (height - FRAME)
    for one, at in zip(ordered, spread(wanted, gap), strict=True):
        beyond = "↑" if one.y[-1] > high else "↓" if one.y[-1] < low else ""
        value = f" {one.y[-1]:.3g}" if one.is_reference else ""
        look: dict[str, Any] = {
            "color": colour(one.style),
            "transform": axes.transAxes,
            "clip_on": False,
        }
        if len(one.x) > 1:
            axes.plot([1.03, 1.09], [1 - at] * 2, **line_look(one), **look)
        if one.x:
            marker = {"marker": choose_marker(one.style), "markerfacecolor": fill_colour(one)}
            axes.plot([1.06], [1 - at], markersize=4.5, **marker, **look)
        else:
            axes.plot([1.03, 1.09], [1 - at] * 2, linestyle=choose_dashes(one.style), lw=1, **look)
        axes.annotate(
            escape_text(f"{one.label}{value}{beyond}"),
            (1.11, 1 - at),
            xycoords="axes fraction",
            va="center",
            fontsize=8,
            color=INK,
        )
