"""Luminance and two planes of colour, as JPEG has them.

Source: JFIF; rows are Y, Cb, Cr of (R, G, B).
"""

import torch
from torch import Tensor

TO_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))


def to_luminance(images: Tensor) -> Tensor:
    """Return (N, 3, H, W) of red, green and blue as luminance and two differences of colour."""
    return torch.einsum("kc,nchw->nkhw", torch.tensor(TO_YCC).to(images), images)


def to_rgb(planes: Tensor) -> Tensor:
    """Undo `to_luminance`."""
    inverse = torch.linalg.inv(torch.tensor(TO_YCC)).to(planes)
    return torch.einsum("kc,nchw->nkhw", inverse, planes)
