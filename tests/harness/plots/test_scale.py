"""Axes are scaled by sets, far references do not press them flat, and names do not meet."""

import re
from itertools import pairwise

import pytest

from harness.plots.bars import draw_bars
from harness.plots.figure import PAGE, Labels, Series, width_among
from harness.plots.lines import draw_lines
from harness.plots.scale import arrange, fit_limits, spread

SET = Series("dm", [1, 2], [80.0, 90.0], [75.0, 88.0], [85.0, None], 0)
FAR = Series("naive", [1, 2], [79.0, 16.94], style=-1, is_reference=True)
NEAR = Series("joint", [], [93.0], style=-2, is_reference=True)


def test_a_far_reference_scales_nothing_and_a_near_one_is_taken_in() -> None:
    assert fit_limits([SET]) == pytest.approx((73.8, 91.2))
    assert fit_limits([SET, FAR]) == fit_limits([SET])
    assert fit_limits([SET, NEAR]) == pytest.approx((75 - 0.08 * 18, 93 + 0.08 * 18))
    assert fit_limits([NEAR])[0] < 93 < fit_limits([NEAR])[1]


def test_bars_begin_at_zero() -> None:
    assert fit_limits([SET], from_zero=True)[0] == 0
    low, high = fit_limits([Series("a", [0], [-2.0])], from_zero=True)
    assert low < -2 and high == 0


def test_a_reference_out_of_sight_says_its_value_at_the_edge() -> None:
    drawn = draw_lines([SET, FAR], Labels("t", "x", "y", "said below"), [NEAR], width=5.0)
    written = re.findall("<!-- (.*?) -->", drawn)
    assert {"naive 16.9↓", "joint 93", "dm", "said below"} <= set(written)
    far = Series("naive", [0], [95.12], [90.0], [97.0], -1, is_reference=True)
    bars = draw_bars(
        [Series("dm", [0], [7.0], [5.0], [9.0]), far], Labels("t", "x", "y"), width=5.0
    )
    assert "<!--  95.1 →  -->" in bars
    assert "<title>dm: 7 [5, 9]</title>" in bars, "a bar says its value where one points at it"


def test_text_takes_the_colour_of_the_page() -> None:
    drawn = draw_lines([SET, FAR], Labels("t", "x", "y", "n"), [NEAR], width=5.0)
    assert "#000000" not in drawn and "#010203" not in drawn
    letters = re.findall(r"<!-- .*? -->\n<g style=\"([^\"]*)\"", drawn)
    assert letters and all("currentColor" in style for style in letters)
    assert "<rect" not in re.sub(r"<clipPath.*?</clipPath>", "", drawn, flags=re.DOTALL)


def test_names_keep_apart_and_near_their_place() -> None:
    places = spread([0.1, 0.5, 0.5, 0.52, 0.99, 1.0], 0.08)
    gaps = [after - before for before, after in pairwise(places)]
    assert min(gaps) >= 0.08 - 1e-9 and places[0] == 0.1
    assert places[-1] <= 1
    assert sum(places[1:4]) == pytest.approx(0.5 + 0.5 + 0.52)
    assert spread([], 0.1) == []


def test_figures_fill_a_row_and_panels_rows_of_nearly_equal_length() -> None:
    assert width_among(1) == PAGE and 0.45 * PAGE < width_among(2) < 0.5 * PAGE
    assert [arrange(count, 5) for count in (1, 5, 6, 11)] == [(1, 1), (1, 5), (2, 3), (3, 4)]
