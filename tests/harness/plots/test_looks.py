"""Sets are told apart, with every colour-vision deficiency, on white and on black pages."""

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.plots.figure import COLOURS, GREY, choose_dashes, choose_marker, colour

# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
SEEN = {
    "all": np.eye(3).tolist(),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
WHITE = np.array([0.95047, 1.0, 1.08883])
TOLD_APART = 15.0  # CIE 1976; neighbours of 2.3 are just noticeable


def linear(name: str) -> NDArray[np.float64]:
    parts = np.array([int(name[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def lab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    share = TO_XYZ @ rgb.clip(0, 1) / WHITE
    x, y, z = np.where(share > 0.008856, np.cbrt(share), 7.787 * share + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("eyes", SEEN)
def test_colours_are_told_apart(eyes: str) -> None:
    seen = [lab(np.array(SEEN[eyes]) @ linear(name)) for name in COLOURS]
    assert min(np.linalg.norm(one - other) for one, other in combinations(seen, 2)) > TOLD_APART


@pytest.mark.parametrize("page", ["#ffffff", "#14181d"])
def test_colours_stand_out_from_the_page(page: str) -> None:
    def luminance(name: str) -> float:
        return float((TO_XYZ @ linear(name))[1])

    for name in (*COLOURS, GREY):
        low, high = sorted([luminance(name), luminance(page)])
        assert (high + 0.05) / (low + 0.05) > 2.2, name


def test_many_sets_differ_in_colour_marker_or_dashes() -> None:
    styles: list[int | None] = [None, *range(18), -1, -2, -3, -4]
    looks = {(colour(s), choose_marker(s), str(choose_dashes(s))) for s in styles}
    assert len(looks) == len(styles)


def test_references_are_grey() -> None:
    assert {colour(style) for style in (None, -1, -2, -9)} == {GREY} and GREY not in COLOURS
