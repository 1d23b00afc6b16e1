"""Random crops of the padded image, and mirror images: what classifiers are usually trained with.

Each image is padded with black, cut to its size again at a random place, and mirrored with
probability one half where that keeps its label.

Source: He et al., "Deep residual learning for image recognition" (CVPR 2016), section 4.2; GDumb's
code (Prabhu et al., ECCV 2020), which pads by 4 and mirrors no digits. Difference: smaller images
than theirs of 32 x 32 are padded by less, in proportion. Padded by 4, digits of 8 x 8 are half
gone, and a network that learned so names 90 % of the images that it learned from.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, final

import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.engine.devices import send_all
from condensers.hyperparameters import hyper
from condensers.parts.augmentations.base import (
    Augmentation,
    Draw,
    Drawn,
    chain,
    in_proportion,
    send_draws,
)


@final
@dataclass(frozen=True)
class Crop(Augmentation):
    """Crops of the padded image, and mirror images (not where labels would not survive it)."""

    padding: int = hyper(
        4,
        unit="pixels",
        help="of an image of 32 x 32 or more; of a smaller one less, in proportion, but at least 1",
        source="He et al. 2016, section 4.2",
        minimum=1,
    )
    mirror: bool = hyper(
        True, help="mirror half of the images, where that keeps labels", source="GDumb's code"
    )

    registered: ClassVar[str] = "crop"

    def for_data(self, data: ClassData) -> "BlackCrop":
        """Pad with black, small images by less, and mirror only where a mirrored image of `data`
        keeps its label.
        """
        padding = max(1, in_proportion(self.padding, data.shape))
        black = data.normalise(torch.zeros(1, *data.shape, dtype=torch.uint8, device=data.device))
        crop = replace(self, padding=padding, mirror=self.mirror and data.mirror)
        return BlackCrop(crop, tuple(black[0].mean((1, 2)).tolist()))

    def without(self, family: str) -> "Crop":
        """The same without mirror images, if that is the family."""
        return replace(self, mirror=False) if family == "flip" else self

    def draw(self, n: int, shape: tuple[int, int, int], generator: torch.Generator) -> Draw:
        """Draw (n, 3): the first row, the first column, and whether an image is mirrored."""
        places = torch.randint(2 * self.padding + 1, (n, 2), generator=generator)
        mirrored = torch.randint(2, (n, 1), generator=generator) * int(self.mirror)
        return Draw("crop", torch.cat([places, mirrored], dim=1))

    def apply(self, images: Tensor, drawn: Drawn) -> Tensor:
        """Transform images of data that is not known: zeros, the mean colour, come in."""
        return _cut_all(images, drawn, self.padding, (0.0,))


@final
@dataclass(frozen=True)
class BlackCrop(Augmentation):
    """The crops of images whose black is known.

    Attributes:
        crop: Draws.
        fill: Black, normalised: a number for each channel.
    """

    crop: Crop
    fill: tuple[float, ...]

    registered: ClassVar[str] = "crop"

    def without(self, family: str) -> "BlackCrop":
        """The same without mirror images, if that is the family."""
        return replace(self, crop=self.crop.without(family))

    def draw(self, n: int, shape: tuple[int, int, int], generator: torch.Generator) -> Draw:
        """Draw what `Crop` draws."""
        return self.crop.draw(n, shape, generator)

    def apply(self, images: Tensor, drawn: Drawn) -> Tensor:
        """(N, C, H, W) float32 normalised -> the same shape, differentiable in `images`."""
        return _cut_all(images, drawn, self.crop.padding, self.fill)


def _cut_all(images: Tensor, drawn: Drawn, padding: int, fill: tuple[float, ...]) -> Tensor:
    (here,) = send_draws([drawn], images.device)
    for one in chain(here):
        images = _cut(images, one.params.expand(len(images), -1), padding, fill)
    return images


def _cut(images: Tensor, params: Tensor, pad: int, fill: tuple[float, ...]) -> Tensor:
    """Images cut from their padded ones; params (N, 3)."""
    n, channels, height, width = images.shape
    (border,) = send_all([torch.tensor(fill, dtype=images.dtype)], images.device)
    border = border.view(1, -1, 1, 1)
    canvas = border.expand(n, channels, height + 2 * pad, width + 2 * pad).clone()
    canvas[:, :, pad : pad + height, pad : pad + width] = images
    down = torch.arange(height, device=images.device)
    across = torch.arange(width, device=images.device).expand(n, -1)
    across = torch.where(params[:, 2:] == 1, across.flip(1), across) + params[:, 1:2]
    rows = (params[:, :1] + down)[:, None, :, None]
    of_image = torch.arange(n, device=images.device)[:, None, None, None]
    of_channel = torch.arange(channels, device=images.device)[None, :, None, None]
    return canvas[of_image, of_channel, rows, across[:, None, None, :]]
