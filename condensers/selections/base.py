"""What every selection of real images shares: class by class, in a feature space, as many images as
the budget allows.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import torch
from torch import Tensor

from condensers import networks
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import Interrupted, UsageError
from condensers.parts.labels import label_dtype, stored_hard
from condensers.parts.parameterisations.pixels import Pixels
from condensers.sets.origins import REAL
from condensers.sets.synthetic_set import Budget, SyntheticSet, card_of, cost_of

SPACES = ("pixels", "random-network")
STORED = Pixels()


class Selection(ABC):
    """A selection of real images, class by class.

    Those that look at features have a field `features`, a name of SPACES.
    """

    registered: ClassVar[str]
    evaluation: ClassVar[str] = "dsa"
    couples_classes: ClassVar[bool] = False
    origin: ClassVar[str] = REAL
    parameterisation: ClassVar[Pixels] = STORED

    @abstractmethod
    def choose(self, features: Tensor, ipc: int, generator: torch.Generator) -> Tensor:
        """Positions (ipc,) int64 of different images of one class, from their features (n, D)."""

    def nbytes(self, data: ClassData, ipc: int) -> int:
        return stored_bytes(data, ipc)

    def images_per_class(self, data: ClassData, ipc: int) -> int:
        return ipc

    def condense(self, data: ClassData, budget: Budget, context: Context) -> SyntheticSet:
        """The chosen images as they are; the card's `indices` say which of the data they are."""
        data = data.to(context.device)

        def images_of(label: int, features: Tensor, ipc: int) -> tuple[Tensor, list[int]]:
            chosen = data.members(label)[
                self.choose(features, ipc, context.generator).to(data.device)
            ]
            return data.images[chosen], chosen.tolist()

        return gather(self, data, budget, context, images_of)


def gather(
    method: Any,
    data: ClassData,
    budget: Budget,
    context: Context,
    images_of: Callable[[int, Tensor, int], tuple[Tensor, list[int]]],
) -> SyntheticSet:
    """A set of the uint8 images (ipc, C, H, W) that `images_of(label, features, ipc)` gives for
    each class.
    """
    begun = time.perf_counter()
    ipc = budget.ipc_of(method, data)
    refuse_too_many(method, data, ipc)
    embed = feature_map(getattr(method, "features", "pixels"), data, context)
    images, indices = [], {}
    for label in context.each(data.classes, method.registered):
        part, chosen = images_of(label, embed(data.members(label)), ipc)
        images.append(part.cpu())
        indices[data.class_names[label]] = chosen
    return finished(method, data, context, torch.cat(images), indices, time.perf_counter() - begun)


def finished(
    method: Any,
    data: ClassData,
    context: Context,
    images: Tensor,
    indices: dict[str, list[int]],
    seconds: float,
) -> SyntheticSet:
    """The set of uint8 images (classes * ipc, C, H, W), ordered by class, that took `seconds`;
    indices: where they are.
    """
    ipc = len(images) // len(data.classes)
    labels = stored_hard(data.classes, ipc, len(data.class_names))
    card = card_of(method, data, context, ipc, {"labels": "hard"}) | {"indices": indices}
    return SyntheticSet({"images": images, "labels": labels}, card, cost_of(seconds, context))


def stored_bytes(data: ClassData, ipc: int) -> int:
    """Bytes of `ipc` uint8 images and their labels for each class."""
    return (
        STORED.nbytes(data, ipc)
        + ipc * len(data.classes) * label_dtype(len(data.class_names)).itemsize
    )


def refuse_too_many(method: Any, data: ClassData, ipc: int) -> None:
    """A selection has no more images of a class than there are."""
    smallest = min(data.classes, key=data.count)
    images, most = method.images_per_class(data, ipc), data.count(smallest)
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
class Random(Selection):
    """Random real images of each class.

    Random: real images drawn without replacement, the baseline that every condensed set must beat.
    """

    registered: ClassVar[str] = "random"

    def choose(self, features: Tensor, ipc: int, generator: torch.Generator) -> Tensor:
        """Positions (ipc,) int64 of different images; only the number of features (n, D)
        matters.
        """
        return torch.randperm(len(features), generator=generator)[:ipc]
