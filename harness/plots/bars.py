"""A horizontal bar for each set, with its interval."""

from collections.abc import Sequence
from typing import Any

from harness.plots.caching import cached
from harness.plots.figure import (
    INK,
    Labels,
    Series,
    colour,
    escape_text,
    group_id,
    label_axes,
    start_figure,
    write_svg,
)
from harness.plots.scale import Limits, fit_limits

BAR, FRAME, LEAST = 0.21, 0.75, 1.9  # inches: a bar; what stands around the axes; a figure


@cached
def draw_bars(series: Sequence[Series], labels: Labels, *, width: float) -> str:
    """Draw a horizontal bar for each set, with its interval.

    The x axis is scaled by the sets. The bar of a reference that goes beyond it ends at its edge
    and says its value.

    Args:
        series: the sets, the first on top; y of each is its single value.
        labels: title and axes.
        width: inches.

    Returns:
        One <svg> element.
    """
    limits = fit_limits(series, from_zero=True)

    def build() -> Any:
        figure = start_figure(labels, width, max(LEAST, FRAME + BAR * len(series)))
        axes = figure.subplots()
        axes.set_xlim(limits)
        axes.set_ylim(-0.6, len(series) - 0.4)
        places = range(len(series))[::-1]
        for index, (place, one) in enumerate(zip(places, series, strict=True)):
            _draw(axes, one, place, index)
            _say_beyond(axes, one, place, limits)
        axes.set_yticks(places, [escape_text(one.label) for one in series])
        axes.axvline(0, color=INK, linewidth=0.8)
        label_axes(axes, labels)
        return figure

    return write_svg(
        build, labels.title, {group_id(i): one.name_points() for i, one in enumerate(series)}
    )


def _draw(axes: Any, one: Series, place: int, index: int) -> None:
    (bar,) = axes.barh(
        place,
        one.y[0],
        height=0.62,
        color=colour(one.style),
        alpha=0.4 if one.is_reference else 0.85,
    )
    bar.set_gid(group_id(index))
    for _, low, high in one.intervals():
        axes.hlines(place, low, high, color=INK, linewidth=1.2)


def _say_beyond(axes: Any, one: Series, place: int, limits: Limits) -> None:
    """Write the value of a bar that ends beyond the axis."""
    value, (low, high) = one.y[0], limits
    if low <= value <= high:
        return
    text, edge, side = (
        (f"{value:.3g} →", high, "right") if value > high else (f"← {value:.3g}", low, "left")
    )
    axes.text(edge, place, f" {text} ", ha=side, va="center", fontsize=8, color=INK)
