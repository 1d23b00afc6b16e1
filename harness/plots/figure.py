"""Figures as SVG strings, drawn by matplotlib without a display.

Text and axes take the colour of the page around them, so one file suits light and dark; the same
input gives the same bytes.
"""

import hashlib
import io
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from harness.plots.caching import cached

INK = "#010203"  # stands for the page's text colour until the SVG is written
GREY = "#8c8c8c"
COLOURS = ("#3b7dd8", "#d9822b", "#2f9e6e", "#b65fc0", "#cf4b4b", "#8a7a2c", "#2aa3b8", "#7d6be0")
MARKERS = "osD^vPX*<>"
REFERENCE_MARKERS = "x+12|"
DASHES = (":", "--", "-.")


@dataclass(frozen=True)
class Labels:
    """Title and axes of a figure.

    Args:
        title: its title.
        x: what the x axis shows, with its unit.
        y: what the y axis shows, with its unit.
    """

    title: str
    x: str
    y: str


@dataclass(frozen=True)
class Series:
    """Points of one set.

    Args:
        label: its name.
        x: (n,) places on the x axis.
        y: (n,) values.
        low: (n,) lower ends of the 95 % intervals, None where there is none; () for none at all.
        high: (n,) upper ends.
        style: number of its colour and marker; None for grey.
        is_reference: whether it is a reference, which is drawn dotted.
        names: (n,) names of its points, shown where a reader points at one.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float | None] = ()
    high: Sequence[float | None] = ()
    style: int | None = 0
    is_reference: bool = False
    names: Sequence[str] = ()


def escape_text(text: str) -> str:
    """Escape a text so that matplotlib draws it as it is: no formula between $ signs, no label that
    a legend leaves out for its first _, and control characters spelt out.
    """
    letters = text.replace("\t", " ").replace("\xa0", " ")
    printable = "".join(
        letter
        if letter.isprintable() or letter == "\n"
        else letter.encode("unicode_escape").decode("ascii")
        for letter in letters
    )
    escaped = printable.replace("$", r"\$")
    return f" {escaped}" if escaped.startswith("_") else escaped


def colour(style: int | None) -> str:
    """Return the colour of a style; None is for references and random images, which are grey."""
    return GREY if style is None else COLOURS[style % len(COLOURS)]


@cached
def draw_lines(
    series: Sequence[Series],
    labels: Labels,
    levels: Sequence[tuple[str, float]] = (),
    *,
    logarithmic: bool = False,
) -> str:
    """Draw curves with their intervals, a marker at each point.

    Args:
        series: the curves; x are whole numbers.
        labels: title and axes.
        levels: (name, y) of horizontal lines.
        logarithmic: whether the x axis is.

    Returns:
        One <svg> element.
    """

    def draw(axes: Any) -> None:
        ticks = sorted({x for one in series for x in one.x})
        span = ticks[-1] / ticks[0] if logarithmic and len(ticks) > 1 else 4.0
        if logarithmic:
            axes.set_xscale("log")
            axes.set_xlim(ticks[0] / span**0.08, ticks[-1] * span**0.08)
        for index, one in enumerate(series):
            # so that intervals at one x stand side by side
            shift = 0.012 * (index - (len(series) - 1) / 2)
            x = [v * span**shift for v in one.x] if logarithmic else one.x
            marker, dashes = _look(one, sum(other.is_reference for other in series[:index]))
            axes.plot(
                x,
                one.y,
                dashes,
                color=colour(one.style),
                marker=marker,
                markersize=4.5,
                linewidth=1.4,
                label=escape_text(one.label),
            )
            _whiskers(axes.vlines, x, one)
        for name, level in levels:
            _draw_level(axes, name, level)
            axes.update_datalim([(ticks[0], level)])
        axes.margins(y=0.1)
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        axes.legend(
            frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1.02), labelcolor=INK
        )

    return _svg(draw, labels, (5.4, 3.2))


def _look(one: Series, references_before: int) -> tuple[str, str]:
    """Marker and dashes of a curve; references are all grey, so these tell them from each other."""
    if not one.is_reference:
        return MARKERS[0 if one.style is None else (one.style + 1) % len(MARKERS)], "-"
    marker = REFERENCE_MARKERS[references_before % len(REFERENCE_MARKERS)]
    return marker, DASHES[references_before % len(DASHES)]


def _draw_level(axes: Any, name: str, level: float) -> None:
    axes.axhline(level, color=GREY, linewidth=1, linestyle=":")
    axes.annotate(
        escape_text(name),
        (0.01, level),
        xycoords=("axes fraction", "data"),
        va="bottom",
        fontsize=8,
        color=GREY,
    )


@cached
def draw_bars(series: Sequence[Series], labels: Labels) -> str:
    """Draw a horizontal bar for each set, with its interval.

    Args:
        series: the sets, the first on top; y of each is its single value.
        labels: title and axes.

    Returns:
        One <svg> element.
    """

    def draw(axes: Any) -> None:
        places = list(range(len(series)))[::-1]
        for place, one in zip(places, series, strict=True):
            axes.barh(
                place,
                one.y[0],
                height=0.62,
                color=colour(one.style),
                alpha=0.4 if one.is_reference else 0.75,
            )
            _whiskers(axes.hlines, [place], one, INK)
        axes.set_yticks(places, [escape_text(one.label) for one in series])
        axes.axvline(0, color=INK, linewidth=0.8)

    return _svg(draw, labels, (5.4, max(3.2 if len(series) > 4 else 2.2, 1.0 + 0.2 * len(series))))


def group_id(index: int) -> str:
    """Name the points of a series within an SVG."""
    return f"points{index}."


def _whiskers(
    rule: Callable[..., Any], places: Sequence[float], one: Series, ink: str | None = None
) -> None:
    ends = zip(places, one.low, one.high, strict=False)  # a curve without intervals has no ends
    known = [
        (place, low, high) for place, low, high in ends if low is not None and high is not None
    ]
    if known:
        at, low, high = zip(*known, strict=True)
        rule(at, low, high, color=ink or colour(one.style), linewidth=1.3)


def _svg(draw: Callable[[Any], None], labels: Labels, size: tuple[float, float]) -> str:
    from matplotlib.figure import Figure

    def build() -> Figure:
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots()
        draw(axes)
        draw_title(figure, labels.title)
        axes.set_xlabel(escape_text(labels.x), fontsize=9, color=INK)
        axes.set_ylabel(escape_text(labels.y), fontsize=9, color=INK)
        style_axes(axes)
        return figure

    return write_svg(build, labels.title)


def draw_title(figure: Any, title: str, width: int = 58) -> None:
    """Write the title at the left, in lines of `width` letters."""
    figure.suptitle(
        textwrap.fill(escape_text(title), width),
        fontsize=10.5,
        color=INK,
        x=0.01,
        ha="left",
        fontweight="bold",
    )


def style_axes(axes: Any) -> None:
    """Draw two axes in the page's ink, and a faint grid."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(INK)
    axes.tick_params(colors=INK, labelsize=8)
    axes.grid(color=GREY, alpha=0.2, linewidth=0.6)
    axes.set_axisbelow(True)


