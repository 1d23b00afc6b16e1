"""Siamese augmentation as DSA's code applies it: one operation after the other, with parameters for
every image of the batch.

The parameters are drawn as `condensers.parts.augmentations.dsa` draws them, so that both loops see
the same; what is done with them is written out here. Source: Zhao & Bilen, "Dataset Condensation
with Differentiable Siamese Augmentation" (ICML 2021), section 3.3. A shared draw is spread over the
batch, where the authors' code overwrites a draw for every image with its first.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


def augment(x: Tensor, drawn: Any) -> Tensor:
    """x (N, C, H, W) float32 normalised; drawn: None, a family with its parameters (N or 1, ...),
    or several in `each`.
    """
    if drawn is None:
        return x
    for family, params in getattr(drawn, "each", (drawn,)):
        x = OPERATIONS[family](x, params.expand(len(x), -1))
    return x


def color(x: Tensor, params: Tensor) -> Tensor:
    """Brightness, saturation, contrast."""
    brightness, saturation, contrast = (
        column.view(-1, 1, 1, 1).to(x.device) for column in params.unbind(1)
    )
    x = x + (brightness - 0.5)
    mean = x.mean(dim=1, keepdim=True)
    x = (x - mean) * (2 * saturation) + mean
    mean = x.mean(dim=[1, 2, 3], keepdim=True)
    return (x - mean) * (contrast + 0.5) + mean


def positions(x: Tensor, rows: int, columns: int) -> Sequence[Tensor]:
    """Image, row and column of every one of rows x columns positions of every image."""
    sizes = (len(x), rows, columns)
    return torch.meshgrid(*(torch.arange(size, device=x.device) for size in sizes), indexing="ij")


def crop(x: Tensor, params: Tensor) -> Tensor:
    """Translation with zeros coming in: every pixel is read from an image with a border."""
    height, width = x.shape[2:]
    image, row, column = positions(x, height, width)
    down, across = (shift.view(-1, 1, 1).to(x.device) for shift in params.unbind(1))
    row, column = (
        torch.clamp(row + down + 1, 0, height + 1),
        torch.clamp(column + across + 1, 0, width + 1),
    )
    padded = functional.pad(x, [1, 1, 1, 1])
    return padded.permute(0, 2, 3, 1).contiguous()[image, row, column].permute(0, 3, 1, 2)


def cutout(x: Tensor, params: Tensor) -> Tensor:
    """A square of half the side set to zero; what lies outside the image is moved to its border."""
    height, width = x.shape[2:]
    rows, columns = int(height * 0.5 + 0.5), int(width * 0.5 + 0.5)
    image, row, column = positions(x, rows, columns)
    down, across = (centre.view(-1, 1, 1).to(x.device) for centre in params.unbind(1))
    row = torch.clamp(row + down - rows // 2, 0, height - 1)
    column = torch.clamp(column + across - columns // 2, 0, width - 1)
    mask = torch.ones(len(x), height, width, dtype=x.dtype, device=x.device)
    mask[image, row, column] = 0
    return x * mask.unsqueeze(1)


def flip(x: Tensor, params: Tensor) -> Tensor:
    return torch.where(params.view(-1, 1, 1, 1).to(x.device) < 0.5, x.flip(3), x)


def scale(x: Tensor, params: Tensor) -> Tensor:
    factors = params * (1.2 - 1 / 1.2) + 1 / 1.2
    return warp(x, [[[across, 0.0, 0.0], [0.0, down, 0.0]] for across, down in factors.tolist()])


def rotate(x: Tensor, params: Tensor) -> Tensor:
    angles = ((params[:, 0] - 0.5) * 2 * 15 / 180 * math.pi).tolist()
    return warp(
        x, [[[math.cos(a), -math.sin(a), 0.0], [math.sin(a), math.cos(a), 0.0]] for a in angles]
    )


def warp(x: Tensor, matrices: list[list[list[float]]]) -> Tensor:
    """Bilinear, zeros outside; one 2 x 3 matrix for each image."""
    grid = functional.affine_grid(torch.tensor(matrices), list(x.shape), align_corners=True).to(
        x.device
    )
    return functional.grid_sample(x, grid, align_corners=True)


OPERATIONS = {
    "color": color,
    "crop": crop,
    "cutout": cutout,
    "flip": flip,
    "scale": scale,
    "rotate": rotate,
}
