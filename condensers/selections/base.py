"""What every selection of real images shares: class by class, in a feature space, as many images as
the budget allows.
"""

import time
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, cast

import torch
from torch import Tensor

from condensers import networks
from condensers.condenser import Condenser
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import Interrupted, UsageError
from condensers.parts.labels import stored_hard
from condensers.parts.parameterisations.base import Groups
from condensers.parts.parameterisations.pixels import Pixels, stored_bytes
from condensers.sets.origins import REAL
from condensers.sets.synthetic_set import Budget, SyntheticSet, card_of, cost_of

SPACES = ("pixels", "random-network")
STORED = Pixels()


class PerClassCondenser(Condenser):
    """Makes the uint8 images of each class from that class alone.

    Attributes:
        features: The space in which images are compared, one of `SPACES`; a field of those that
            offer a choice.
    """

    evaluation: ClassVar[str] = "dsa"
    couples_classes: ClassVar[bool] = False
    parameterisation: ClassVar[Pixels] = STORED

    @property
    def features(self) -> str:
        """The space in which images are compared, one of `SPACES`."""
        return "pixels"

    @abstractmethod
    def images_of(
        self, data: ClassData, members: Tensor, features: Tensor, ipc: int, context: Context
    ) -> tuple[Tensor, list[int]]:
        """Make the images of one class.

        Args:
            data: The real images.
            members: (n,) int64, where those of the class are.
            features: (n, D) float32, theirs.
            ipc: Number of images.
            context: The generator to draw from.

        Returns:
            (ipc, C, H, W) uint8, and which of the data they are; empty if they are none of them.
        """

    def nbytes(self, data: ClassData, ipc: int) -> int:
        """Return the bytes of `ipc` uint8 images and their labels for each class."""
        return stored_bytes(data, ipc)

    def images_per_class(self, data: ClassData, ipc: int) -> int:
        """Return `ipc`."""
        return ipc

    def condense(self, data: ClassData, budget: Budget, context: Context) -> SyntheticSet:
        """Return the images of all classes; the card's `indices` say which of the data they are."""
        begun = time.perf_counter()
        data = data.to(context.device)
        ipc = budget.ipc_of(self, data)
        refuse_too_many(self, data, ipc)
        embed = feature_map(self.features, data, context)
        images, indices = [], {}
        for label in context.each(data.classes, self.registered):
            members = data.members(label)
            made, chosen = self.images_of(data, members, embed(members), ipc, context)
            images.append(made.cpu())
            indices[data.class_names[label]] = chosen
        seconds = time.perf_counter() - begun
        return as_set(self, data, context, torch.cat(images), indices, seconds)


class Selection(PerClassCondenser):
    """Chooses real images, class by class."""

    origin: ClassVar[str] = REAL

    @abstractmethod
    def choose(self, features: Tensor, ipc: int, generator: torch.Generator) -> Tensor:
        """Choose images of one class.

        Args:
            features: (n, D) float32 of the class's images, n >= ipc.
            ipc: Number of images.
            generator: The only source of randomness.

        Returns:
            Positions (ipc,) int64, all different.
        """

    def images_of(
        self, data: ClassData, members: Tensor, features: Tensor, ipc: int, context: Context
    ) -> tuple[Tensor, list[int]]:
        """Return the chosen images as they are."""
        chosen = members[self.choose(features, ipc, context.generator).to(data.device)]
        return data.images[chosen], chosen.tolist()

    def store_all(self, data: ClassData) -> Groups:
        """Return the images as they are."""
        return {"images": data.images.cpu()}


def as_set(
    method: Condenser,
    data: ClassData,
    context: Context,
    images: Tensor,
    indices: dict[str, list[int]],
    seconds: float,
) -> SyntheticSet:
    """Return a set of images.

    Args:
        method: What made them.
        data: The real images.
        context: What the run was lent.
        images: (classes * ipc, C, H, W) uint8, ordered by class.
        indices: Name of a class -> which of the data its images are.
        seconds: What making them took.
    """
    ipc = len(images) // len(data.classes)
    labels = stored_hard(data.classes, ipc, len(data.class_names))
    card = card_of(method, data, context, ipc, {"labels": "hard"}) | {"indices": indices}
    return SyntheticSet({"images": images, "labels": labels}, card, cost_of(seconds, context))


def refuse_too_many(
    method: Condenser, data: ClassData, ipc: int, needed: int | None = None
) -> None:
    """A selection has no more images of a class than there are; needed: those that a set is made
    of, if it does not decode to as many.
    """
    smallest = min(data.classes, key=data.count)
    images = method.images_per_class(data, ipc) if needed is None else needed
    most = data.count(smallest)
    if images > most:
        needs = "" if images == ipc else f" needs {images} images of each class, which"
        fits = most * ipc // images
        raise UsageError(
            f"{method.registered}: ipc {ipc}{needs} is more than class"
            f" '{data.class_names[smallest]}' of {data.name} has ({most} images); take"
            f" {f'at most {fits}' if fits else 'a smaller factor'}"
        )


def feature_map(space: str, data: ClassData, context: Context) -> Callable[[Tensor], Tensor]:
    """indices (n,) -> features (n, D) float32: normalised pixels, or the embedding of one random
    ConvNet-3.
    """
    if space == "pixels":

        def pixels(indices: Tensor) -> Tensor:
            if context.must_stop():
                raise Interrupted(f"{data.name}: stopped before more images were compared")
            return data.normalise(data.images[indices]).flatten(1)

        return pixels
    built = networks.build(
        "convnet", data.shape, len(data.class_names), context.generator, data.device
    )
    network = cast(networks.Network, built)

    @torch.no_grad()
    def embed(indices: Tensor) -> Tensor:
        parts = context.each(torch.split(indices, 256), "random features")
        return torch.cat([network.embed(data.normalise(data.images[part])) for part in parts])

    return embed


@dataclass(frozen=True)
class RandomSelection(Selection):
    """Random: real images of each class drawn without replacement, the baseline that every
    condensed set must beat.
    """

    registered: ClassVar[str] = "random"

    def choose(self, features: Tensor, ipc: int, generator: torch.Generator) -> Tensor:
        """Positions (ipc,) int64 of different images; only the number of features (n, D)
        matters.
        """
        return torch.randperm(len(features), generator=generator)[:ipc]
