"""Horizontal mirror image with probability one half. Never used on data whose labels it would change (digits, letters).

Source: DSA (ICML 2021), section 3.3 and code.
"""

import torch
from torch import Tensor

PROBABILITY = 0.5


def draw(n: int, shape: tuple[int, int, int], generator: torch.Generator) -> Tensor:
    """A uniform number per image: (n, 1)."""
    return torch.rand(n, 1, generator=generator)


def apply(x: Tensor, params: Tensor) -> Tensor:
    """x (N, C, H, W); params (N or 1, 1)."""
    return torch.where(params.to(x.device).view(-1, 1, 1, 1) < PROBABILITY, x.flip(3), x)
