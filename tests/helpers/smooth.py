"""Images that compress, as photographs do."""

import torch
from torch import Tensor
from torch.nn import functional

from condensers.data import ClassData


def smooth(count: int, shape: tuple[int, int, int], seed: int = 0) -> Tensor:
    """Images (count, C, H, W) uint8 that are smooth, as photographs are."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, shape[0], 5, 5, generator=generator)
    return (functional.interpolate(coarse, shape[1:], mode="bicubic").clamp(0, 1) * 255).to(
        torch.uint8
    )


def data_of(shape: tuple[int, int, int], each: int = 40, classes: int = 3) -> ClassData:
    """Classes of such images."""
    labels = torch.arange(classes).repeat_interleave(each)
    return ClassData(
        "smooth",
        smooth(each * classes, shape),
        labels,
        tuple("abcdefghijklmnop"[:classes]),
        (0.5,) * shape[0],
        (0.25,) * shape[0],
        mirror=True,
    )
