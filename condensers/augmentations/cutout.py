"""A square of half the image's side is set to zero (the mean colour), at a uniformly drawn centre.

Source: DSA (ICML 2021), section 3.3 and code: ratio 0.5.
"""

import torch
from torch import Tensor

RATIO = 0.5


def draw(n: int, shape: tuple[int, int, int], generator: torch.Generator) -> Tensor:
    """Centres in pixels (row, column): (n, 2) int64; they may lie one past the border, as in the authors' code."""
    _, height, width = shape
    sides = int(height * RATIO + 0.5), int(width * RATIO + 0.5)
    limits = height + 1 - sides[0] % 2, width + 1 - sides[1] % 2
    return torch.stack([torch.randint(0, limit, (n,), generator=generator) for limit in limits], 1)


def apply(x: Tensor, params: Tensor) -> Tensor:
    """x (N, C, H, W); params (N or 1, 2)."""
    n, _, height, width = x.shape
    centres = params.to(x.device).expand(n, 2)
    covered = [_covered(centres[:, axis], size, x.device) for axis, size in enumerate((height, width))]
    hole = covered[0][:, :, None] & covered[1][:, None, :]
    return x * ~hole[:, None]


def _covered(centre: Tensor, size: int, device: torch.device) -> Tensor:
    """Which of `size` positions the square covers: (N, size) bool. Positions past the border fall on the border."""
    side = int(size * RATIO + 0.5)
    first, last = (centre - side // 2).clamp(0, size - 1), (centre - side // 2 + side - 1).clamp(0, size - 1)
    positions = torch.arange(size, device=device)
    return (positions >= first[:, None]) & (positions <= last[:, None])
