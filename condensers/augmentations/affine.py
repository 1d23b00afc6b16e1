"""Scaling of each axis by a factor in [1/1.2, 1.2], and rotation by up to 15 degrees, both bilinear with zeros outside.

Source: DSA (ICML 2021), section 3.3 and code. Corners are aligned, as in the torch release the authors pinned (1.2);
today's default differs by less than a pixel at the border.
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
    theta = torch.zeros(len(params), 2, 3)
    theta[:, 0, 0], theta[:, 1, 1] = factors[:, 0], factors[:, 1]
    return _warp(x, theta)


def draw_rotate(n: int, shape: tuple[int, int, int], generator: torch.Generator) -> Tensor:
    """One uniform number per image: (n, 1)."""
    return torch.rand(n, 1, generator=generator)


def apply_rotate(x: Tensor, params: Tensor) -> Tensor:
    """x (N, C, H, W); params (N or 1, 1)."""
    angle = (params[:, 0] - 0.5) * 2 * DEGREES / 180 * math.pi
    theta = torch.zeros(len(params), 2, 3)
    theta[:, 0, 0], theta[:, 0, 1] = angle.cos(), -angle.sin()
    theta[:, 1, 0], theta[:, 1, 1] = angle.sin(), angle.cos()
    return _warp(x, theta)


def _warp(x: Tensor, theta: Tensor) -> Tensor:
    grid = functional.affine_grid(theta.to(x), [len(theta), *x.shape[1:]], align_corners=True)
    return functional.grid_sample(x, grid.expand(len(x), -1, -1, -1), align_corners=True)
