"""CutMix: a box of one image is pasted into another, and the label is mixed in the proportion of
the areas.

x = M x_a + (1 - M) x_b,  y = r y_a + (1 - r) y_b,  M zero in a box, r the part of the pixels
outside of it

The box has sides H sqrt(1 - u) and W sqrt(1 - u), u uniform in [0, 1), rounded down to even
numbers; its centre is uniform over the pixels, and what lies beyond the border is cut off. One box
serves a whole batch, each image of which is paired with another by a random order.

Source: Yun et al., "CutMix: Regularization Strategy to Train Strong Classifiers with Localizable
Features" (ICCV 2019), section 3.1, and the authors' code for alpha = 1, where the beta distribution
is the uniform one.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from condensers.engine.devices import send


class Box(NamedTuple):
    """Rows top to bottom - 1 and columns left to right - 1."""

    top: int
    bottom: int
    left: int
    right: int


def draw_box(height: int, width: int, generator: torch.Generator) -> Box:
    """A random box inside an image; it may be empty."""
    part = (1 - float(torch.rand((), generator=generator))) ** 0.5
    top, bottom = _span(height, part, generator)
    left, right = _span(width, part, generator)
    return Box(top, bottom, left, right)


def _span(size: int, part: float, generator: torch.Generator) -> tuple[int, int]:
    """First position and the one after the last, of a stretch about a random centre."""
    half = int(size * part) // 2
    centre = int(torch.randint(size, (1,), generator=generator))
    return max(centre - half, 0), min(centre + half, size)


def cutmix(
    images: Tensor, labels: Tensor, classes: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Images (n, C, H, W), mixed in a random order, and their labels (n, classes), probabilities.

    labels: (n,) int64, or (n, classes) probabilities. The images given are left as they are.
    """
    probabilities = (
        functional.one_hot(labels, classes).to(images.dtype) if labels.ndim == 1 else labels
    )
    height, width = images.shape[2:]
    box = draw_box(height, width, generator)
    other = send(torch.randperm(len(images), generator=generator), images.device)
    rows, columns = slice(box.top, box.bottom), slice(box.left, box.right)
    mixed = images.clone()
    mixed[:, :, rows, columns] = images[other][:, :, rows, columns]
    kept = 1 - (box.bottom - box.top) * (box.right - box.left) / (height * width)
    return mixed, kept * probabilities + (1 - kept) * probabilities[other]
