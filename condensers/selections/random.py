"""Random: real images drawn without replacement, the baseline that every condensed set must beat."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from condensers.selections.base import Selection


@dataclass(frozen=True)
class Random(Selection):
    """Random real images of each class."""

    registered: ClassVar[str] = "random"

    def choose(self, features: Tensor, ipc: int, generator: torch.Generator) -> Tensor:
        """Positions (ipc,) int64 of different images; only the number of features (n, D) matters."""
        return torch.randperm(len(features), generator=generator)[:ipc]
