"""Figures of a page: rows that are full, and one look a set in all chapters."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from harness.report.building import build
from harness.report.chapters.base import Figure
from harness.report.pictures import choose_styles, fill_rows, pictures


@pytest.fixture(scope="module")
def report(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Three seeds of accuracy and continual: searches take longer to resample."""
    some = [r for r in records if r["cell"]["seed"] < 3 and r["cell"]["scenario"] != "search"]
    return build({"suite": "demo"}, some, [])


def figure(across: int = 2) -> Figure:
    return Figure("s", lambda *, width: f"{width:.1f}", across)


def test_rows_are_full() -> None:
    def lengths(*across: int) -> list[int]:
        return [len(row) for row in fill_rows([figure(one) for one in across])]

    assert lengths(2, 2, 2, 1, 2, 2) == [2, 1, 1, 2]
    assert lengths(3, 3, 3, 3, 3, 3, 3) == [3, 2, 2] and lengths(3, 3, 3, 3) == [2, 2]
    assert lengths() == []


def test_two_figures_share_a_row_and_a_single_one_has_it_alone(report: dict[str, Any]) -> None:
    drawn = pictures(report)
    assert drawn
    for svgs in drawn.values():
        widths = [
            float(width) for svg in svgs for width in re.findall(r'^<svg.*?width="([\d.]+)pt', svg)
        ]
        halves = 0
        for width in widths:
            half = width < 400
            assert half or halves % 2 == 0, "no half row before a wide figure"
            halves += half
        assert halves % 2 == 0


def test_a_set_looks_alike_in_all_chapters_and_references_are_told_apart(
    report: dict[str, Any],
) -> None:
    styles = choose_styles(report)
    sets = {row["condenser"] for row in report["rows"] if not row["reference"]}
    references = {row["condenser"] for row in report["rows"] if row["reference"]} - sets
    assert styles["random"] is None
    coloured = [styles[name] for name in sets - {"random"}]
    assert sorted(style for style in coloured if style is not None) == list(range(len(coloured)))
    assert sorted(styles[name] or 0 for name in references) == list(range(-len(references), 0))
