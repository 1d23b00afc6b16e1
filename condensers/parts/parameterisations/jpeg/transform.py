"""The discrete cosine transform of images as JPEG has it: planes, blocks of 8 x 8, quantised
coefficients, and back.

C = D (P - 128) D',  c = round(C / Q),  P = D' (Q c) D + 128;  D_kn = a_k cos((2 n + 1) k pi / 16),
a_0 = 1/sqrt 8, a_k = 1/2

Source: ITU-T T.81, annex A; JFIF for YCbCr. Planes of colour have half the resolution and are
enlarged linearly, as libjpeg does.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from condensers.engine.devices import send
from condensers.parts.parameterisations.colour import to_luminance, to_rgb
from condensers.parts.parameterisations.jpeg.entropy import ScanLayout, layout

SIDE = 8


class Scan(NamedTuple):
    """The order of a scan on one device. order, planes: of the blocks, there and back. zigzag,
    natural: of the coefficients, there and back. quanta (B, 64), in the order of the scan.
    """

    order: Tensor
    planes: Tensor
    zigzag: Tensor
    natural: Tensor
    quanta: Tensor


@lru_cache(maxsize=16)
def _scan(shape: tuple[int, int, int], quality: int, device: torch.device) -> Scan:
    """What `layout` says, brought to each device once."""
    form = layout(shape, quality)
    there = form.order, form.order.argsort(), form.zigzag, form.zigzag.argsort(), form.quanta
    return Scan(*(send(one, device) for one in there))


@dataclass(frozen=True)
class Transform:
    """Images (N, C, H, W) in 0..255 <-> quantised coefficients (N, B, 64), in zigzag order, in the
    order of a JPEG's scan.
    """

    shape: tuple[int, int, int]
    quality: int

    @property
    def layout(self) -> ScanLayout:
        """How the blocks of a file follow each other."""
        return layout(self.shape, self.quality)

    def forward(self, images: Tensor) -> Tensor:
        """Coefficients (N, B, 64) float, divided by their quanta and not rounded."""
        form = self.layout
        blocks = [
            _blocks(plane, form.grid(index)) for index, plane in enumerate(self._planes(images))
        ]
        basis = _basis(images)
        found = [(basis @ (block - 128) @ basis.T).flatten(2) for block in blocks]
        scan = _scan(self.shape, self.quality, images.device)
        scanned = torch.cat(found, 1)[:, scan.order][:, :, scan.zigzag]
        return scanned / scan.quanta.to(images)

    def inverse(self, coefficients: Tensor) -> Tensor:
        """Images (N, C, H, W), not clamped, of coefficients (N, B, 64)."""
        form, scan = self.layout, _scan(self.shape, self.quality, coefficients.device)
        natural = (coefficients * scan.quanta.to(coefficients))[:, :, scan.natural]
        blocks = natural[:, scan.planes].view(len(natural), -1, SIDE, SIDE)
        basis = _basis(coefficients)
        pixels = basis.T @ blocks @ basis + 128
        ends = [0, *accumulate(math.prod(form.grid(i)) for i in range(self.shape[0]))]
        parts = [pixels[:, begin:end] for begin, end in pairwise(ends)]
        planes = [_plane(part, form.grid(i)) for i, part in enumerate(parts)]
        _, height, width = self.shape
        whole = planes[0][:, :, :height, :width]
        if len(planes) == 1:
            return whole
        half = [plane[:, :, : -(-height // 2), : -(-width // 2)] for plane in planes[1:]]
        large = [
            functional.interpolate(plane, scale_factor=2, mode="bilinear")[:, :, :height, :width]
            for plane in half
        ]
        centred = torch.cat([whole, *(plane - 128 for plane in large)], 1)
        return to_rgb(centred)

    def _planes(self, images: Tensor) -> list[Tensor]:
        """(N, 1, h, w): grey, or luminance and two planes of colour at half its resolution."""
        if self.shape[0] == 1:
            return [images]
        mixed = to_luminance(images)
        luminance, colours = mixed[:, :1], (mixed[:, 1:2], mixed[:, 2:])
        _, height, width = self.shape
        even = [
            functional.pad(plane + 128, (0, width % 2, 0, height % 2), mode="replicate")
            for plane in colours
        ]
        return [luminance, *(functional.avg_pool2d(plane, 2) for plane in even)]


def _basis(like: Tensor) -> Tensor:
    n = torch.arange(SIDE, dtype=like.dtype, device=like.device)
    rows = torch.cos((2 * n[None] + 1) * n[:, None] * math.pi / 16) / 2
    return torch.cat([rows[:1] / math.sqrt(2), rows[1:]])


def _blocks(plane: Tensor, grid: Sequence[int]) -> Tensor:
    """(N, 1, h, w) -> (N, rows * columns, 8, 8), its right and bottom edges repeated."""
    rows, columns = grid
    down, right = rows * SIDE - plane.shape[2], columns * SIDE - plane.shape[3]
    whole = functional.pad(plane, (0, right, 0, down), mode="replicate")
    return whole.reshape(len(plane), rows, SIDE, columns, SIDE).transpose(2, 3).flatten(1, 2)


def _plane(blocks: Tensor, grid: Sequence[int]) -> Tensor:
    rows, columns = grid
    return (
        blocks.reshape(-1, rows, columns, SIDE, SIDE)
        .transpose(2, 3)
        .reshape(-1, 1, rows * SIDE, columns * SIDE)
    )
