"""Which quality JPEG files should have, judged on images that are held out of the data at hand.

For each quality q of 3, 5, 10 and 20: as many real files as fit the bytes, drawn from a part of the
images, are read back; a classifier is fitted to them, and tested on images of the other part.

f(x) = pool( relu( W * x ) ),  W: random patches of Gaussian noise;
a = (F' F + r I)^-1 F' (Y - 1 / K),  score_q: accuracy of f(x)' a on the images held out

Source: ours; random filters and a linear classifier as in Coates, Ng & Lee, "An analysis of
single-layer networks in unsupervised feature learning" (AISTATS 2011), without the learning of
filters. It takes a second or two at the bytes of one image a class, and follows from data and bytes
alone: no seed has a part in it. What it says holds for real files. Learned ones want finer quality,
since learning makes up for number more than for detail: of Fashion-MNIST at 7,850 bytes it takes 5,
as classifiers of real files do, where learned files of quality 10 are 4.7 points better than of
quality 5 (one set each, 2,000 validation images); of mnist-5k there it takes 3, and quality 5 was
the choice of `semantic` on validation images. So files that are learned have the next finer quality
of 3, 5, 10, 20 and 40, where it still holds more images than pixels do.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from condensers.data import ClassData
from condensers.parts.parameterisations.coding.counting import FIXED_ORDER
from condensers.parts.parameterisations.jpeg import files
from condensers.parts.parameterisations.jpeg.sizes import Sizes
from condensers.parts.parameterisations.pixels import stored_bytes

QUALITIES = (3, 5, 10, 20)
FINER = {3: 5, 5: 10, 10: 20, 20: 40}  # what learned files have where real ones have the former
FALLBACK = 10  # where no image can be held out, or there is one class alone
HELD, LARGEST_PART = 100, 2  # images of a class that are held out, at most half of it
FILTERS, PATCH, POOLED, SIDE = 64, 5, 4, 32
RIDGE = 0.1
DRAWS, FEW = 2, 1000  # of fewer files than FEW there are several draws
MOST_FILES = 10_000  # of all classes
AT_ONCE = 256


@dataclass(frozen=True)
class QualityChoice:
    """The quality that was chosen.

    Attributes:
        quality: 1 to 100.
        accuracies: Quality -> percentage of the held-out images; empty if none could be held out.
        held: Images that were held out.
        real: The quality that real files should have.
    """

    quality: int
    accuracies: dict[int, float]
    held: int
    real: int

    def card_entries(self) -> dict[str, object]:
        """Return what a card says of it."""
        judged = {str(quality): round(of, 2) for quality, of in self.accuracies.items()}
        return {
            "quality": {
                "chosen": self.quality,
                "chosen_for_real_files": self.real,
                "held_out_images": self.held,
                "validation_accuracy_of_real_files": judged,
            }
        }


_made: dict[tuple[str, int], QualityChoice] = {}


def choose_quality(data: ClassData, nbytes: int) -> QualityChoice:
    """Return the quality whose real files say most of the held-out images.

    It is computed once for the same images and bytes in a process.

    Args:
        data: The real images; some of them are held out.
        nbytes: Bytes that all files and their labels may take.
    """
    key = data.digest, nbytes
    if key not in _made:
        _made[key] = _choose(data.to(torch.device("cpu")), nbytes)
    return _made[key]


def choose_learned_quality(data: ClassData, nbytes: int) -> QualityChoice:
    """Return the quality of files that are learned: one step finer than that of real files.

    Where fewer of them would fit than raw images, it is that of real files.

    Args:
        data: The real images; some of them are held out.
        nbytes: Bytes that all files and their labels may take.
    """
    choice = choose_quality(data, nbytes)
    if not choice.accuracies:
        return choice
    finer = FINER[choice.real]
    raw = nbytes // stored_bytes(data, 1)
    fits = Sizes(data, "jpeg", finer).fitting(nbytes) > raw
    return replace(choice, quality=finer) if fits else choice


def _choose(data: ClassData, nbytes: int) -> QualityChoice:
    generator = torch.Generator().manual_seed(FIXED_ORDER)
    held, left = [], []
    for label in data.classes:
        members = data.members(label)
        order = members[torch.randperm(len(members), generator=generator)]
        count = min(HELD, len(members) // LARGEST_PART)
        held.append(order[:count])
        left.append(order[count:])
    if not sum(map(len, held)) or len(data.classes) < 2:  # one class tells no quality from another
        return QualityChoice(FALLBACK, {}, 0, FALLBACK)
    tested = torch.cat(held)
    judge = _Judge(data, tested, generator)
    found = {}
    for quality in QUALITIES:
        fitting = Sizes(data, "jpeg", quality).fitting(nbytes)
        each = max(1, min(fitting, MOST_FILES // len(data.classes)))
        scores = []
        for _ in range(DRAWS if each * len(data.classes) < FEW else 1):
            drawn = [of[torch.randperm(len(of), generator=generator)[:each]] for of in left]
            scores.append(judge.score(torch.cat(drawn), quality))
        found[quality] = sum(scores) / len(scores)
    # Of equal ones the finest: it needs the fewest images.
    best = max(QUALITIES, key=lambda quality: (found[quality], quality))
    return QualityChoice(best, found, len(tested), best)


class _Judge:
    """Random features and the held-out images in them."""

    def __init__(self, data: ClassData, tested: Tensor, generator: torch.Generator) -> None:
        self.data = replace(data, whitening=None)
        filters = torch.randn(FILTERS, data.shape[0], PATCH, PATCH, generator=generator)
        filters = filters - filters.mean((1, 2, 3), keepdim=True)
        self.filters = filters / filters.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
        found = self._features(data.images[tested])
        self.mean, self.std = found.mean(0), found.std(0) + 1e-6
        self.held, self.labels = self._scaled(found), data.labels[tested]

    def _features(self, images: Tensor) -> Tensor:
        """Images (n, C, H, W) uint8 -> (n, D) float32."""
        rows = []
        for part in torch.split(images, AT_ONCE):
            seen = self.data.normalise(part)
            if max(seen.shape[2:]) > SIDE:
                seen = functional.adaptive_avg_pool2d(seen, SIDE)
            found = functional.conv2d(seen, self.filters, padding=PATCH // 2).relu()
            rows.append(functional.adaptive_avg_pool2d(found, POOLED).flatten(1))
        return torch.cat(rows)

    def _scaled(self, features: Tensor) -> Tensor:
        scaled = (features - self.mean) / self.std / features.shape[1] ** 0.5
        return torch.cat([scaled, torch.ones(len(scaled), 1)], 1).double()

    def score(self, chosen: Tensor, quality: int) -> float:
        """Percentage of the held-out images that the files of others teach to tell."""
        data = self.data
        shared = files.frame("jpeg", quality, data.shape)
        bodies = files.bodies("jpeg", quality, data.images[chosen].numpy())
        read = np.stack([files.decode_file("jpeg", shared, body, data.shape) for body in bodies])
        rows = self._scaled(self._features(torch.from_numpy(read)))
        targets = functional.one_hot(data.labels[chosen], len(data.class_names)).double()
        gram = rows.T @ rows + RIDGE * torch.eye(rows.shape[1], dtype=torch.float64)
        weights = torch.linalg.solve(gram, rows.T @ (targets - 1 / len(data.class_names)))
        said = (self.held @ weights).argmax(1)
        return float((said == self.labels).double().mean() * 100)
