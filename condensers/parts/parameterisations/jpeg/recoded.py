"""JPEG images in a stream of an arithmetic coder: as a set stores them, and how many of them fit.

They decode to the images of the JPEG files that hold the same coefficients, as Pillow reads them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, final
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.parts.parameterisations.base import Groups, StorageForm, require_equal
from condensers.parts.parameterisations.coding.counting import count_fitting, order_images
from condensers.parts.parameterisations.coding.stored import STREAM, read_stream, store_stream
from condensers.parts.parameterisations.jpeg import files
from condensers.parts.parameterisations.jpeg.entropy import body, layout
from condensers.parts.parameterisations.jpeg.recoding import Recoded, decode, encode, measure
from condensers.parts.parameterisations.jpeg.transform import Transform
from condensers.parts.parameterisations.pixels import Pixels


@final
@dataclass(frozen=True)
class RecodedFiles(StorageForm):
    """JPEG images in one stream."""

    registered: ClassVar[str] = "recoded"

    def store(self, images: Recoded) -> Groups:
        """Return the stored groups of images."""
        return store_stream(encode(images))

    def unpack(
        self,
        stored: Mapping[str, Tensor],
        mean: Sequence[float],
        std: Sequence[float],
        shape: Sequence[int],
    ) -> Tensor:
        """Decode the stream; ValueError for damaged bytes."""
        images = _read(stored)
        if images.shape != tuple(shape):
            raise ValueError(f"its coded images have shape {images.shape}, not {tuple(shape)}")
        form = layout(images.shape, images.quality)
        shared = files.frame("jpeg", images.quality, shape)
        read = [
            files.decode_file("jpeg", shared, body(one, form), shape)
            for one in images.coefficients.tolist()
        ]
        pixels = torch.from_numpy(np.stack(read)) if read else torch.empty(0, *shape).byte()
        return Pixels().unpack({"images": pixels.to(stored[STREAM].device)}, mean, std, shape)

    def take(self, stored: Mapping[str, Tensor], units: Tensor) -> Groups:
        """Return the images at `units`."""
        images = _read(stored)
        return self.store(images._replace(coefficients=images.coefficients[units.cpu()]))

    def join(self, parts: Sequence[Mapping[str, Tensor]]) -> Groups:
        """Return the images of all parts; UsageError for other qualities."""
        read = [_read(part) for part in parts]
        told = [{"quality": torch.tensor([one.quality, *one.shape])} for one in read]
        require_equal(told, ("quality",), "compressed with different settings")
        return self.store(
            read[0]._replace(coefficients=torch.cat([one.coefficients for one in read]))
        )


def _read(stored: Mapping[str, Tensor]) -> Recoded:
    return decode(read_stream(stored))


_COUNTS: WeakKeyDictionary[ClassData, dict[tuple[int, int, int | None], int]] = WeakKeyDictionary()


class RecodedSizes:
    """How many recoded images of `data` fit, at one quality."""

    def __init__(self, data: ClassData, quality: int) -> None:
        self.data, self.quality = data, quality

    def images(self, indices: Tensor) -> Recoded:
        """Return real images as their quantised coefficients."""
        real = self.data.images[indices.to(self.data.device)].float()
        found = Transform(self.data.shape, self.quality).forward(real).round()
        return Recoded(self.data.shape, self.quality, found.long().cpu())

    def fitting(self, limit: int, label: int | None = None) -> int:
        """The most images of each class that fit `limit` bytes, counted in a fixed order.

        `label`: bytes of the label of an image; those of a hard one if None.
        """
        known, key = _COUNTS.setdefault(self.data, {}), (self.quality, limit, label)
        if key not in known:
            known[key] = count_fitting(self.data, limit, self.measure, self.content, label)
        return known[key]

    def measure(self, images: int) -> float:
        """About the bytes of so many images of each class, in that order."""
        return measure(self._first(images))

    def content(self, images: int) -> int:
        """Bytes of so many images of each class, in that order."""
        return len(encode(self._first(images)))

    def _first(self, each: int) -> Recoded:
        return self.images(torch.cat([of[:each] for of in order_images(self.data)]))
