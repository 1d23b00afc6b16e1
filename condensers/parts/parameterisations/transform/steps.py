"""Which quantisation step coded images should have, judged on images that are held out.

Steps grow by the square root of two; the search begins at the finest and ends where two coarser
ones were worse than the best, so that few images are coded where few are wanted. The numbers of
images that fit come from the bytes of 20 of each class. Images that are learned have the next finer
step: learning makes up for number more than for detail, as with JPEG files. On validation images
(one set each at the bytes of one image a class) steps of 0.25 to 0.5 could not be told apart for
learned images, on CIFAR-10 and on mnist-5k; 1.0, which linear classifiers want of mnist-5k, was 1.4
points worse there. Source: ours; `condensers.parts.parameterisations.held_out` has the classifier.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.parts.labels import hard_label_bytes
from condensers.parts.parameterisations.held_out import Choice, judge
from condensers.parts.parameterisations.transform.cosines import as_pixels, restore
from condensers.parts.parameterisations.transform.quantiser import Quantiser

STEPS_TRIED = (0.125, 0.18, 0.25, 0.35, 0.5, 0.7, 1.0)
FALLBACK = 0.5  # where no image can be held out
SAMPLE = 20  # images of a class
PATIENCE = 2


def choose_step(data: ClassData, nbytes: int, quantiser: Quantiser) -> Choice:
    """Return the step at which real images say most of the held-out ones.

    Args:
        data: The real images; some of them are held out.
        nbytes: Bytes that all images and their labels may take.
        quantiser: Its dead zone and mean images; its step has no part in it.
    """
    own = data.to(torch.device("cpu"))
    forms = ((step, _Coded(own, replace(quantiser, step=step))) for step in STEPS_TRIED)
    called = [__name__, quantiser.dead_zone, quantiser.templates, *STEPS_TRIED]
    found = judge(own, nbytes, forms, PATIENCE, called)
    best = found.best(finest=-1) if found.accuracies else FALLBACK
    return Choice(best, best, found)


def choose_learned_step(data: ClassData, nbytes: int, quantiser: Quantiser) -> Choice:
    """Return the step of images that are learned: the next finer than that of real images.

    Args:
        data: The real images; some of them are held out.
        nbytes: Bytes that all images and their labels may take.
        quantiser: Its dead zone and mean images; its step has no part in it.
    """
    choice = choose_step(data, nbytes, quantiser)
    if not choice.found.accuracies:
        return choice
    finer = [step for step in STEPS_TRIED if step < choice.real]
    return replace(choice, chosen=max(finer, default=choice.real))


@dataclass(frozen=True)
class _Coded:
    """Real images as coded images of one step."""

    data: ClassData
    quantiser: Quantiser

    def count(self, nbytes: int) -> int:
        each = min(SAMPLE, *(self.data.count(label) for label in self.data.classes))
        images = each * len(self.data.classes)
        per_image = self.quantiser.measure(self.data, each) / images + hard_label_bytes(self.data)
        return int(nbytes / per_image / len(self.data.classes))

    def read(self, images: Tensor) -> Tensor:
        coded, _ = self.quantiser.quantise(images.float() / 255, self.data)
        values = torch.from_numpy(coded.values())
        parts = [as_pixels(restore(part, self.data.shape)) for part in torch.split(values, 1024)]
        return torch.cat(parts).to(torch.uint8)
