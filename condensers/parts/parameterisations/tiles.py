"""Tiles: every stored canvas is cut into factor x factor tiles, and each tile, enlarged to full
size, is an image.

x_k = upsample( canvas[ i s : (i + 1) s, j s : (j + 1) s ], (H, W) ),  s = ceil(H / f),  k = i f + j
< f * f

Source: Kim et al., "Dataset Condensation via Efficient Synthetic-Data Parameterization" (IDC, ICML
2022), uniform multi-formation, and the authors' code (`decode_zoom`): bilinear, corners not
aligned, a canvas whose side is no multiple of f padded with mid-grey at its right and bottom.
Differences from that code: pixels are learned normalised; starting images are made smaller by
averaging, not by nearest pixels, and are made to fit the part of their tile that is on the canvas;
the tiles of one canvas stand together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor
from torch.nn import functional

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from condensers.parts.parameterisations.base import Groups, Units, valid_range
from condensers.parts.parameterisations.pixels import Pixels


@final
@dataclass(frozen=True)
class Tiles(Pixels):
    """factor * factor images in each stored picture, which costs what one picture costs."""

    factor: int = hyper(
        2,
        unit="tiles",
        help="tiles along each side of a canvas",
        source="IDC's README (3 for ImageNet)",
        minimum=1,
    )
    clamp: bool = hyper(
        False,
        help="keep canvases between black and white while they are learned",
        source="ours: as pixels (IDC: true)",
    )

    registered: ClassVar[str] = "tiles"
    # What pads a canvas is beside the learned tensors, but stays what it is.
    rates: ClassVar[Mapping[str, float]] = {"grey": 0.0}

    @property
    def copies(self) -> int:
        """Images that a unit decodes to."""
        return self.factor**2

    def nbytes(self, data: ClassData, ipc: int) -> int:
        """Stored bytes of all canvases, as many as images of the same size; UsageError where they
        cannot be cut.
        """
        require_room(data.shape, self.factor)
        return super().nbytes(data, ipc)

    def groups(self, start: Tensor, data: ClassData, context: Context) -> Groups:
        """Canvases made of the starting images, and the grey (C, 1, 1) that pads them, where one is
        needed.
        """
        require_room(data.shape, self.factor)
        canvases = {"images": mosaic(start, self.factor)}
        fits = data.shape[1] % self.factor == 0 and data.shape[2] % self.factor == 0
        return canvases if fits else canvases | {"grey": grey(data.mean, data.std, start)}

    def decode(self, groups: Mapping[str, Tensor], units: Units) -> Tensor:
        """Return the tiles at full size, (units * factor ** 2, C, H, W)."""
        return tiles_of(groups["images"][units], self.factor, groups.get("grey"))

    def project(self, groups: Groups, data: ClassData) -> None:
        """Clamp the canvases, where that is asked for."""
        if self.clamp:
            black, white = valid_range(data.mean, data.std, groups["images"])
            groups["images"].copy_(torch.minimum(torch.maximum(groups["images"], black), white))

    def unpack(
        self,
        stored: Mapping[str, Tensor],
        mean: Sequence[float],
        std: Sequence[float],
        shape: Sequence[int],
    ) -> Tensor:
        """Stored canvases -> images (canvases * factor * factor, C, H, W) float32 normalised."""
        canvases = super().unpack(stored, mean, std, shape)
        return tiles_of(canvases, self.factor, grey(mean, std, canvases))


def grey(mean: Sequence[float], std: Sequence[float], like: Tensor) -> Tensor:
    """The normalised values of mid-grey, (C, 1, 1)."""
    black, white = valid_range(mean, std, like)
    return (black + white) / 2


def tile_size(height: int, width: int, factor: int) -> tuple[int, int]:
    """Pixels of a tile, along both axes; the last ones of an axis may lie partly beyond the
    canvas.
    """
    return -(-height // factor), -(-width // factor)


def require_room(shape: Sequence[int], factor: int) -> None:
    """UsageError where images of `shape` (C, H, W) are too small for factor x factor tiles with a
    pixel in each.
    """
    for side, tile in zip(shape[1:], tile_size(shape[1], shape[2], factor), strict=True):
        if (factor - 1) * tile >= side:
            raise UsageError(
                f"tiles.factor: {side} pixels cannot be cut into {factor} tiles; take a divisor of"
                f" {side}"
            )


def tiles_of(canvases: Tensor, factor: int, padding: Tensor | None) -> Tensor:
    """Cut canvases into tiles and enlarge these to full size.

    Args:
        canvases: (n, C, H, W).
        factor: Tiles along each side.
        padding: (C, 1, 1), the value beyond a canvas whose sides are no multiples of `factor`.

    Returns:
        (n * factor * factor, C, H, W): the tiles of a canvas together, row by row.
    """
    if factor == 1:
        return canvases
    count, channels, height, width = canvases.shape
    rows, columns = tile_size(height, width, factor)
    if padding is not None:
        whole = padding.expand(count, channels, rows * factor, columns * factor).clone()
        whole[:, :, :height, :width] = canvases
        canvases = whole
    cut = canvases.view(count, channels, factor, rows, factor, columns).permute(0, 2, 4, 1, 3, 5)
    tiles = cut.reshape(count * factor**2, channels, rows, columns)
    return functional.interpolate(tiles, size=(height, width), mode="bilinear", align_corners=False)


def mosaic(images: Tensor, factor: int) -> Tensor:
    """Make canvases of images, each of which is made smaller in a tile of its own.

    Args:
        images: (n * factor * factor, C, H, W), in the order in which `tiles_of` gives them.
        factor: Tiles along each side.

    Returns:
        (n, C, H, W).
    """
    if factor == 1:
        return images.clone()
    _, channels, height, width = images.shape
    canvases = images.new_zeros(len(images) // factor**2, channels, height, width)
    for position, (rows, columns) in enumerate(places_of(height, width, factor)):
        size = (rows.stop - rows.start, columns.stop - columns.start)
        small = functional.interpolate(images[position :: factor**2], size=size, mode="area")
        canvases[:, :, rows, columns] = small
    return canvases


def places_of(height: int, width: int, factor: int) -> list[tuple[slice, slice]]:
    """Return the rows and columns of a canvas that each tile takes, in the order of the tiles."""
    rows, columns = tile_size(height, width, factor)
    return [
        (slice(top, min(top + rows, height)), slice(left, min(left + columns, width)))
        for top in range(0, factor * rows, rows)
        for left in range(0, factor * columns, columns)
    ]
