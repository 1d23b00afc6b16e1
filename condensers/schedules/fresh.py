"""A new, randomly initialised network for every step (DM, WACV 2023, section 3.2)."""

from typing import Any

import torch
from torch import nn

from condensers import networks
from condensers.data import ClassData
from condensers.schedules.base import SyntheticBatch


class Fresh:
    """Never trains a network. `spec` is the network's name or table."""

    def __init__(self, spec: Any, data: ClassData, generator: torch.Generator) -> None:
        self.spec, self.data, self.generator = spec, data, generator

    def network(self, step: int, synthetic: SyntheticBatch) -> nn.Module:
        """A network that was not there before."""
        network = networks.build(self.spec, self.data.shape, len(self.data.class_names), self.generator, self.data.device)
        return network.train()

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        return None
