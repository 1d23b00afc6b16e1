"""Parts with labels of any kind -> the raw data of a data set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from condensers.errors import DataMissing
from scenarios.datasets.adapters.preparation import Preparation, PreparationLog
from scenarios.datasets.adapters.samples import (
    Label,
    number_classes,
)
from scenarios.datasets.pictures import advise, describe_size
from scenarios.datasets.raw import Pixels, RawData, RawPart
from scenarios.datasets.split import hold_out

TEST_SHARE = 0.2
TRAIN, VALIDATION, TEST = "training", "validation", "test"
LabelledImages = tuple[Pixels, Sequence[Label]]


@dataclass(frozen=True)
class Facts:
    """What the parts of a data set share.

    Attributes:
        class_names: The classes by number; None to call each by its label.
        mirror: Whether a flipped image keeps its class.
        licence: Of the images.
        notes: What should be known of them, a sentence each.
    """

    class_names: Sequence[str] | None = None
    mirror: bool = True
    licence: str = "not recorded"
    notes: tuple[str, ...] = ()


def pool_parts(where: str, parts: Mapping[str, LabelledImages], facts: Facts) -> RawData:
    """Make raw data of the parts `TRAIN`, and perhaps `VALIDATION` and `TEST`.

    Without a test part, a fifth of each class's training images is one.

    Raises:
        DataMissing: The parts do not agree in shapes or classes.
    """
    train = parts[TRAIN][0]
    for name, (images, _) in parts.items():
        if images.shape[1:] != train.shape[1:]:
            raise DataMissing(
                f"{where}: {name} images are {describe_size(images.shape[1:])}, training images"
                f" {describe_size(train.shape[1:])};"
                f" {advise(images.shape[1:], train.shape[1:])}"
            )
    names, numbers = number_classes(
        {name: labels for name, (_, labels) in parts.items()}, facts.class_names, where
    )
    raw = {name: RawPart(images, numbers[name]) for name, (images, _) in parts.items()}
    notes = facts.notes
    if TEST not in raw:
        kept, held = hold_out(where, raw[TRAIN], names, TEST_SHARE, TEST)
        raw |= {TRAIN: kept, TEST: held}
        notes = (*notes, "has no test part: a fifth of each class's images is held out as one")
    return RawData(
        raw[TRAIN],
        raw[TEST],
        names,
        facts.licence,
        facts.mirror,
        validation=raw.get(VALIDATION),
        notes=notes,
    )


def prepare_pixels(images: Pixels, preparation: Preparation, log: PreparationLog) -> Pixels:
    """Images (N, C, H, W) that all have one shape, converted and resized."""
    if not preparation:
        return images
    made = []
    for image in images:
        flat = image[0] if len(image) == 1 else np.ascontiguousarray(image.transpose(1, 2, 0))
        pixels = np.asarray(preparation.apply(Image.fromarray(flat), log))
        made.append(pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1))
    return np.stack(made) if made else images


def prepare_raw(raw: RawData, preparation: Preparation) -> RawData:
    """Raw data whose images all have one shape, converted and resized; what was done is a note."""
    if not preparation:
        return raw
    log = PreparationLog()
    train, test, validation = (
        part and RawPart(prepare_pixels(part.images, preparation, log), part.labels, part.files)
        for part in (raw.train, raw.test, raw.validation)
    )
    assert train is not None and test is not None
    return replace(
        raw,
        train=train,
        test=test,
        validation=validation,
        mean=None,
        std=None,
        notes=(*raw.notes, *log.sentences(preparation)),
    )
