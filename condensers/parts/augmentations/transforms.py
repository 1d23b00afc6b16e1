"""Scaling of each axis by a factor in [1/1.2, 1.2], and rotation by up to 15 degrees, both bilinear
with zeros outside.

Source: DSA (ICML 2021), section 3.3 and code. Corners are aligned, as in the torch release the
authors pinned (1.2); today's default differs by less than a pixel at the border.

Brightness, saturation and contrast, always applied together and in this order.

x + (u1 - 1/2) * 1;  (x - mean_c) * 2 u2 + mean_c;  (x - mean) * (u3 + 1/2) + mean, with u1, u2, u3
uniform in [0, 1). Source: Zhao & Bilen, "Dataset Condensation with Differentiable Siamese
Augmentation" (ICML 2021), section 3.3 and code.

Random translation by up to an eighth of the image, zeros (the mean colour) filling what comes in.

Source: DSA (ICML 2021), section 3.3 and code: pad ratio 0.125.

A square of half the image's side is set to zero (the mean colour), at a uniformly drawn centre.

Source: DSA (ICML 2021), section 3.3 and code: ratio 0.5.

Horizontal mirror image with probability one half. Never used on data whose labels it would change
(digits, letters).

Source: DSA (ICML 2021), section 3.3 and code.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

SCALE, DEGREES = 1.2, 15.0


def draw_scale(n: int, shape: tuple[int, int, int], generator: torch.Generator) -> Tensor:
    """Two uniform numbers per image: (n, 2)."""
    return torch.rand(n, 2, generator=generator)


def apply_scale(x: Tensor, params: Tensor) -> Tensor:
    """x (N, C, H, W); params (N or 1, 2), for the horizontal and the vertical axis."""
    factors = params * (SCALE - 1 / SCALE) + 1 / SCALE
    theta = torch.zeros(len(params), 2, 3, device=params.device)
    theta[:, 0, 0], theta[:, 1, 1] = factors[:, 0], factors[:, 1]
    return _warp(x, theta)


def draw_rotate(n: int, shape: tuple[int, int, int], generator: torch.Generator) -> Tensor:
    """One uniform number per image: (n, 1)."""
    return torch.rand(n, 1, generator=generator)


def apply_rotate(x: Tensor, params: Tensor) -> Tensor:
    """x (N, C, H, W); params (N or 1, 1)."""
    angle = (params[:, 0] - 0.5) * 2 * DEGREES / 180 * math.pi
    theta = torch.zeros(len(params), 2, 3, device=params.device)
    theta[:, 0, 0], theta[:, 0, 1] = angle.cos(), -angle.sin()
    theta[:, 1, 0], theta[:, 1, 1] = angle.sin(), angle.cos()
    return _warp(x, theta)


def _warp(x: Tensor, theta: Tensor) -> Tensor:
    grid = functional.affine_grid(theta.to(x), [len(theta), *x.shape[1:]], align_corners=True)
    if x.is_cuda and x.requires_grad and torch.are_deterministic_algorithms_enabled():
        return sample_corners(x, grid.expand(len(x), -1, -1, -1))
    return functional.grid_sample(x, grid.expand(len(x), -1, -1, -1), align_corners=True)


def sample_corners(x: Tensor, grid: Tensor) -> Tensor:
    """What `grid_sample` gives with aligned corners and zeros outside, from the four pixels about
    each place.

    Torch's own gradient of it adds in any order on a graphics card.

    Args:
        x: (N, C, H, W).
        grid: (N, H', W', 2), horizontal before vertical, -1 to 1.
    """
    n, _, height, width = x.shape
    columns, rows = (grid[..., 0] + 1) / 2 * (width - 1), (grid[..., 1] + 1) / 2 * (height - 1)
    left, top = columns.floor(), rows.floor()
    images, pixels = torch.arange(n, device=x.device)[:, None, None], x.permute(0, 2, 3, 1)
    total = torch.zeros((), dtype=x.dtype, device=x.device)
    for row, down in ((top, top + 1 - rows), (top + 1, rows - top)):
        for column, across in ((left, left + 1 - columns), (left + 1, columns - left)):
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            r, c = row.clamp(0, height - 1).long(), column.clamp(0, width - 1).long()
            total = total + pixels[images, r, c] * (down * across * inside)[..., None]
    return total.permute(0, 3, 1, 2)


BRIGHTNESS, SATURATION, CONTRAST = 1.0, 2.0, 0.5


def draw_color(n: int, shape: tuple[int, int, int], generator: torch.Generator) -> Tensor:
    """Three uniform numbers per image: (n, 3)."""
    return torch.rand(n, 3, generator=generator)


def apply_color(x: Tensor, params: Tensor) -> Tensor:
    """x (N, C, H, W); params (N or 1, 3)."""
    brightness, saturation, contrast = params.to(x.device).view(-1, 3, 1, 1, 1).unbind(1)
    x = x + (brightness - 0.5) * BRIGHTNESS
    mean = x.mean(dim=1, keepdim=True)
    x = (x - mean) * (saturation * SATURATION) + mean
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    return (x - mean) * (contrast + CONTRAST) + mean


CROP_RATIO = 0.125


def draw_crop(n: int, shape: tuple[int, int, int], generator: torch.Generator) -> Tensor:
    """Shifts in pixels, vertical and horizontal: (n, 2) int64."""
    _, height, width = shape
    rows, columns = int(height * CROP_RATIO + 0.5), int(width * CROP_RATIO + 0.5)
    vertical = torch.randint(-rows, rows + 1, (n,), generator=generator)
    horizontal = torch.randint(-columns, columns + 1, (n,), generator=generator)
    return torch.stack([vertical, horizontal], 1)


def apply_crop(x: Tensor, params: Tensor) -> Tensor:
    """x (N, C, H, W); params (N or 1, 2): output pixel (i, j) is input pixel (i + vertical, j +
    horizontal).
    """
    n, _, height, width = x.shape
    vertical, horizontal = params.to(x.device).expand(n, 2).unbind(1)
    rows = torch.arange(height, device=x.device) + vertical[:, None]
    columns = torch.arange(width, device=x.device) + horizontal[:, None]
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[
        :, None, :
    ]
    rows, columns = rows.clamp(0, height - 1), columns.clamp(0, width - 1)
    images = torch.arange(n, device=x.device)
    moved = x.permute(0, 2, 3, 1)[images[:, None, None], rows[:, :, None], columns[:, None, :]]
    return (moved * inside[..., None]).permute(0, 3, 1, 2)


CUTOUT_RATIO = 0.5


def draw_cutout(n: int, shape: tuple[int, int, int], generator: torch.Generator) -> Tensor:
    """Centres in pixels (row, column): (n, 2) int64; they may lie one past the border, as in the
    authors' code.
    """
    _, height, width = shape
    sides = int(height * CUTOUT_RATIO + 0.5), int(width * CUTOUT_RATIO + 0.5)
    limits = height + 1 - sides[0] % 2, width + 1 - sides[1] % 2
    return torch.stack([torch.randint(0, limit, (n,), generator=generator) for limit in limits], 1)


def apply_cutout(x: Tensor, params: Tensor) -> Tensor:
    """x (N, C, H, W); params (N or 1, 2)."""
    n, _, height, width = x.shape
    centres = params.to(x.device).expand(n, 2)
    covered = [
        _covers(centres[:, axis], size, x.device) for axis, size in enumerate((height, width))
    ]
    hole = covered[0][:, :, None] & covered[1][:, None, :]
    return x * ~hole[:, None]


def _covers(centre: Tensor, size: int, device: torch.device) -> Tensor:
    """Which of `size` positions the square covers: (N, size) bool.

    Positions past the border fall on the border.
    """
    side = int(size * CUTOUT_RATIO + 0.5)
    first, last = (
        (centre - side // 2).clamp(0, size - 1),
        (centre - side // 2 + side - 1).clamp(0, size - 1),
    )
    positions = torch.arange(size, device=device)
    return (positions >= first[:, None]) & (positions <= last[:, None])


PROBABILITY = 0.5


def draw_flip(n: int, shape: tuple[int, int, int], generator: torch.Generator) -> Tensor:
    """A uniform number per image: (n, 1)."""
    return torch.rand(n, 1, generator=generator)


def apply_flip(x: Tensor, params: Tensor) -> Tensor:
    """x (N, C, H, W); params (N or 1, 1)."""
    return torch.where(params.to(x.device).view(-1, 1, 1, 1) < PROBABILITY, x.flip(3), x)
