"""Crops of random sizes, enlarged to the size of the image, mirrored, and rolled around.

A crop keeps u of the image's area, u uniform in [smallest, largest], at a uniform place, in the
proportions of the image; it is enlarged bilinearly. Rolling moves an image down and to the right by
0 to `roll` pixels each; what leaves at one border comes in at the other.

A curriculum lets the smallest crop shrink from the whole image, t the part of `until` that is done:
smallest(t) = s + (1 - s) g(t),  g: 1 - t ("linear"), (1 + cos(pi t)) / 2 ("cosine"), 1 ("step")

Source: Szegedy et al., "Going deeper with convolutions" (CVPR 2015), for such crops; Yin, Xing &
Shen, SRe2L (NeurIPS 2023), and its code for the roll ("jitter"); Yin & Shen, CDA (TMLR 2024),
section 3.2, and its code (recover_cda_tiny.py) for the curriculum. Differences from that code: each
image has a crop and a roll of its own, not one for the batch; crops are not stretched; images
smaller than 32 x 32, which the code has none of, are rolled by less.
"""

import math
from dataclasses import dataclass, replace
from typing import ClassVar, final

import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from condensers.parts.augmentations.base import (
    Augmentation,
    Draw,
    Drawn,
    chain,
    in_proportion,
    send_draws,
)

CURRICULA = ("none", "step", "linear", "cosine")


@final
@dataclass(frozen=True)
class ResizedCrop(Augmentation):
    """Enlarged crops of random sizes, which may become smaller in the course of a run."""

    smallest: float = hyper(
        0.08,
        help="least part of the image's area that a crop keeps",
        source="CDA's code, min_crop",
        minimum=0.01,
    )
    largest: float = hyper(
        1.0,
        help="greatest part of the image's area that a crop keeps",
        source="CDA's code, max_crop",
        minimum=0.01,
    )
    mirror: bool = hyper(
        True, help="mirror half of the images, where that keeps labels", source="CDA's code"
    )
    roll: int = hyper(
        4,
        unit="pixels",
        help="an image of 32 x 32 or more is rolled around its borders by at most so many; a"
        " smaller one by less, in proportion",
        source="SRe2L's code for CIFAR, jitter",
        minimum=0,
    )
    curriculum: str = hyper(
        "none",
        help="how the smallest crop shrinks from the whole image",
        source="CDA's code, easy2hard_mode",
        values=CURRICULA,
    )
    until: float = hyper(
        1.0,
        help="part of the run, 0 to 1, after which crops are as small as `smallest` allows",
        source="CDA's code, milestone",
        minimum=0.0,
    )

    registered: ClassVar[str] = "resized-crop"

    @property
    def varies(self) -> bool:
        """Whether there is a curriculum."""
        return self.curriculum != "none"

    def require_fit(self, where: str) -> None:
        """UsageError for sizes that no crop has."""
        if not self.smallest <= self.largest <= 1:
            raise UsageError(
                f"{where}: crops from {self.smallest} to {self.largest} of an image cannot be cut;"
                " smallest must not exceed largest, nor largest 1"
            )

    def for_data(self, data: ClassData) -> "ResizedCrop":
        """Roll small images by less, and mirror only where a mirrored image of `data` keeps its
        label.
        """
        roll = in_proportion(self.roll, data.shape)
        return replace(self, roll=roll, mirror=self.mirror and data.mirror)

    def without(self, family: str) -> "ResizedCrop":
        """The same without mirror images, if that is the family."""
        return replace(self, mirror=False) if family == "flip" else self

    def at(self, done: float) -> "ResizedCrop":
        """The crops as they are after a part of the run, 0 to 1."""
        if self.curriculum == "none":
            return self
        part = min(1.0, done / self.until) if self.until > 0 else 1.0
        easy = {
            "step": float(part < 1),
            "linear": 1 - part,
            "cosine": (1 + math.cos(math.pi * part)) / 2,
        }[self.curriculum]
        smallest = self.smallest + (self.largest - self.smallest) * easy
        return replace(self, smallest=smallest, curriculum="none")

    def draw(self, n: int, shape: tuple[int, int, int], generator: torch.Generator) -> Draw:
        """Draw (n, 7): a crop's box (`draw_boxes`), whether it is mirrored, and the roll."""
        boxes = draw_boxes(n, shape, (self.smallest, self.largest), generator)
        mirrored = torch.randint(2, (n, 1), generator=generator) * int(self.mirror)
        rolled = torch.randint(self.roll + 1, (n, 2), generator=generator)
        return Draw("resized-crop", torch.cat([boxes, mirrored, rolled], dim=1))

    def apply(self, images: Tensor, drawn: Drawn) -> Tensor:
        """(N, C, H, W) float32 normalised -> the same shape, differentiable in `images`."""
        (here,) = send_draws([drawn], images.device)
        for one in chain(here):
            images = _transform(images, one.params.expand(len(images), -1))
        return images


