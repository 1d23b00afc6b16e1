"""Random: real images drawn without replacement, the baseline that every condensed set must beat."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from condensers.context import Context
from condensers.data import ClassData
from condensers.selections.base import STORED, select
from condensers.synthetic import Budget, SyntheticSet


@dataclass(frozen=True)
class Random:
    """Random real images of each class."""

    registered: ClassVar[str] = "random"
    evaluation: ClassVar[str] = "dsa"
    couples_classes: ClassVar[bool] = False

    def bytes_per_image(self, data: ClassData) -> int:
        return STORED.bytes_per_image(data)

    def condense(self, data: ClassData, budget: Budget, context: Context) -> SyntheticSet:
        return select(self, data.to(context.device), budget, context, draw)


def draw(features: Tensor, ipc: int, generator: torch.Generator) -> Tensor:
    """Positions (ipc,) int64 of different images; only the number of features (n, D) matters."""
    return torch.randperm(len(features), generator=generator)[:ipc]
