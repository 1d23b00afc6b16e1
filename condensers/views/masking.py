"""Masking: what views share whose masks come from the maps of a network that was trained on the data.

m = s r + (1 - s) [ r >= t ],  r in [0, 1] the map, s its softness, t the threshold

Source: D. Kim & Bae (IPIU 2022) mask a share of the images by maps as they are; softness and threshold are ours.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor

from condensers.context import Context
from condensers.data import ClassData
from condensers.errors import UsageError
from condensers.fields import hyper
from condensers.networks.convnet import ConvNetSpec
from condensers.training import Training
from condensers.views.filling import FILLS, filled, fills
from condensers.views.relevance import Maps, kept_maps


@dataclass(frozen=True)
class Masking(ABC):
    """The fields that all have; a view adds its own, and says how its maps are computed."""

    fill: str = hyper("mean", source="Masked DC's code: zero of normalised pixels", values=FILLS)
    rate: float = hyper(1.0, unit="share of a class's images that are masked", source="Masked DC's code", minimum=0.0)
    softness: float = hyper(1.0, unit="1: the map as it is, 0: binary", source="Masked DC's code", minimum=0.0)
    threshold: float = hyper(0.5, unit="of the map, where it is binary", source="ours", minimum=0.0)
    epochs: int = hyper(10, unit="epochs of the network", source="ours", minimum=1)
    most_steps: int = hyper(2000, unit="gradient steps of the network, where epochs would be more", source="ours", minimum=1)
    batch: int = hyper(64, unit="images", source="ours", minimum=1)
    lr: float = hyper(0.05, source="ours", minimum=0.0)
    network: Any = hyper(ConvNetSpec(width=32, norm="batch"), source="ours; Masked DC's code: ResNet-18", part="network")
    block: int | None = hyper(
        None, unit="block whose maps are read; none: the last with a quarter of the side", source="Masked DC's code", minimum=1
    )

    registered: ClassVar[str]
    couples_classes: ClassVar[bool] = True

    def __post_init__(self) -> None:
        require_shares(self)

    @abstractmethod
    def computed(self, data: ClassData, context: Context) -> Tensor:
        """Maps (N, H, W) float in [0, 1], of a network that is trained first."""

    def maps(self, data: ClassData, context: Context) -> Maps:
        """The maps before they are made binary, and the seconds that they took."""
        return kept_maps(self, data, context, partial(self.computed, data, context))

    def masks(self, data: ClassData, context: Context) -> Tensor:
        """(N, H, W) uint8 on the CPU; the network is trained where no equal run has left its maps."""
        return softened(self.maps(data, context).values, self.softness, self.threshold)

    def apply(self, data: ClassData, context: Context) -> ClassData:
        """`data` with `rate` of each class's images masked; UsageError where the network gives no maps."""
        return covered(self, data, context)

    def recipe(self, data: ClassData, loss: str) -> Training:
        """How the network is trained: its `epochs`, or `most_steps` where these are fewer steps."""
        count = len(data.images)
        # A last batch of one image has no statistics where maps are single pixels.
        batch = next((size for size in range(self.batch, 1, -1) if count % size != 1), 1)
        steps = min(self.epochs * -(-count // batch), self.most_steps)
        return Training(self.epochs, self.lr, batch=batch, steps=steps, loss=loss)

    def preparation(self, data: ClassData) -> list[tuple[Any, float]]:
        """Networks and about how many images pass each, forward and backward."""
        return [(self.network, float(min(self.epochs * len(data.images), self.most_steps * self.batch)) + self.reading(data))]

    def reading(self, data: ClassData) -> float:
        """How many images pass where the maps are read."""
        return float(len(data.images))


def require_shares(view: Any, names: Sequence[str] = ("rate", "softness", "threshold")) -> None:
    """UsageError where one of these fields is above 1."""
    for name in names:
        if getattr(view, name) > 1:
            raise UsageError(f"view {view.registered}.{name}: {getattr(view, name)} is above 1; it is a share from 0 to 1")


def softened(maps: Tensor, softness: float, threshold: float) -> Tensor:
    """Maps (N, H, W) uint8 as masks, uint8."""
    binary = (maps.float() >= 255 * threshold).float() * 255
    return (softness * maps.float() + (1 - softness) * binary).round().to(torch.uint8)


def covered(view: Any, data: ClassData, context: Context) -> ClassData:
    """`data` under the view's masks, `rate` of each class's images, drawn; the view's fill stands where they keep nothing."""
    masks = view.masks(data, context).clone()
    masks[~chosen(data, view.rate, context.fork("rate").generator)] = 255
    fill = fills(view.fill, data, masks, context.fork("fill").generator)
    return replace(data, images=filled(data.images, masks, fill))


def chosen(data: ClassData, rate: float, generator: torch.Generator) -> Tensor:
    """(N,) bool on the CPU: `rate` of each class's images, drawn."""
    found = torch.zeros(len(data.images), dtype=torch.bool)
    for label in data.classes:
        members = data.members(label).cpu()
        order = torch.randperm(len(members), generator=generator)
        found[members[order[: round(rate * len(members))]]] = True
    return found
