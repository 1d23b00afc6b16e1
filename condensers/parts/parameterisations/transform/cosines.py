"""The orthonormal cosine transform of whole images, and back.

C = D_H (x - 1/2) D_W',  x = 1/2 + D_H' C D_W;  D_kn = a_k cos((2 n + 1) k pi / 2 N),
a_0 = sqrt(1 / N), a_k = sqrt(2 / N)

x: pixels in [0, 1]. Of the two planes of colour only the lower half of the frequencies is kept in
each direction, which is half their resolution.
"""

import math
from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

from condensers.parts.parameterisations.colour import to_luminance, to_rgb

COLOURS = 3
MIDDLE = 0.5

GRID = 1 << 24  # parts of a grey level


def sides(shape: Sequence[int]) -> list[tuple[int, int]]:
    """Return (rows, columns) of the coefficients of each plane of an image (C, H, W)."""
    channels, height, width = shape
    if channels != COLOURS:
        return [(height, width)] * channels
    half = -(-height // 2), -(-width // 2)
    return [(height, width), half, half]


def count_coefficients(shape: Sequence[int]) -> int:
    """Return the coefficients of an image (C, H, W)."""
    return sum(math.prod(each) for each in sides(shape))


def transform(images: Tensor) -> Tensor:
    """Return the coefficients (N, F) of images (N, C, H, W) in [0, 1], plane after plane."""
    shape = images.shape[1:]
    planes = images - MIDDLE
    if shape[0] == COLOURS:
        planes = to_luminance(planes)
    whole = basis(shape[1], images) @ planes @ basis(shape[2], images).T
    kept = [whole[:, at, :rows, :columns] for at, (rows, columns) in enumerate(sides(shape))]
    return torch.cat([one.flatten(1) for one in kept], 1)


def restore(coefficients: Tensor, shape: Sequence[int]) -> Tensor:
    """Return images (N, C, H, W), not clamped, of coefficients (N, F).

    Args:
        coefficients: In the order of `transform`.
        shape: (C, H, W).
    """
    _, height, width = shape
    each, planes = sides(shape), []
    parts = torch.split(coefficients, [math.prod(one) for one in each], 1)
    for part, (rows, columns) in zip(parts, each, strict=True):
        plane = part.view(-1, rows, columns)
        planes.append(functional.pad(plane, (0, width - columns, 0, height - rows)))
    planes_of = torch.stack(planes, 1)
    images = basis(height, coefficients).T @ planes_of @ basis(width, coefficients)
    return (to_rgb(images) if len(each) == COLOURS else images) + MIDDLE


def basis(side: int, like: Tensor) -> Tensor:
    """Return the cosines (side, side), a frequency a row, in the dtype and on the device of
    `like`.
    """
    return _cosines(side, like.dtype, like.device)


@lru_cache(maxsize=16)
def _cosines(side: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """(side, side), a frequency a row."""
    n = torch.arange(side, dtype=torch.float64)
    rows = torch.cos((2 * n[None] + 1) * n[:, None] * math.pi / (2 * side)) * math.sqrt(2 / side)
    return torch.cat([rows[:1] / math.sqrt(2), rows[1:]]).to(dtype).to(device)


def as_pixels(images: Tensor) -> Tensor:
    """Images in [0, 1] in whole numbers of 255; what lies within 2^-25 of a half is one, however a
    machine summed it up.
    """
    grid = (images * 255 * GRID).round() / GRID
    return grid.round().clamp(0, 255)
