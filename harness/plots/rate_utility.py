"""Utility over rate: small panels side by side, one a measure, on one axis of sizes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.plots.caching import cached
from harness.plots.figure import (
    DASHES,
    GREY,
    INK,
    Labels,
    Series,
    choose_dashes,
    choose_marker,
    colour,
    escape_text,
    start_figure,
    style_axes,
    width_among,
    write_svg,
)
from harness.plots.rate_axis import RateAxis, scale_sizes

HEIGHT, LEGEND = 3.35, 0.3  # inches: of the panels, and of a line of the legend
FRAME = 0.6  # inches: of a panel beside its axes
STEP = 0.045  # inches between two sets of one size
MARGIN = 0.14  # of the sizes' range, on a logarithmic axis
PER_LINE = 6  # names in a line of the legend for every two panels
ROOM = 0.35  # of the sets' range: how far beyond it a reference may lie and still be in sight


@dataclass(frozen=True)
class RatePanel:
    """One measure of all sets.

    Args:
        title: what it shows, with its unit, and whether less is better.
        series: the sets; x are sizes in the unit of the axis.
        levels: (name with its value in words, value) of references, drawn as lines that never
            flatten the sets: one that is far from them is written at the edge.
    """

    title: str
    series: Sequence[Series]
    levels: Sequence[tuple[str, float]] = ()


@cached
def draw_rate_utility(panels: Sequence[RatePanel], title: str, rate: RateAxis) -> str:
    """Draw the panels with one legend below.

    Args:
        panels: the measures; at least one.
        title: title of the figure.
        rate: what the axis of sizes shows.

    Returns:
        One <svg> element.
    """

    return write_svg(lambda: _build(panels, title, rate), title)


def _build(panels: Sequence[RatePanel], title: str, rate: RateAxis) -> Any:
    names = list({one.label: one for panel in panels for one in panel.series})
    columns = max(2, PER_LINE * len(panels) // 2)
    lines = -(-len(names) // columns)
    figure = start_figure(Labels(title, "", ""), width_among(1), HEIGHT + LEGEND * lines)
    every = figure.subplots(1, len(panels), squeeze=False)[0]
    sizes = sorted({x for panel in panels for one in panel.series for x in one.x})
    span = max(sizes[-1] / sizes[0], 4.0)
    inches = width_among(1) / len(panels) - FRAME
    step = span ** ((1 + 2 * MARGIN) * STEP / inches)
    for axes, panel in zip(every, panels, strict=True):
        axes.set_xscale("log")
        axes.set_xlim(sizes[0] / span**MARGIN, sizes[-1] * span**MARGIN)
        _draw_panel(axes, panel, names, step)
        scale_sizes(axes, sizes, rate, inches)
        axes.set_xlabel(escape_text(rate.title), fontsize=8.5, color=INK)
        style_axes(axes)
    handles, labels = _legend(every, names)
    below: dict[str, Any] = {"loc": "outside lower left", "ncols": columns, "frameon": False}
    figure.legend(handles, labels, fontsize=8.5, labelcolor=INK, **below)
    return figure


def _draw_panel(axes: Any, panel: RatePanel, names: Sequence[str], step: float) -> None:
    for one in panel.series:
        # side by side, so that the intervals of sets of one size are told apart
        shift = step ** (names.index(one.label) - (len(names) - 1) / 2)
        at = [x * shift for x in one.x]
        axes.plot(
            at,
            one.y,
            color=colour(one.style),
            marker=choose_marker(one.style),
            linestyle=choose_dashes(one.style),
            markersize=5,
            linewidth=1.3,
            label=escape_text(one.label),
        )
        for x, low, high in zip(at, one.low, one.high, strict=True):
            if low is not None and high is not None:
                axes.vlines([x], low, high, color=colour(one.style), linewidth=1.3)
    _draw_levels(axes, panel)
    axes.set_title(escape_text(panel.title), fontsize=9, color=INK, loc="left")


def _draw_levels(axes: Any, panel: RatePanel) -> None:
    """Draw references that lie near the sets as lines; write the others at the edge."""
    low, high = axes.get_ylim()
    room = ROOM * (high - low)
    near = [(name, at) for name, at in panel.levels if low - room <= at <= high + room]
    low, high = min([low, *(at for _, at in near)]), max([high, *(at for _, at in near)])
    margin = 0.06 * (high - low)
    axes.set_ylim(low - margin, high + margin)
    for index, (name, at) in enumerate(near):
        axes.axhline(at, color=GREY, linewidth=1, linestyle=DASHES[index % len(DASHES)])
        _write(axes, name, (0.01, at), "data", "bottom")
    for edge, mark, side in ((1.0, "↑", "top"), (0.0, "↓", "bottom")):
        far = [
            name
            for name, at in panel.levels
            if (name, at) not in near and (at > high) == (mark == "↑")
        ]
        if far:
            _write(axes, f"{mark} {', '.join(far)}", (0.01, edge), "axes fraction", side)


def _write(axes: Any, text: str, at: tuple[float, float], upright: str, side: str) -> None:
    axes.annotate(
        escape_text(text),
        at,
        xycoords=("axes fraction", upright),
        va=side,
        fontsize=7.5,
        color=GREY,
    )


def _legend(every: Sequence[Any], names: Sequence[str]) -> tuple[list[Any], list[str]]:
    """One entry for each set, from the first panel that has it."""
    known: dict[str, Any] = {}
    for axes in every:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            known.setdefault(label, handle)
    labels = [escape_text(name) for name in names]
    return [known[label] for label in labels], labels
