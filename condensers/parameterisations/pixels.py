"""Pixels: every synthetic image is an array of its own, learned pixel by pixel and stored at one byte per value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.fields import hyper
from condensers.synthetic import label_dtype

DTYPES = {"uint8": torch.uint8, "float16": torch.float16, "float32": torch.float32}


@dataclass(frozen=True)
class Pixels:
    """One array of pixels per synthetic image."""

    storage: str = hyper("uint8", source="ours: what real images cost", values=("uint8", "float16", "float32"))

    registered: ClassVar[str] = "pixels"

    def bytes_per_image(self, data: ClassData) -> int:
        """Stored bytes of one image with its label."""
        channels, height, width = data.shape
        return channels * height * width * DTYPES[self.storage].itemsize + label_dtype(len(data.class_names)).itemsize

    def groups(self, images: Tensor) -> dict[str, Tensor]:
        """What is learned, starting from images (M, C, H, W) float32 normalised."""
        return {"images": images.clone()}

    def decode(self, groups: Mapping[str, Tensor], members: slice) -> Tensor:
        """The synthetic images `members` (m, C, H, W) float32 normalised, differentiable in the groups."""
        return groups["images"][members]

    def pack(self, groups: Mapping[str, Tensor], data: ClassData) -> dict[str, Tensor]:
        """The groups as stored: uint8 pixels in 0..255, or normalised floats."""
        images = groups["images"].detach()
        return {"images": (data.quantise(images) if self.storage == "uint8" else images.to(DTYPES[self.storage])).cpu()}

    def unpack(self, stored: Mapping[str, Tensor], mean: Sequence[float], std: Sequence[float]) -> Tensor:
        """Stored groups -> images (M, C, H, W) float32 normalised."""
        images = stored["images"]
        if images.dtype != torch.uint8:
            return images.float()
        column = torch.tensor([*mean, *std], device=images.device).view(2, 1, -1, 1, 1)
        return (images.float() / 255 - column[0]) / column[1]
