"""What every part of a composition is told when a run begins."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from condensers import networks
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.parts.views.base import Viewed


@dataclass(frozen=True)
class Setting:
    """data: the real images as the view left them, on the run's device. network: the spec of the
    run's networks.

    augmentation: as it is for `data`. per_class: synthetic images of a class, decoded. ipc: what
    the budget counts. held: real images that are not learned from, for the stop rule. view: what
    the view did, where a composition has one.
    """

    data: ClassData
    network: Any
    augmentation: Any
    context: Context
    ipc: int
    per_class: int
    held: ClassData | None = None
    view: Viewed | None = None

    @property
    def generator(self) -> torch.Generator:
        return self.context.generator

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.data.shape

    @property
    def classes(self) -> int:
        """How many logits a network has: all classes of the data set, also where only some are
        here.
        """
        return len(self.data.class_names)

    def fresh(self, spec: Any = None) -> torch.nn.Module:
        """A newly initialised network in training mode, of the run's spec or of another."""
        built = networks.build(
            spec or self.network, self.shape, self.classes, self.generator, self.data.device
        )
        return built.train()

    def augment(self, images: Tensor) -> Tensor:
        """One family of transformations, its parameters drawn for each image: how training is
        augmented.
        """
        drawn = self.augmentation.draw(len(images), self.shape, self.generator)
        return torch.as_tensor(self.augmentation.apply(images, drawn))
