"""All figures of a report's page, as its chapters draw them from the built report alone."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from harness.plots.figure import width_among
from harness.report.chapters import chapters_of_rows
from harness.report.chapters.base import Figure
from harness.report.results import RANDOM


def pictures(report: Mapping[str, Any]) -> dict[str, list[str]]:
    """Draw the SVG figures of each scenario, so wide that two side by side fill the page, and one
    that has nothing beside it fills it alone.
    """
    styles = choose_styles(report)
    chapters = chapters_of_rows(report["rows"])
    by_scenario: dict[str, list[Figure]] = {}
    for chapter in chapters.values():
        for figure in chapter.figures(report, styles):
            by_scenario.setdefault(figure.scenario, []).append(figure)
    return {
        scenario: [_draw(figure, len(row)) for row in fill_rows(figures) for figure in row]
        for scenario, figures in by_scenario.items()
    }


def fill_rows(figures: Sequence[Figure]) -> list[list[Figure]]:
    """Put figures that follow each other and are as wide into rows of nearly equal length."""
    rows: list[list[Figure]] = []
    for most, alike in groupby(figures, key=lambda figure: figure.across):
        own = list(alike)
        down = -(-len(own) // most)
        few, longer = divmod(len(own), down)
        for row in range(down):
            count = few + (row < longer)
            rows.append(own[:count])
            del own[:count]
    return rows


def _draw(figure: Figure, among: int) -> str:
    return figure.svg if isinstance(figure.svg, str) else figure.svg(width=width_among(among))


def choose_styles(report: Mapping[str, Any]) -> dict[str, int | None]:
    """Choose what each set and reference looks like through the whole page, as
    `harness.plots.figure` numbers it: sets from 0 on, references from -1 down, random images None.

    There are fewer colours than sets may be, so those that stand side by side in a figure come
    first.
    """
    rows = report["rows"]
    chapters = chapters_of_rows(rows)
    first = [name for chapter in chapters.values() for name in chapter.coloured_first(report)]
    sets = dict.fromkeys([*first, *(row["condenser"] for row in rows if not row["reference"])])
    others = dict.fromkeys(row["condenser"] for row in rows if row["reference"])
    references = [name for name in others if name not in sets]
    coloured = [name for name in sets if name != RANDOM]
    return {
        **dict.fromkeys(sets),
        **{name: index for index, name in enumerate(coloured)},
        **{name: -1 - index for index, name in enumerate(references)},
    }
