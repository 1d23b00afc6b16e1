"""Brightness, saturation and contrast, always applied together and in this order.

x + (u1 - 1/2) * 1;  (x - mean_c) * 2 u2 + mean_c;  (x - mean) * (u3 + 1/2) + mean, with u1, u2, u3 uniform in [0, 1).
Source: Zhao & Bilen, "Dataset Condensation with Differentiable Siamese Augmentation" (ICML 2021), section 3.3 and code.
"""

import torch
from torch import Tensor

BRIGHTNESS, SATURATION, CONTRAST = 1.0, 2.0, 0.5


def draw(n: int, shape: tuple[int, int, int], generator: torch.Generator) -> Tensor:
    """Three uniform numbers per image: (n, 3)."""
    return torch.rand(n, 3, generator=generator)


def apply(x: Tensor, params: Tensor) -> Tensor:
    """x (N, C, H, W); params (N or 1, 3)."""
    brightness, saturation, contrast = params.to(x.device).view(-1, 3, 1, 1, 1).unbind(1)
    x = x + (brightness - 0.5) * BRIGHTNESS
    mean = x.mean(dim=1, keepdim=True)
    x = (x - mean) * (saturation * SATURATION) + mean
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    return (x - mean) * (contrast + CONTRAST) + mean
