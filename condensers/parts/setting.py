"""Everything a part of a composition needs from the run."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from enum import Enum
from typing import NamedTuple

import torch
from torch import Tensor, nn

from condensers import networks
from condensers.data import ClassData
from condensers.engine.capture import NO_CAPTURES, Captures
from condensers.engine.context import Context
from condensers.networks import NetworkSpec
from condensers.parts.augmentations.base import Augmentation
from condensers.parts.views.base import ViewedData

IMAGES_AT_ONCE = 256
LABEL_FORMS = ("hard", "probabilities", "scores")
"""What labels may be: whole numbers, probabilities, or scores that logits are regressed on."""


class Needs(Enum):
    """What an objective needs at each step, and what a model schedule gives."""

    NETWORK = "network"
    """A network, `torch.nn.Module`."""

    SEGMENT = "segment"
    """A stretch of an expert's training, `Segment`."""

    NOTHING = "nothing"
    """None: the objective takes no network, or makes its own."""


class Segment(NamedTuple):
    """A stretch of an expert's training.

    Attributes:
        network: The network, with the parameters `start`.
        start: Its parameters at the beginning of the stretch, one vector (P,) float32.
        target: Its parameters at the end, (P,) float32.
    """

    network: nn.Module
    start: Tensor
    target: Tensor


class TrainedNetworks(ABC):
    """Networks that were trained on the real images before the first step.

    Attributes:
        seconds: What training them took, even if an earlier run did it.
    """

    seconds: float

    @property
    @abstractmethod
    def count(self) -> int:
        """How many there are."""

    @abstractmethod
    def finished(self, index: int) -> nn.Module:
        """Return network `index` after its training, in the mode in which it is to be read.

        It may be the same module at every call: what was computed with it must be done with before
        the next one.
        """

    @torch.no_grad()
    def logits(self, images: Tensor) -> Tensor:
        """Return the mean logits of all networks, (M, K).

        Args:
            images: (M, C, H, W) float32, normalised.
        """
        found = []
        for index in range(self.count):
            network = self.finished(index)
            parts = torch.split(images, IMAGES_AT_ONCE)
            found.append(torch.cat([network(part) for part in parts]))
        return torch.stack(found).mean(0)


Given = nn.Module | Segment | None
"""What a model schedule gives for one step; `Needs` says which of the three."""


def network_of(given: Given) -> nn.Module | None:
    """Return the network in what a model schedule gives: itself, that of a segment, or none."""
    return given.network if isinstance(given, Segment) else given


def require_network(given: Given) -> nn.Module:
    """Return the network in what a model schedule gives; AssertionError if there is none."""
    network = network_of(given)
    assert network is not None, "compatibility of the parts is checked before a run begins"
    return network


def require_trained(setting: "RunSetting") -> TrainedNetworks:
    """Return the networks that were trained before the first step; AssertionError if there are
    none.
    """
    assert setting.trained is not None, "compatibility of the parts is checked before a run begins"
    return setting.trained


@dataclass(frozen=True)
class RunSetting:
    """What a run lends to every part.

    Attributes:
        data: The real images as the run learns from them, under its view unless that is seen by
            what is matched alone; on the run's device.
        network: The spec of the run's networks.
        augmentation: The augmentation, fitted to `data`.
        context: Randomness, device, folder and progress of the run.
        ipc: Images per class as the budget counts them.
        per_class: Synthetic images of a class, decoded.
        held: Real images that are not learned from, for the stop rule.
        view: What the view did, if the composition has one.
        captures: The recorded parts of its steps.
        matched: The real images as they are matched; None: `data`.
        nbytes: Bytes that the groups of the parameterisation may take; None: what it says itself.
        trained: Networks that the model schedule trains before the first step, if it does.
    """

    data: ClassData
    network: NetworkSpec
    augmentation: Augmentation
    context: Context
    ipc: int
    per_class: int
    held: ClassData | None = None
    view: ViewedData | None = None
    captures: Captures = NO_CAPTURES
    matched: ClassData | None = None
    nbytes: int | None = None
    trained: TrainedNetworks | None = None

    @property
    def matching(self) -> "RunSetting":
        """What the run lends to the parts that match: its `data` are the images they match."""
        return self if self.matched is None else replace(self, data=self.matched, matched=None)

    @property
    def generator(self) -> torch.Generator:
        """The run's source of randomness."""
        return self.context.generator

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of an image."""
        return self.data.shape

    @property
    def classes(self) -> int:
        """Number of logits: all classes of the data set, even if the run has only some of them."""
        return len(self.data.class_names)

    def fresh(self, spec: NetworkSpec | None = None) -> nn.Module:
        """Return a newly initialised network in training mode.

        Args:
            spec: Another spec than the run's.
        """
        built = networks.build(
            spec or self.network, self.shape, self.classes, self.generator, self.data.device
        )
        return built.train()

    def augment(self, images: Tensor) -> Tensor:
        """Augment as training does: one family of transformations, parameters for each image.

        Args:
            images: (n, C, H, W) float32, normalised.
        """
        drawn = self.augmentation.draw(len(images), self.shape, self.generator)
        return self.augmentation.apply(images, drawn)
