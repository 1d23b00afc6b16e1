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
from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from condensers.parts.labels import hard_label_bytes
from condensers.parts.parameterisations.base import Groups, Parameterisation, Units

DTYPES = {"uint8": torch.uint8, "float16": torch.float16, "float32": torch.float32}


@dataclass(frozen=True)
class Pixels(Parameterisation):
    """One array of pixels per synthetic image."""

    storage: str = hyper(
        "uint8",
        help="dtype of the stored pixels",
        source="ours: what real images cost",
        values=("uint8", "float16", "float32"),
    )

    registered: ClassVar[str] = "pixels"
    couples_classes: ClassVar[bool] = False

    def nbytes(self, data: ClassData, ipc: int) -> int:
        """Stored bytes of the pixels of all classes."""
        channels, height, width = data.shape
        return len(data.classes) * ipc * channels * height * width * DTYPES[self.storage].itemsize

    def groups(self, start: Tensor, data: ClassData, context: Context) -> Groups:
        """The starting images themselves."""
        return {"images": start.clone()}

    def decode(self, groups: Mapping[str, Tensor], units: Units) -> Tensor:
        """Return the images themselves, (units, C, H, W)."""
        return groups["images"][units]

    def pack(self, groups: Mapping[str, Tensor], data: ClassData) -> Groups:
        """Return the images as stored: uint8 pixels in 0..255, clamped, or normalised floats."""
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
        """Return the images at `units`."""
        return {"images": stored["images"][units]}

    def join(self, parts: Sequence[Mapping[str, Tensor]]) -> Groups:
        """Return the images of all parts."""
        return {"images": torch.cat([part["images"] for part in parts])}

    def append(
        self, stored: Mapping[str, Tensor], kept: Tensor, images: Tensor, like: int | None
    ) -> Groups:
        """Return the images at `kept` and the new ones; UsageError where pixels are floats."""
        if stored["images"].dtype != torch.uint8:
            return super().append(stored, kept, images, like)
        return {"images": torch.cat([stored["images"][kept], images.to(stored["images"].device)])}

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


def stored_bytes(data: ClassData, ipc: int) -> int:
    """Return the bytes of `ipc` uint8 images and their hard labels for each class."""
    labels = ipc * len(data.classes) * hard_label_bytes(data)
    return Pixels().nbytes(data, ipc) + labels


def count_units(data: ClassData, ipc: int, unit: int, shared: int, name: str) -> int:
    """Return the stored units of a class that fit the bytes of `ipc` uint8 images of each class.

    Args:
        data: The real images.
        ipc: Images per class that the bytes are those of, hard labels included.
        unit: Bytes of a unit without its hard label.
        shared: Bytes of what all units share.
        name: Of the parameterisation, for the message.

    Raises:
        UsageError: Not one unit of each class fits.
    """
    budget, label = stored_bytes(data, ipc), hard_label_bytes(data)
    units = (budget - shared) // (len(data.classes) * (unit + label))
    if units < 1:
        raise UsageError(
            f"parameterisation {name}: {budget} bytes (ipc {ipc} of {len(data.classes)} classes of"
            f" {data.name}) do not hold what all images share, {shared} bytes, and one labelled"
            f" unit of {unit + label} bytes for each class; take a larger ipc, or smaller settings"
            " of the parameterisation"
        )
    return units