def draw_boxes(
    n: int,
    shape: tuple[int, int, int],
    areas: tuple[float, float],
    generator: torch.Generator,
) -> Tensor:
    """Draw the boxes of crops in the proportions of the image.

    Args:
        n: Number of boxes.
        shape: (C, H, W) of an image.
        areas: Least and greatest part of the image's area.
        generator: The only source of randomness.

    Returns:
        (n, 4) int64: first row, first column, height and width, of at least a pixel.
    """
    _, height, width = shape
    uniform, place = torch.rand(n, 1, generator=generator), torch.rand(n, 2, generator=generator)
    part = (areas[0] + (areas[1] - areas[0]) * uniform).sqrt()
    sides = torch.tensor([height, width])
    size = (part * sides).round().long().clamp(min=1)
    first = (place * (sides - size + 1)).long().clamp(max=sides - size)
    return torch.cat([first, size], dim=1)


def cut_boxes(images: Tensor, boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Cut a crop out of each image and bring it to a size, bilinearly and without aliasing.

    Args:
        images: (n, C, H, W) floats.
        boxes: (n, 4), as `draw_boxes` gives them.
        size: Height and width of the result.

    Returns:
        (n, C, *size), differentiable in `images`.
    """
    top, left, height, width = boxes.to(images.dtype).unbind(1)
    rows = resampling(_centres(top, height, size[0]), (top, height), images.shape[2])
    columns = resampling(_centres(left, width, size[1]), (left, width), images.shape[3])
    return rows[:, None] @ images @ columns[:, None].transpose(2, 3)


def resampling(places: Tensor, stretch: tuple[Tensor, Tensor], side: int) -> Tensor:
    """Return the weights by which the pixels of one axis make others.

    The weights fall linearly to zero over a pixel of the result, or of the image if that is larger.

    Args:
        places: (n, m), where the new pixels' centres are, in pixels of the axis.
        stretch: First pixel and number of pixels that may be read, (n,) each.
        side: Pixels of the axis.

    Returns:
        (n, m, side), each row of sum 1.
    """
    first, length = (one[:, None, None] for one in stretch)
    pixels = torch.arange(side, device=places.device, dtype=places.dtype)
    reach = (length / places.shape[1]).clamp(min=1)
    weights = (1 - (places[:, :, None] - pixels).abs() / reach).clamp(min=0)
    weights = weights * ((pixels >= first) & (pixels < first + length))
    return weights / weights.sum(2, keepdim=True)


def _centres(first: Tensor, length: Tensor, count: int) -> Tensor:
    """Where the centres of `count` pixels lie in stretches of an axis, (n, count)."""
    inside = torch.arange(count, device=first.device, dtype=first.dtype) + 0.5
    return first[:, None] + inside * (length[:, None] / count) - 0.5


def _transform(images: Tensor, params: Tensor) -> Tensor:
    """Images cropped, mirrored and rolled at once; params (N, 7)."""
    height, width = images.shape[2:]
    top, left, rows, columns, mirrored, down, across = params.to(images.dtype).unbind(1)
    vertical = resampling(_centres(top, rows, height), (top, rows), height)
    horizontal = resampling(_centres(left, columns, width), (left, columns), width)
    horizontal = torch.where(mirrored[:, None, None] == 1, horizontal.flip(1), horizontal)
    vertical, horizontal = _roll(vertical, down), _roll(horizontal, across)
    return vertical[:, None] @ images @ horizontal[:, None].transpose(2, 3)


def _roll(weights: Tensor, by: Tensor) -> Tensor:
    """Weights (n, m, side) whose results are moved on, and around, by (n,) pixels."""
    count = weights.shape[1]
    places = (torch.arange(count, device=weights.device) - by.long()[:, None]) % count
    return weights.gather(1, places[:, :, None].expand_as(weights))