def write_svg(
    build: Callable[[], Any], title: str, names: Mapping[str, Sequence[str]] | None = None
) -> str:
    """Write a figure as one <svg> element whose ids cannot meet those of another figure on the
    page.

    Args:
        build: makes the figure of matplotlib.
        title: its title, from which the ids are made.
        names: group of points -> what to show at each of them.

    Returns:
        One <svg> element.
    """
    import matplotlib

    # matplotlib's settings are its own globals: changed here for one figure and given back.
    with matplotlib.rc_context(
        {"svg.hashsalt": title, "svg.fonttype": "path", "font.family": "DejaVu Sans"}
    ):
        file = io.StringIO()
        build().savefig(
            file, format="svg", transparent=True, metadata={"Date": None, "Creator": None}
        )
    text = file.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    for points, shown in (names or {}).items():
        text = _hover(text, points, shown)
    prefix = f"f{hashlib.sha256(title.encode()).hexdigest()[:8]}"  # thousands of ids repeat it
    text = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{prefix}-", text)
    return re.sub(r"\n\s*", "\n", text.replace(INK, "currentColor")).strip()


def _hover(text: str, points: str, names: Sequence[str]) -> str:
    """Give the points of a group their names, as <title> elements; many points share a path in
    <defs>, a few have their own.
    """
    begin = text.find(f'id="{points}"')
    if begin < 0:
        return text
    shared = re.compile(r"[^<]*<defs>").match(text, text.index(">", begin) + 1)
    begin = text.index("</defs>", begin) if shared else begin
    left = iter(names)

    def name(found: re.Match[str]) -> str:
        return f"<{found[1]}{found[2]}><title>{escape(next(left))}</title></{found[1]}>"

    return (
        text[:begin] + re.sub(r"<(use|path)\b([^>]*?)/>", name, text[begin:], count=len(names))
        if names
        else text
    )
