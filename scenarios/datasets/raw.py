"""What a data set gives before it is divided: arrays with the names, licence and statistics that
belong to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from condensers.errors import DataMissing, UsageError

Pixels = npt.NDArray[np.uint8]
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class RawPart:
    """Labelled images.

    Attributes:
        images: (N, C, H, W) uint8.
        labels: (N,) int64, indices into the class names.
        files: The file of each image; () if images have no file each.
    """

    images: Pixels
    labels: Indices
    files: tuple[str, ...] = ()

    def take(self, indices: Indices) -> RawPart:
        """Return a copy of the images at `indices`, in that order."""
        files = tuple(self.files[index] for index in indices) if self.files else ()
        return RawPart(self.images[indices], self.labels[indices], files)


@dataclass(frozen=True, eq=False)
class RawData:
    """The published parts of a data set.

    Attributes:
        train: The training part.
        test: The test part.
        class_names: K names.
        licence: Such as "MIT".
        mirror: Whether a horizontally flipped image keeps its label.
        mean: Per channel, for pixels in [0, 1]; None to compute it from the training part.
        std: Likewise.
        validation: The validation part; None to hold one out.
        notes: What a user should know of the parts, a sentence each.
    """

    train: RawPart
    test: RawPart
    class_names: tuple[str, ...]
    licence: str
    mirror: bool
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    validation: RawPart | None = None
    notes: tuple[str, ...] = ()


def check_labels(labels: Any, classes: int, images: int, where: str) -> Indices:
    """Return `labels` as (N,) int64; DataMissing unless each image has the label of a class."""
    array = _whole_numbers(labels)
    if array is None:
        raise DataMissing(
            f"{where}: its labels are not a row of whole numbers; fetch the file again"
        )
    if array.ndim != 1 or len(array) != images:
        raise DataMissing(
            f"{where}: it holds {array.size} labels for {images} images; fetch the file again"
        )
    if images and not (array.min() >= 0 and array.max() < classes):
        raise DataMissing(
            f"{where}: labels run from {array.min()} to {array.max()}, but there are {classes}"
            " classes"
        )
    return array.astype(np.int64)


def _whole_numbers(labels: Any) -> npt.NDArray[Any] | None:
    """An array of whole numbers; None for anything that is not made of such alone."""
    if isinstance(labels, list | tuple):
        # Asked before numpy is: it would follow lists within lists as far as they go.
        if not all(type(label) is int and abs(label) < 2**62 for label in labels):
            return None
        return np.array(labels, dtype=np.int64)
    if not isinstance(labels, np.ndarray):
        return None
    if (
        labels.dtype.kind == "f"
        and (np.abs(labels) < 2**53).all()
        and (labels == np.rint(labels)).all()
    ):
        return labels.astype(np.int64)
    return labels if labels.dtype.kind in "iu" else None


def check_raw(raw: Any, where: str) -> RawData:
    """Check what a data set's `read` returned.

    Raises:
        UsageError: It is no RawData of uint8 images.
        DataMissing: The labels do not fit the images.
    """
    if not isinstance(raw, RawData):
        raise UsageError(
            f"{where}: its read() gave {type(raw).__name__}, not RawData(train, test, class_names,"
            " licence, mirror)"
        )
    for part, name in ((raw.train, "training"), (raw.test, "test")):
        images = part.images
        if images.ndim != 4 or images.dtype != np.uint8:
            said = f"{images.dtype} of shape {tuple(images.shape)}"
            raise UsageError(
                f"{where}: its {name} images are {said}; give uint8 of shape (N, C, H, W)"
            )
        check_labels(part.labels, len(raw.class_names), len(images), f"{where}, {name} part")
    return raw
