"""All figures of a report's page, as its chapters draw them from the built report alone."""

from collections.abc import Mapping
from typing import Any

from harness.report.chapters import chapters_of_rows
from harness.report.results import RANDOM


def pictures(report: Mapping[str, Any]) -> dict[str, list[str]]:
    """Draw the SVG figures of each scenario."""
    styles = choose_styles(report)
    chapters = chapters_of_rows(report["rows"])
    by_scenario: dict[str, list[str]] = {}
    for chapter in chapters.values():
        for figure in chapter.figures(report, styles):
            by_scenario.setdefault(figure.scenario, []).append(figure.svg)
    return by_scenario


def choose_styles(report: Mapping[str, Any]) -> dict[str, int | None]:
    """Choose the colour that each set keeps through the whole page; random images and references
    are grey.

    There may be fewer colours than sets, so those that stand side by side in a figure come first.
    """
    chapters = chapters_of_rows(report["rows"])
    first = [name for chapter in chapters.values() for name in chapter.coloured_first(report)]
    names = [*first, *(row["condenser"] for row in report["rows"] if not row["reference"])]
    return {
        name: index
        for index, name in enumerate(dict.fromkeys(name for name in names if name != RANDOM))
    }
