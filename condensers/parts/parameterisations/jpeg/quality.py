"""Which quality JPEG files should have: 3, 5, 10 or 20, judged on images that are held out.

What `condensers.parts.parameterisations.held_out` says holds for real files. Learned ones want
finer quality, since learning makes up for number more than for detail: of Fashion-MNIST at 7,850
bytes it takes 5, as classifiers of real files do, where learned files of quality 10 are 4.7 points
better than of quality 5 (one set each, 2,000 validation images); of mnist-5k there it takes 3, and
quality 5 was the choice of `semantic` on validation images. So files that are learned have the next
finer quality of 3, 5, 10, 20 and 40, where it still holds more images than pixels do. Source: ours.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.parts.parameterisations.held_out import Choice, judge
from condensers.parts.parameterisations.jpeg import files
from condensers.parts.parameterisations.jpeg.sizes import Sizes
from condensers.parts.parameterisations.pixels import stored_bytes

QUALITIES = (3, 5, 10, 20)
FINER = {3: 5, 5: 10, 10: 20, 20: 40}  # what learned files have where real ones have the former
FALLBACK = 10  # where no image can be held out


def choose_quality(data: ClassData, nbytes: int) -> Choice:
    """Return the quality whose real files say most of the held-out images.

    Args:
        data: The real images; some of them are held out.
        nbytes: Bytes that all files and their labels may take.
    """
    own = data.to(torch.device("cpu"))
    forms = ((quality, _Files(own, quality)) for quality in QUALITIES)
    found = judge(own, nbytes, forms, len(QUALITIES), [__name__, *QUALITIES])
    best = int(found.best(finest=1)) if found.accuracies else FALLBACK
    return Choice(best, best, found)


def choose_learned_quality(data: ClassData, nbytes: int) -> Choice:
    """Return the quality of files that are learned: one step finer than that of real files.

    Where fewer of them would fit than raw images, it is that of real files.

    Args:
        data: The real images; some of them are held out.
        nbytes: Bytes that all files and their labels may take.
    """
    choice = choose_quality(data, nbytes)
    if not choice.found.accuracies:
        return choice
    finer = FINER[int(choice.real)]
    raw = nbytes // stored_bytes(data, 1)
    fits = Sizes(data, "jpeg", finer).fitting(nbytes) > raw
    return replace(choice, chosen=finer) if fits else choice


@dataclass(frozen=True)
class _Files:
    """Real images as files of one quality."""

    data: ClassData
    quality: int

    def count(self, nbytes: int) -> int:
        return Sizes(self.data, "jpeg", self.quality).fitting(nbytes)

    def read(self, images: Tensor) -> Tensor:
        shape = self.data.shape
        shared = files.frame("jpeg", self.quality, shape)
        bodies = files.bodies("jpeg", self.quality, images.numpy())
        return torch.from_numpy(
            np.stack([files.decode_file("jpeg", shared, body, shape) for body in bodies])
        )
