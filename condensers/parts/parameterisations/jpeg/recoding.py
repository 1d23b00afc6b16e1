"""JPEG coefficients under an arithmetic coder, not Huffman's: the same images in fewer bytes.

stream = images, (C, H, W), quality, the coefficients of each plane, a mark of 16 bits

Blocks are units of 8 x 8 frequencies (`condensers.parts.parameterisations.coding.planes`), one
plane of all images after the other; both planes of colour share what is learned of them. The first
coefficient of a block is told by its difference to that of the block at its left, or above it.
"""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from condensers.parts.parameterisations.coding.planes import (
    Numbers,
    PlaneModel,
    code_count,
)
from condensers.parts.parameterisations.coding.range_coder import (
    Coder,
    RangeDecoder,
    RangeEncoder,
)
from condensers.parts.parameterisations.jpeg.entropy import BLOCK, ScanLayout, layout
from condensers.parts.parameterisations.jpeg.files import BEST

MARK, MARK_BITS = 0x5EED, 16
SIDE_BITS, QUALITY_BITS = 12, 7
MOST, MOST_A_BYTE = 1 << 27, 64  # what damaged bytes may ask for, as in `transform.stream`
OVERHEAD = 12  # bytes beside the coefficients


class Recoded(NamedTuple):
    """Quantised coefficients of images.

    Attributes:
        shape: (C, H, W).
        quality: Of JPEG, 1 to 100.
        coefficients: (M, B, 64) whole numbers, zigzag, in the order of a scan.
    """

    shape: tuple[int, int, int]
    quality: int
    coefficients: Tensor


def encode(images: Recoded) -> bytes:
    """Return the stream of images."""
    coder = RangeEncoder()
    _code(coder, images, MOST)
    return coder.finish()


def decode(content: bytes) -> Recoded:
    """Return the images of a stream.

    Raises:
        ValueError: The bytes are damaged.
    """
    coder = RangeDecoder(content)
    found = _code(coder, Recoded((0, 0, 0), 0, torch.empty(0)), MOST_A_BYTE * (len(content) + 1))
    if not coder.spent:
        raise ValueError("its coded images end before their bytes do")
    return found


def measure(images: Recoded) -> float:
    """Return about how many bytes `encode` gives, in a fraction of its time."""
    form, bits = layout(images.shape, images.quality), 0.0
    models = PlaneModel(), PlaneModel()
    for at, plane in enumerate(_number_planes(images.coefficients, form)):
        bits += models[at > 0].measure(plane)
    return bits / 8 + OVERHEAD


def _code(coder: Coder, images: Recoded, most: int) -> Recoded:
    count = code_count(coder, len(images.coefficients))
    channels, height, width = (coder.code_number(side, SIDE_BITS) for side in images.shape)
    quality = coder.code_number(images.quality, QUALITY_BITS)
    shape = channels, height, width
    fine = channels in (1, 3) and height and width and 0 < quality <= BEST
    if not fine or count > most or 2 * count * channels * height * width > MOST:
        raise ValueError(f"its coded images would be {count} of {channels} x {height} x {width}")
    form = layout(shape, quality)
    given = images.coefficients
    if not len(given):
        given = torch.zeros(count, len(form.components), BLOCK**2, dtype=torch.int64)
    models = PlaneModel(), PlaneModel()
    planes = [
        models[at > 0].code(coder, plane) if count else plane
        for at, plane in enumerate(_number_planes(given, form))
    ]
    if coder.code_number(MARK, MARK_BITS) != MARK:
        raise ValueError("the bytes of its coded images are damaged")
    return Recoded(shape, quality, _from_planes(planes, form))


def to_planes(coefficients: Tensor, form: ScanLayout) -> list[Tensor]:
    """Return the planes that are coded, differentiable where the coefficients are floats.

    Args:
        coefficients: (M, B, 64), zigzag, in the order of a scan.
        form: The layout of the scan.

    Returns:
        (M * blocks, 8, 8) for each plane; the first number of a block less that of a block beside
        it.
    """
    natural = coefficients[:, form.order.argsort()][:, :, form.zigzag.argsort()]
    found = []
    for (begin, end), grid in zip(_bounds(form), form.grids, strict=True):
        blocks = natural[:, begin:end].reshape(-1, *grid, BLOCK**2)
        first = blocks[..., 0]
        row = first[:, :, 1:] - first[:, :, :-1]
        column = torch.cat([first[:, :1, :1], first[:, 1:, :1] - first[:, :-1, :1]], 1)
        told = torch.cat([column, row], 2)[..., None]
        found.append(torch.cat([told, blocks[..., 1:]], 3).reshape(-1, BLOCK, BLOCK))
    return found


def _number_planes(coefficients: Tensor, form: ScanLayout) -> list[Numbers]:
    return [plane.numpy() for plane in to_planes(coefficients.long(), form)]


def _from_planes(planes: Sequence[Numbers], form: ScanLayout) -> Tensor:
    """Undo `to_planes`."""
    found = []
    for plane, (rows, columns) in zip(planes, form.grids, strict=True):
        blocks = plane.reshape(-1, rows, columns, BLOCK**2).copy()
        blocks[:, :, 0, 0] = blocks[:, :, 0, 0].cumsum(1)
        blocks[..., 0] = blocks[..., 0].cumsum(2)
        found.append(blocks.reshape(len(blocks), -1, BLOCK**2))
    natural = torch.from_numpy(np.concatenate(found, 1))
    return natural[:, form.order][:, :, form.zigzag]


def _bounds(form: ScanLayout) -> list[tuple[int, int]]:
    """Where the blocks of each plane begin and end."""
    return list(pairwise([0, *accumulate(rows * columns for rows, columns in form.grids)]))
