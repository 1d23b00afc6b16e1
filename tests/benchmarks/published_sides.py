"""The published loops as units of work: `prepare(index)` puts everything where unit `index` begins,
`run()` is timed.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.case import Case, kept, mean_loss
from benchmarks.plain import (
    Published,
    PublishedLoop,
    embedding_loss,
    gradient_loss,
    logits_of_test,
    squared_gradient_loss,
)
from condensers.data import ClassData
from condensers.parts.augmentations.dsa import NoAugmentation, Siamese

TOGETHER = Siamese("color_crop_cutout", "together")


def published(name: str, data: ClassData, outer: int | None, inner: int) -> Published:
    """DC, DSA, DM or IDC with the published settings."""
    siamese = Siamese().for_data(data)
    if name == "dm":
        return Published(embedding_loss, 1.0, "real", siamese)
    if name == "idc":
        return Published(squared_gradient_loss, 5e-3, "real", TOGETHER, outer, inner, tiles=2)
    if name == "dc":
        return Published(gradient_loss, 0.1, "noise", NoAugmentation(), outer, inner)
    return Published(gradient_loss, 0.1, "real", siamese, outer, inner)


class PublishedSide:
    """A run of the published method that every unit starts anew from the same images."""

    def __init__(self, name: str, case: Case, outer: int = 1, inner: int = 0) -> None:
        self.case, self.data = case, case.train()
        method = published(name, self.data, outer, inner)
        self.loop = PublishedLoop(
            method, self.data, case.ipc, case.batch_real, (case.depth, case.width), seed=0
        )
        self.start = self.loop.images.detach().clone()
        self.weights = kept(self.loop.network.state_dict()) if self.loop.network else {}
        self.total = 0.0

    def prepare(self, index: int) -> None:
        self.loop.images.detach().copy_(self.start)
        self.loop.optimiser.state.clear()
        self.loop.generator.manual_seed(index)

    def loss(self) -> float:
        return self.total

    def gradient(self) -> Tensor:
        return self.loop.images.grad.cpu()


class PublishedMatching(PublishedSide):
    """One step on the images with a new network."""

    def run(self) -> None:
        self.total = self.loop.step(1)


class PublishedWhole(PublishedSide):
    """All steps with one network, and its training between them."""

    def __init__(self, name: str, case: Case) -> None:
        super().__init__(name, case, case.outer, case.inner)

    def prepare(self, index: int) -> None:
        super().prepare(index)
        self.loop.network.load_state_dict(self.weights)

    def run(self) -> None:
        self.total = sum(self.loop.step(index) for index in range(self.case.outer))


class PublishedEpochs(PublishedSide):
    """Epochs of the network's own training between two steps."""

    def __init__(self, name: str, case: Case) -> None:
        super().__init__(name, case, case.outer, case.epochs)

    def prepare(self, index: int) -> None:
        super().prepare(index)
        self.loop.network = self.loop.new_network()

    def run(self) -> None:
        self.loop.train()

    def loss(self) -> float:
        return mean_loss(self.loop.network, self.start, self.loop.labels)


class PublishedTraining(PublishedEpochs):
    """Epochs of a network's training for evaluation."""

    def prepare(self, index: int) -> None:
        super().prepare(index)
        weights = self.loop.network.parameters()
        self.trainer = torch.optim.SGD(weights, lr=0.01, momentum=0.9, weight_decay=5e-4)

    def run(self) -> None:
        for _ in range(self.case.epochs):
            self.loop.epoch(self.loop.network, self.start, self.trainer)


class PublishedMany(PublishedSide):
    """Epochs of several networks' training, one network after the other, all with the same
    draws.
    """

    def prepare(self, index: int) -> None:
        super().prepare(index)
        self.index = index
        self.networks = [self.loop.new_network() for _ in range(self.case.networks)]
        settings = {"lr": 0.01, "momentum": 0.9, "weight_decay": 5e-4}
        self.trainers = [
            torch.optim.SGD(network.parameters(), **settings) for network in self.networks
        ]

    def run(self) -> None:
        for network, trainer in zip(self.networks, self.trainers, strict=True):
            self.loop.generator.manual_seed(self.index)
            for _ in range(self.case.epochs):
                self.loop.epoch(network, self.start, trainer)

    def loss(self) -> float:
        losses = [mean_loss(network, self.start, self.loop.labels) for network in self.networks]
        return sum(losses) / len(losses)


class PublishedTest(PublishedSide):
    """A pass of test images."""

    def __init__(self, name: str, case: Case) -> None:
        super().__init__(name, case)
        self.test, self.logits = case.test(), torch.empty(0)
        self.images = self.test.normalise(self.test.images)

    def prepare(self, index: int) -> None:
        super().prepare(index)
        self.loop.network = self.loop.new_network()

    def run(self) -> None:
        self.logits = logits_of_test(self.loop.network, self.images, self.test.labels)

    def loss(self) -> float:
        return functional.cross_entropy(self.logits, self.test.labels).item()


SIDES: dict[str, Any] = {
    "matching": PublishedMatching,
    "whole": PublishedWhole,
    "epochs": PublishedEpochs,
    "training": PublishedTraining,
    "many": PublishedMany,
    "test": PublishedTest,
}
