"""Pixels: every synthetic image is an array of its own, learned pixel by pixel and stored at one
byte per value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.hyperparameters import hyper
from condensers.parts.parameterisations.base import Groups

DTYPES = {"uint8": torch.uint8, "float16": torch.float16, "float32": torch.float32}


@dataclass(frozen=True)
class Pixels:
    """One array of pixels per synthetic image."""

    storage: str = hyper(
        "uint8",
        help="dtype of the stored pixels",
        source="ours: what real images cost",
        values=("uint8", "float16", "float32"),
    )

    registered: ClassVar[str] = "pixels"
    couples_classes: ClassVar[bool] = False

    @property
    def copies(self) -> int:
        return 1

    def units(self, data: ClassData, ipc: int) -> int:
        return ipc

    def nbytes(self, data: ClassData, ipc: int) -> int:
        """Stored bytes of the pixels of all classes."""
        channels, height, width = data.shape
        return len(data.classes) * ipc * channels * height * width * DTYPES[self.storage].itemsize

    def groups(self, start: Tensor, data: ClassData, context: Context) -> Groups:
        """The starting images themselves."""
        return {"images": start.clone()}

    def decode(self, groups: Mapping[str, Tensor], units: slice) -> Tensor:
        return groups["images"][units]

    def project(self, groups: Groups, data: ClassData) -> None:
        """Pixels are free while they are learned, and clamped when they are stored."""

    def pack(self, groups: Mapping[str, Tensor], data: ClassData) -> Groups:
        """The groups as stored: uint8 pixels in 0..255, or normalised floats."""
        images = groups["images"].detach()
        return {
            "images": (
                (
                    data.quantise(images)
                    if self.storage == "uint8"
                    else images.to(DTYPES[self.storage])
                ).cpu()
            )
        }

    def take(self, stored: Mapping[str, Tensor], units: Tensor) -> Groups:
        return {"images": stored["images"][units]}

    def join(self, parts: Sequence[Mapping[str, Tensor]]) -> Groups:
        return {"images": torch.cat([part["images"] for part in parts])}

    def unpack(
        self,
        stored: Mapping[str, Tensor],
        mean: Sequence[float],
        std: Sequence[float],
        shape: Sequence[int],
    ) -> Tensor:
        """Stored groups -> images (M, C, H, W) float32 normalised."""
        images = stored["images"]
        if images.dtype != torch.uint8:
            return images.float()
        column = torch.tensor([*mean, *std], device=images.device).view(2, 1, -1, 1, 1)
        return (images.float() / 255 - column[0]) / column[1]
