"""k-center: the image nearest to the mean of its class, then always the one farthest from all picked so far.

Source: Gonzalez, "Clustering to minimize the maximum intercluster distance" (1985); Sener & Savarese, "Active learning for
convolutional neural networks: a core-set approach" (ICLR 2018), algorithm 1; the first centre as in DC (ICLR 2021).
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from condensers.context import Context
from condensers.data import ClassData
from condensers.fields import hyper
from condensers.selections.base import STORED, select
from condensers.synthetic import Budget, SyntheticSet


@dataclass(frozen=True)
class KCenter:
    """k-center greedy: real images that cover their class, farthest first."""

    features: str = hyper("pixels", source="ours", values=("pixels", "random-network"))

    registered: ClassVar[str] = "k-center"
    evaluation: ClassVar[str] = "dsa"
    couples_classes: ClassVar[bool] = False

    def bytes_per_image(self, data: ClassData) -> int:
        return STORED.bytes_per_image(data)

    def condense(self, data: ClassData, budget: Budget, context: Context) -> SyntheticSet:
        return select(self, data.to(context.device), budget, context, farthest_first)


def farthest_first(features: Tensor, ipc: int, generator: torch.Generator) -> Tensor:
    """Positions (ipc,) int64, in the order of picking; features (n, D). Draws nothing."""
    picked = [int((features - features.mean(0)).norm(dim=1).argmin())]
    distance = (features - features[picked[0]]).norm(dim=1)
    distance[picked[0]] = -1
    while len(picked) < ipc:
        picked.append(int(distance.argmax()))
        distance = torch.minimum(distance, (features - features[picked[-1]]).norm(dim=1))
        distance[picked] = -1
    return torch.tensor(picked)
