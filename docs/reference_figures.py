"""Figures of reference results in pages of the site, drawn when it is built.

`<!-- figure of reference:NAME: TITLE -->` is where the figure of that title of its report stands.
"""

import re
from functools import lru_cache
from pathlib import Path

LINE = re.compile(r"<!-- (.+?) -->")
FIGURE = re.compile(r"<!-- figure of (reference:[^\s:]+): (.+?) -->")


@lru_cache
def draw_figures(name: str) -> tuple[str, ...]:
    """Return all figures of the report of a reference, as SVG."""
    from harness.reference.files import Reference
    from harness.report.building import build
    from harness.report.pictures import pictures

    drawn = pictures(build(*Reference(Path(name)).contents()))
    return tuple(svg for figures in drawn.values() for svg in figures)


def find_figure(name: str, title: str) -> str:
    """Return the figure of that title; ValueError where the report has none."""
    # An SVG has its words as paths, each line with the text in a comment before it; a long title
    # has several lines, which may end at a hyphen.
    found = [
        svg for svg in draw_figures(name) if _squeeze(title) in _squeeze("".join(LINE.findall(svg)))
    ]
    if not found:
        raise ValueError(f"{name} has no figure '{title}'")
    return found[0]


def _squeeze(text: str) -> str:
    """Return a text without spaces."""
    return "".join(text.split())


def fill_figures(markdown: str) -> str:
    """Return the text of a page with its figures."""
    return FIGURE.sub(
        lambda asked: f'<figure class="curves">{find_figure(asked[1], asked[2])}</figure>', markdown
    )
