"""Pairs of an image and a label, as data sets of Python give them -> arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageOps

from condensers.errors import DataMissing, shown
from scenarios.datasets.adapters.preparation import Preparation, PreparationLog
from scenarios.datasets.pictures import advise, decode, describe_size, require_room
from scenarios.datasets.raw import Indices, Pixels

Label = int | str


class ImageFile(NamedTuple):
    """An image in the format of its file.

    Attributes:
        path: Of the file; where `content` is not None, what messages call it.
        content: The bytes of the file, if they stand elsewhere.
    """

    path: Path
    content: bytes | None


@dataclass(frozen=True)
class SampleReader:
    """Turns images and labels into arrays, and names the one that cannot be.

    Attributes:
        where: What the samples are of, for messages.
        preparation: What is done to each image.
        log: Counts it.
    """

    where: str
    preparation: Preparation = Preparation()
    log: PreparationLog = field(default_factory=PreparationLog)

    def read(self, samples: Iterable[tuple[Any, Any]], count: int) -> tuple[Pixels, list[Label]]:
        """Read `count` samples into (N, C, H, W) uint8 and their labels.

        Raises:
            DataMissing: There are none, they do not fit the memory or each other, or one is no
                image with a class.
        """
        images: Pixels | None = None
        labels: list[Label] = []
        for index, (image, label) in enumerate(samples):
            sample = f"{self.where}, sample {index}"
            pixels = self.read_image(image, sample)
            labels.append(read_label(label, sample))
            if images is None:
                require_room(count, pixels.nbytes, self.where)
                images = np.empty((count, *pixels.shape), np.uint8)
            if pixels.shape != images.shape[1:]:
                raise DataMissing(
                    f"{sample}: is {describe_size(pixels.shape)} where the first one is"
                    f" {describe_size(images.shape[1:])};"
                    f" {advise(pixels.shape, images.shape[1:])}"
                )
            images[index] = pixels
        if images is None or len(labels) != count:
            raise DataMissing(f"{self.where}: gave {len(labels)} samples where {count} are due")
        return images, labels

    def read_image(self, image: Any, sample: str) -> Pixels:
        """One image, of Pillow, numpy, torch or a file, as (C, H, W) uint8."""
        if isinstance(image, ImageFile):
            return decode(image.path, self.preparation, self.log, image.content)
        if isinstance(image, Image.Image):
            return self._read_picture(image, sample)
        if not isinstance(image, torch.Tensor | np.ndarray):
            raise DataMissing(
                f"{sample}: its image is {type(image).__name__}; an image is one of Pillow, a"
                " tensor (C, H, W), or an array (H, W) or (H, W, C)"
            )
        values = image.detach().cpu().numpy() if isinstance(image, torch.Tensor) else image
        planes = as_planes(values[None], sample, channels_last=not isinstance(image, torch.Tensor))
        pixels: Pixels = as_bytes(planes, sample)[0]
        if not self.preparation and len(pixels) in (1, 3):
            return pixels
        flat = pixels[0] if len(pixels) == 1 else np.ascontiguousarray(pixels.transpose(1, 2, 0))
        return self._read_picture(Image.fromarray(flat), sample)

    def _read_picture(self, image: Image.Image, sample: str) -> Pixels:
        if image.mode not in ("1", "L", "RGB") and not self.preparation.convert:
            raise DataMissing(
                f"{sample}: its colours are stored as {image.mode}; add convert=rgb or"
                " convert=grey to the data set's name"
            )
        try:
            made = self.preparation.apply(ImageOps.exif_transpose(image), self.log)
            pixels = np.asarray(made)
        except (OSError, ValueError, SyntaxError) as fault:
            raise DataMissing(f"{sample}: cannot be read as an image ({fault})") from fault
        return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def as_planes(images: npt.NDArray[Any], where: str, channels_last: bool) -> npt.NDArray[Any]:
    """Images (N, H, W), (N, H, W, C) or (N, C, H, W) as (N, C, H, W) with 1, 3 or 4 channels.

    Args:
        images: Of any number type.
        where: For the message.
        channels_last: Where the channels are looked for first.

    Raises:
        DataMissing: They are of no such shape.
    """
    if images.ndim == 3:
        single: npt.NDArray[Any] = images[:, None]
        return single
    if images.ndim == 4:
        last, first = images.shape[3] in (1, 3, 4), images.shape[1] in (1, 3, 4)
        if last and (channels_last or not first):
            turned: npt.NDArray[Any] = images.transpose(0, 3, 1, 2)
            return turned
        if first:
            return images
    raise DataMissing(
        f"{where}: images have the shape {images.shape[1:]}; only (H, W), (H, W, C) and (C, H, W)"
        " with 1 or 3 channels are images"
    )


def as_bytes(images: npt.NDArray[Any], where: str) -> Pixels:
    """Pixels as uint8: whole numbers 0 to 255, or fractions 0 to 1 as torchvision's ToTensor makes
    them.
    """
    if images.dtype == np.uint8:
        return images
    if images.size == 0 or images.dtype.kind not in "iuf" or not np.isfinite(images).all():
        raise DataMissing(f"{where}: its pixels are no finite numbers ({images.dtype})")
    low, high = images.min(), images.max()
    whole = images.dtype.kind != "f"
    if low < 0 or high > (255 if whole else 1):
        raise DataMissing(
            f"{where}: its pixels run from {low:g} to {high:g}; give whole numbers 0 to 255 or"
            " fractions 0 to 1, that is, images before they are normalised"
        )
    made: Pixels = (images if whole else np.rint(images * 255)).astype(np.uint8)
    return made


def read_label(label: Any, where: str) -> Label:
    """One class, as a number or a text; DataMissing where it is none, or several."""
    if isinstance(label, torch.Tensor | np.ndarray | np.generic):
        values = np.asarray(label.detach().cpu() if isinstance(label, torch.Tensor) else label)
        if values.size != 1:
            raise DataMissing(
                f"{where}: has a label of {values.size} numbers; only data with one class for each"
                " image can be used"
            )
        label = values.reshape(()).item()
    if isinstance(label, list | tuple) and len(label) == 1:
        return read_label(label[0], where)
    if isinstance(label, float) and label.is_integer():
        return int(label)
    if isinstance(label, bool) or not isinstance(label, int | str):
        raise DataMissing(
            f"{where}: its label is {shown(label)} ({type(label).__name__}); only data with one"
            " class for each image, a whole number or a name, can be used"
        )
    return label


def number_classes(
    labels: dict[str, Sequence[Label]], names: Sequence[str] | None, where: str
) -> tuple[tuple[str, ...], dict[str, Indices]]:
    """Give each class a number.

    Args:
        labels: Part -> the label of each image; the part that is learned from comes first.
        names: The classes by number; None to call each by its label.
        where: For messages.

    Returns:
        The class names, and the labels of each part as numbers below their count.

    Raises:
        DataMissing: A part has a class that the first one lacks, or a number without a name.
    """
    first, *others = labels
    kinds = {type(label) for part in labels.values() for label in part}
    if len(kinds) > 1:
        raise DataMissing(f"{where}: some of its labels are numbers and some are names")
    known: list[Any] = sorted(set(labels[first]))
    for part in others:
        lacking = sorted(set(labels[part]) - set(known))
        if lacking:
            raise DataMissing(
                f"{where}: class {shown(lacking[0])} is in the {part} part but not in the {first}"
                " part; leave it out or add training images"
            )
    if names is not None and kinds == {int}:
        outside = next((label for label in known if not 0 <= label < len(names)), None)
        if outside is not None:
            raise DataMissing(
                f"{where}: label {outside} has no name; {len(names)} classes are named"
            )
        known = list(range(len(names)))
    numbers = {label: number for number, label in enumerate(known)}
    called = tuple(map(str, names if names is not None and kinds == {int} else known))
    return called, {
        part: np.array([numbers[label] for label in of], dtype=np.int64)
        for part, of in labels.items()
    }
