"""What makes a finished set doubtful, by comparison with the real images: saturated pixels,
constant images, copies of the few images of a small class.

excess = max(0, s_0 - r_0) + max(0, s_255 - r_255),  s, r: the shares of pixel values at 0 and at
255 in the set and in the real images. Real images may be mostly black themselves (four fifths of
MNIST's pixels are 0), so a share alone says nothing.

Source: ours. With real digits (8 x 8), `excess` was 0.39 for DM at a learning rate of 1000, 0.33 at
100, 0.17 at 10, 0 at its default of 1, and 0.02 for random real images.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.sets.synthetic_set import SyntheticSet

EXCESS = 0.25  # part of all pixel values at black or white beyond the part in the real images
FLAT, FLAT_SHARE = (
    2,
    0.1,
)  # grey levels that a constant image spans at most; part of such images beyond the real part
REAL_IMAGES = 5000  # real images that are compared with, spread over all
KEY = "doubts"


def with_doubts(synthetic: SyntheticSet, data: ClassData) -> SyntheticSet:
    """Return the set with its doubts, if any, on its card.

    Args:
        synthetic: The set.
        data: The real images that it was made from.
    """
    found = doubts(synthetic, data)
    card: Mapping[str, Any] = {key: value for key, value in synthetic.card.items() if key != KEY}
    return replace(synthetic, card={**card, KEY: found} if found else card)


def doubts(synthetic: SyntheticSet, data: ClassData) -> list[str]:
    """A sentence for each doubt; none for most sets."""
    every = max(1, len(data.images) // REAL_IMAGES)
    real = data.images[::every].cpu()
    made = data.quantise(synthetic.decode()[0].to(data.device)).cpu()
    return [
        *_saturation(made, real, data.name),
        *_constancy(made, real, data.name),
        *_copies(made, synthetic, data),
    ]


def _saturation(made: Tensor, real: Tensor, name: str) -> list[str]:
    own, theirs = _ends(made), _ends(real)
    excess = sum(max(0.0, s - r) for s, r in zip(own, theirs, strict=True))
    if excess < EXCESS:
        return []
    return [
        f"{100 * sum(own):.0f} % of its pixel values are black or white ({100 * own[0]:.0f} and"
        f" {100 * own[1]:.0f} %), where those of {name} are {100 * sum(theirs):.0f} %"
        f" ({100 * theirs[0]:.0f} and {100 * theirs[1]:.0f} %): its images are saturated, as by too"
        " large a learning rate"
    ]


def _constancy(made: Tensor, real: Tensor, name: str) -> list[str]:
    own, theirs = _constant(made), _constant(real)
    share = float(own.double().mean())
    if share - float(theirs.double().mean()) < FLAT_SHARE:
        return []
    return [
        f"{int(own.sum())} of its {len(made)} images are of one constant colour, where"
        f" {100 * float(theirs.double().mean()):.0f} % of {name} are: they show nothing"
    ]


def _copies(made: Tensor, synthetic: SyntheticSet, data: ClassData) -> list[str]:
    """A class with fewer real images than the set holds, whose images are copies of each other."""
    classes = [label for label in synthetic.card["classes"] if label in data.classes]
    each = len(made) // len(synthetic.card["classes"])
    if len(classes) * each != len(made):
        return []
    few = {
        label: len({image.numpy().tobytes() for image in images})
        for label, images in zip(classes, torch.split(made, each), strict=True)
        if data.count(label) < each
    }
    copied = [label for label, different in few.items() if different < each]
    if not copied:
        return []
    first = copied[0]
    others = f"; so have {len(copied) - 1} other classes" if len(copied) > 1 else ""
    return [
        f"class '{data.class_names[first]}' has {few[first]} different images among its {each}, for"
        f" {data.name} has {data.count(first)} of that class{others}: take a lower ipc"
    ]


def _ends(images: Tensor) -> tuple[float, float]:
    """The shares of values at 0 and at 255 in uint8 images."""
    return float((images == 0).double().mean()), float((images == 255).double().mean())


def _constant(images: Tensor) -> Tensor:
    """Of each uint8 image (n, C, H, W) whether all channels are constant, to FLAT levels."""
    flat = images.flatten(2)
    return ((flat.amax(2).int() - flat.amin(2).int()) <= FLAT).all(1)
