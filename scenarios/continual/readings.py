"""Readings: what the test images say of a learner along its course."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from condensers.data import ClassData
from scenarios.continual.strategies.base import Strategy


class Readings:
    """matrix: R, a row an experience learned. initial: the row before any. trace: (experience, row) read within experiences.

    Rows are percentages of the test images of each of `parts` (classes) that are classified correctly, among all classes.
    """

    def __init__(self, strategy: Strategy, test: ClassData, outputs: Tensor, parts: Sequence[Sequence[int]], memory: Any) -> None:
        self.strategy, self.test, self.memory = strategy, test, memory
        self.wanted = outputs.to(test.device)[test.labels]
        self.masks = [torch.isin(test.labels, torch.tensor(list(part), device=test.device)) for part in parts]
        self.initial: list[float] = []
        self.matrix: list[list[float]] = []
        self.trace: list[list[Any]] = []

    def before(self, network: nn.Module) -> None:
        """Read an untrained network."""
        self.initial = self.row(network)

    def after(self, network: nn.Module) -> None:
        """Read at the end of an experience."""
        self.matrix.append(self.row(network))

    def within(self, network: nn.Module, experience: int) -> None:
        """Read within experience number `experience`; the network goes on training."""
        self.trace.append([experience, self.row(network)])
        network.train()

    def row(self, network: nn.Module) -> list[float]:
        network.eval()
        with torch.no_grad():
            correct = (self.strategy.predict(network, self.test, self.memory) == self.wanted).double()
        return [correct[mask].mean().item() * 100 for mask in self.masks]

    def as_json(self) -> dict[str, Any]:
        return {"R": self.matrix, "initial": self.initial, "trace": self.trace}

    def state_dict(self) -> dict[str, Any]:
        return self.as_json()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.matrix, self.initial, self.trace = state["R"], state["initial"], state["trace"]
