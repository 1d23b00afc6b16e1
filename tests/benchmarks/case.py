"""What is timed: how large, on which images, on which device."""

import copy
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers.data import ClassData
from condensers.errors import DataMissing
from scenarios.datasets import load

NOISE = "noise"


@dataclass(frozen=True)
class Case:
    """Sizes as in the papers. data: a data set, or "noise", then `classes`, `per_class` and `side`
    say of what size.

    networks: trained together. epochs: of training, in one unit. tests: images of a test pass.
    outer, inner: of DC's schedule. few: how many of the classes take part in a step that goes class
    by class; 0 for all.
    """

    data: str = NOISE
    classes: int = 10
    per_class: int = 300
    side: int = 28
    ipc: int = 10
    batch_real: int = 256
    depth: int = 3
    width: int = 128
    networks: int = 32
    epochs: int = 3
    tests: int = 1024
    outer: int = 10
    inner: int = 50
    few: int = 0
    channels: int = 1
    device: str = "cpu"

    @property
    def network(self) -> dict[str, Any]:
        return {"name": "convnet", "depth": self.depth, "width": self.width}

    def train(self) -> ClassData:
        """The real images."""
        return self._images(test=False).to(torch.device(self.device))

    def test(self) -> ClassData:
        """The first `tests` images of the test part."""
        data = self._images(test=True)
        chosen = torch.randperm(len(data.images), generator=torch.Generator().manual_seed(0))[
            : self.tests
        ]
        return data.subset(chosen).to(torch.device(self.device))

    def _images(self, test: bool) -> ClassData:
        data = self._all_images(test)
        return first_classes(data, self.few) if self.few else data

    def _all_images(self, test: bool) -> ClassData:
        if self.data != NOISE:
            splits = load(self.data)
            return splits.test if test else splits.train
        generator = torch.Generator().manual_seed(int(test))
        shape = (self.classes * self.per_class, self.channels, self.side, self.side)
        labels = torch.arange(self.classes).repeat_interleave(self.per_class)
        images = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
        return ClassData(
            NOISE,
            images,
            labels,
            tuple(map(str, range(self.classes))),
            (0.5,) * self.channels,
            (0.3,) * self.channels,
            mirror=False,
        )


def first_classes(data: ClassData, count: int) -> ClassData:
    """The images of the first classes, as a data set that has no others."""
    chosen, names = data.labels < count, data.class_names[:count]
    images, labels = data.images[chosen], data.labels[chosen]
    return replace(
        data, images=images, labels=labels, class_names=names, classes=tuple(range(count))
    )


def usual_data() -> str:
    """Fashion-MNIST, or where its files are not here the digits that a dependency ships."""
    try:
        load("fashion-mnist")
    except DataMissing:
        return "mnist-5k"
    return "fashion-mnist"


@torch.no_grad()
def mean_loss(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """The mean cross-entropy of a network that has been trained: what its two trainings are
    compared by.
    """
    return functional.cross_entropy(network(images), labels).item()


def kept(state: dict[str, Any]) -> dict[str, Any]:
    """A state that later steps do not change."""
    return copy.deepcopy(state)
