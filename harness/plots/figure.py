"""What all figures share: looks, labels, series, sizes, and how matplotlib's figure becomes SVG.

Text and axes take the colour of the page around them, so one file suits light and dark; the same
input gives the same bytes.

A set looks alike in every figure of a report: it has a style, a number from 0 on. References have
-1, -2 and so on and are grey; so are random real images, whose style is None. The colours are those
of Okabe and Ito ("Color Universal Design", 2008) that stand out from white and from black pages:
people with any of the three colour-vision deficiencies tell them apart. Sets beyond the sixth
repeat a colour with other dashes and another marker.
"""

import hashlib
import io
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

INK = "#010203"  # stands for the page's text colour until the SVG is written
GREY = "#8c8c8c"
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9")
MARKERS = "osD^vPX*<>"
LINES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (3, 1, 1, 1)))
REFERENCE_MARKERS = "x+|_"
DASHES = (":", "--", "-.")  # of references
HOLLOW_LINE = (0, (2, 1.5))  # of figures that were not measured here
PAGE = 10.4  # inches: a figure that has a row of the page for itself
GAP = 0.023  # of the page: between two figures of a row
TITLE_LETTERS, NOTE_LETTERS = 10.7, 15.0  # an inch
TITLE_LINE, NOTE_LINE, HEAD_GAP = 0.2, 0.155, 0.08  # inches


def width_among(count: int) -> float:
    """Return the width in inches of each of `count` figures that fill a row of the page."""
    return PAGE * (1 - GAP * (count - 1)) / count


@dataclass(frozen=True)
class Labels:
    """Title and axes of a figure.

    Args:
        title: its title.
        x: what the x axis shows, with its unit.
        y: what the y axis shows, with its unit.
        note: a sentence or two below the title, such as what is drawn around the points.
    """

    title: str
    x: str
    y: str
    note: str = ""


@dataclass(frozen=True)
class Series:
    """Points of one set.

    Args:
        label: its name.
        x: (n,) places on the x axis.
        y: (n,) values.
        low: (n,) lower ends of the 95 % intervals, None where there is none; () for none at all.
        high: (n,) upper ends.
        style: what it looks like, as this module numbers it.
        is_reference: whether it is a reference, by which no axis is scaled.
        names: (n,) names of its points, shown where a reader points at one; () for its label and
            values.
        hollow: whether markers are hollow and lines thin, as those of figures that were not
            measured here.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float | None] = ()
    high: Sequence[float | None] = ()
    style: int | None = 0
    is_reference: bool = False
    names: Sequence[str] = ()
    hollow: bool = False

    def intervals(self) -> list[tuple[int, float, float]]:
        """List number, lower and upper end of each point that has an interval."""
        ends = zip(self.low, self.high, strict=True)
        return [
            (index, low, high)
            for index, (low, high) in enumerate(ends)
            if low is not None and high is not None
        ]

    def name_points(self) -> list[str]:
        """Name each point: as it was named, else by label, value and interval."""
        if self.names:
            return list(self.names)
        bounds = {index: f" [{low:.4g}, {high:.4g}]" for index, low, high in self.intervals()}
        return [f"{self.label}: {y:.4g}{bounds.get(i, '')}" for i, y in enumerate(self.y)]


def colour(style: int | None) -> str:
    """Return the colour of a style."""
    return GREY if style is None or style < 0 else COLOURS[style % len(COLOURS)]


def choose_marker(style: int | None) -> str:
    """Return the marker of a style, as matplotlib names it."""
    if style is None:
        return MARKERS[0]
    if style < 0:
        return REFERENCE_MARKERS[(-style - 1) % len(REFERENCE_MARKERS)]
    return MARKERS[1 + style % (len(MARKERS) - 1)]


def choose_dashes(style: int | None) -> Any:
    """Return the dashes of a style's line, as matplotlib takes them."""
    if style is None:
        return LINES[0]
    if style < 0:
        return DASHES[(-style - 1) % len(DASHES)]
    return LINES[style // len(COLOURS) % len(LINES)]


def fill_colour(one: Series) -> str:
    """Return the colour within the markers of a series."""
    return "none" if one.hollow else colour(one.style)


def line_look(one: Series) -> dict[str, Any]:
    """Return dashes and width of the line of a series, as matplotlib takes them."""
    if one.hollow:
        return {"linestyle": HOLLOW_LINE, "linewidth": 0.9}
    return {"linestyle": choose_dashes(one.style), "linewidth": 1.4}


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


def group_id(index: int) -> str:
    """Name the points of a series within an SVG."""
    return f"points{index}."


def start_figure(labels: Labels, width: float, height: float) -> Any:
    """Start a figure of matplotlib whose title and note stand at the left, above its body.

    Args:
        labels: title and note; the axes are left to the caller.
        width: inches.
        height: inches of the body.
    """
    from matplotlib.figure import Figure

    title = textwrap.wrap(escape_text(labels.title), int(TITLE_LETTERS * width))
    note = textwrap.wrap(escape_text(labels.note), int(NOTE_LETTERS * width))
    head = TITLE_LINE * len(title) + NOTE_LINE * len(note) + HEAD_GAP
    whole = height + head
    figure = Figure(figsize=(width, whole), layout="constrained")
    engine: Any = figure.get_layout_engine()
    engine.set(rect=(0, 0, 1, height / whole))
    style: dict[str, Any] = {"color": INK, "ha": "left", "va": "top", "linespacing": 1.25}
    left = 0.05 / width
    top = 1 - 0.04 / whole
    figure.text(left, top, "\n".join(title), fontsize=10.5, fontweight="bold", **style)
    below = top - TITLE_LINE * len(title) / whole
    figure.text(left, below, "\n".join(note), fontsize=8, **style)
    return figure


def label_axes(axes: Any, labels: Labels) -> None:
    """Write what the axes show, and draw them in the page's ink with a faint grid."""
    axes.set_xlabel(escape_text(labels.x), fontsize=9, color=INK)
    axes.set_ylabel(escape_text(labels.y), fontsize=9, color=INK)
    style_axes(axes)


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
