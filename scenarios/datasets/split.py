"""Dividing images into disjoint parts, class by class, always in the same way.

Images that are in several parts of a data set, or in several of its classes, equal in every pixel.
"""

from collections.abc import Mapping, Sized
from hashlib import blake2b

import numpy as np
import torch

from condensers.data import ClassData
from condensers.errors import DataMissing
from scenarios.datasets.raw import Indices, Pixels, RawData, RawPart
from scenarios.protocol import Splits

PixelIndex = dict[
    bytes, list[tuple[str, int, str]]
]  # pixels -> (part, label, file) of each image that has them


def describe_copies(parts: Mapping[str, RawPart]) -> list[str]:
    """A sentence on each kind of copy that there is; the first part is the one that is learned
    from.

    Each part needs its files, which the sentences name.
    """
    places = _index_pixels(parts)
    learned, *others = parts
    found = []
    for name in others:
        pairs = [pair for of in places.values() for pair in _pair_files(of, learned, name)]
        if pairs:
            known, them = len(parts[name].labels), "it" if len(pairs) == 1 else "them"
            found.append(
                f"{len(pairs)} of {known} {name} images {_verb(pairs)} in the {learned} part too,"
                f" equal in every pixel: {_join_pair(pairs[0])}; figures on the {name} part count"
                f" {them} as unseen"
            )
    mixed = [of for of in places.values() if len({label for _, label, _ in of}) > 1]
    if mixed:
        one, other = mixed[0][0], next(place for place in mixed[0] if place[1] != mixed[0][0][1])
        found.append(
            f"{len(mixed)} image{'s' * (len(mixed) > 1)} {_verb(mixed)} in more than one class,"
            f" equal in every pixel: {_join_pair((one[2], other[2]))}"
        )
    return found


def _index_pixels(parts: Mapping[str, RawPart]) -> PixelIndex:
    places: PixelIndex = {}
    for name, part in parts.items():
        for image, label, file in zip(part.images, part.labels, part.files, strict=True):
            places.setdefault(blake2b(image.tobytes()).digest(), []).append(
                (name, int(label), file)
            )
    return places


def _pair_files(of: list[tuple[str, int, str]], learned: str, name: str) -> list[tuple[str, str]]:
    """(file in the learned part, file) of each image in the part `name`."""
    first = next((file for part, _, file in of if part == learned), None)
    return [] if first is None else [(first, file) for part, _, file in of if part == name]


def _verb(found: Sized) -> str:
    return "is" if len(found) == 1 else "are"


def _join_pair(pair: tuple[str, str]) -> str:
    return f"{pair[0]} and {pair[1]}"


SEED = 0
COUNTED = 1024  # images at once, whose values take eight times their bytes while counted


def hold_out(
    name: str, part: RawPart, class_names: tuple[str, ...], fraction: float, purpose: str
) -> tuple[RawPart, RawPart]:
    """Return (kept, held): of each class's n images, round(n * fraction) are held, at least one and
    at most n - 1.

    Both come in one shuffled order, so that the first images are not all of the first class. Raises
    DataMissing for a class with a single image.
    """
    kept, held = hold_out_indices(name, part.labels, class_names, fraction, purpose)
    return part.take(kept), part.take(held)


def hold_out_indices(
    name: str, labels: Indices, class_names: tuple[str, ...], fraction: float, purpose: str
) -> tuple[Indices, Indices]:
    """Indices into `labels` of what `hold_out` keeps and holds."""
    if not len(labels):
        raise DataMissing(
            f"{name}: holds no images to divide between training and {purpose}; fetch or add some"
        )
    counts = np.bincount(labels, minlength=len(class_names))
    if (counts == 1).any():
        alone = class_names[int(np.argmax(counts == 1))]
        raise DataMissing(
            f"{name}: class '{alone}' has only 1 image left to divide between training and"
            f" {purpose}; add images to it"
        )
    return split_stratified(labels, fraction)


def split_stratified(labels: Indices, fraction: float) -> tuple[Indices, Indices]:
    """Return shuffled (kept, held) indices into `labels`, with `fraction` of each class held."""
    # RandomState, not Generator: numpy promises that its numbers never change, and the split must
    # not either.
    random = np.random.RandomState(SEED)
    choice = random.permutation(len(labels))
    is_held = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        members = choice[labels[choice] == label]
        is_held[members[: min(max(1, round(len(members) * fraction)), len(members) - 1)]] = True
    # A second draw for the order: in the first one, what is left of a class starts only after what
    # is held of it.
    order = random.permutation(len(labels))
    return order[~is_held[order]], order[is_held[order]]


def statistics(images: Pixels) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation per channel of (N, C, H, W) uint8 images, for pixels in [0, 1].

    Computed from counts of the 256 values, hence exact in any order. A channel of one value gets
    deviation 1, so that it can be divided by.
    """
    values = np.arange(256) / 255
    means, deviations = [], []
    for channel in range(images.shape[1]):
        counts = np.zeros(256, dtype=np.int64)
        for first in range(0, len(images), COUNTED):
            values_here = images[first : first + COUNTED, channel].ravel()
            counts += np.bincount(values_here, minlength=256)
        share = counts / images[:, channel].size
        mean = float(share @ values)
        deviation = float(np.sqrt(share @ (values - mean) ** 2))
        means.append(round(mean, 6))
        deviations.append(round(deviation, 6) or 1.0)
    return tuple(means), tuple(deviations)


def as_splits(name: str, raw: RawData, validation: float) -> Splits:
    """Hold out validation images, unless there are such; all parts get the training part's
    statistics.

    Notes go with all three parts, as printable text: they quote names of files.
    """
    if raw.train.images.shape[1:] != raw.test.images.shape[1:]:
        train, test = raw.train.images.shape[1:], raw.test.images.shape[1:]
        raise DataMissing(
            f"{name}: training images are {train} (C, H, W) but test images {test}; make them equal"
        )
    train_part, validation_part = raw.train, raw.validation
    if validation_part is None:
        train_part, validation_part = hold_out(
            name, raw.train, raw.class_names, validation, "validation"
        )
    named = {"training": train_part, "validation": validation_part, "test": raw.test}
    found = describe_copies(named) if all(part.files for part in named.values()) else []
    notes = tuple(_make_printable(note) for note in (*raw.notes, *found))
    mean, std = (raw.mean, raw.std) if raw.mean and raw.std else statistics(train_part.images)

    def as_data(part: RawPart) -> ClassData:
        return ClassData(
            name=name,
            images=torch.from_numpy(_own(part.images)),
            labels=torch.from_numpy(part.labels),
            class_names=raw.class_names,
            mean=mean,
            std=std,
            mirror=raw.mirror,
            licence=raw.licence,
            notes=notes,
        )

    return Splits(
        train=as_data(train_part), validation=as_data(validation_part), test=as_data(raw.test)
    )


def _own(images: Pixels) -> Pixels:
    """A copy of what somebody else may write to; what lies in a file of ours stays there."""
    return images if isinstance(images, np.memmap) else np.array(images)


def _make_printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)
