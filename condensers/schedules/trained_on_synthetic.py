"""A network is trained on the synthetic set between the matching steps, and replaced after `outer` of them.

Source: DC (ICLR 2021), algorithm 1: for each of the initialisations, `outer` times (one step on the images, then `inner`
epochs of the network on the synthetic images); the training after the last of the outer steps has no effect and is left out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers import networks
from condensers.data import ClassData
from condensers.objectives.gradient import freeze_batch_norm
from condensers.schedules.base import SyntheticBatch

BATCH_NORM_IMAGES = 16


@dataclass(frozen=True)
class InnerTraining:
    """How the network is trained between steps: SGD without momentum."""

    outer: int
    inner: int
    lr: float
    batch: int


def outer_loops(ipc: int) -> int:
    """Matching steps per network: as many as images per class, 50 at most (DC's code, get_loops)."""
    return min(ipc, 50)


def inner_loops(outer: int) -> int:
    """Epochs between steps: 50, 25, 20, 15, 10 for 10, 20, 30, 40, 50 outer steps, as published; the same rule elsewhere.

    >>> [inner_loops(outer) for outer in (10, 20, 30, 40, 50)]
    [50, 25, 20, 15, 10]
    """
    return 5 * -(-100 // outer)


class TrainedOnSynthetic:
    """Networks that learn from the set as it is so far. `augment` is applied to each training batch."""

    def __init__(
        self, spec: Any, data: ClassData, generator: torch.Generator, training: InnerTraining, augment: Callable[[Tensor], Tensor]
    ) -> None:
        self.spec, self.data, self.generator = spec, data, generator
        self.training, self.augment = training, augment
        self.current = self._fresh()

    def _fresh(self) -> nn.Module:
        return networks.build(self.spec, self.data.shape, len(self.data.class_names), self.generator, self.data.device)

    def network(self, step: int, synthetic: SyntheticBatch) -> nn.Module:
        """A new network at the first of each `outer` steps, else the last one, trained for `inner` epochs."""
        if step % self.training.outer == 0:
            if step > 0:
                self.current = self._fresh()
        else:
            self._train(*synthetic())
        self.current.train()
        if networks.has_batch_norm(self.current):
            real = [self.data.sample(c, BATCH_NORM_IMAGES, self.generator) for c in self.data.classes]
            freeze_batch_norm(self.current, torch.cat(real))
        return self.current

    def _train(self, images: Tensor, labels: Tensor) -> None:
        self.current.train()
        optimiser = torch.optim.SGD(self.current.parameters(), lr=self.training.lr)
        for _ in range(self.training.inner):
            order = torch.randperm(len(images), generator=self.generator).to(images.device)
            for chosen in torch.split(order, self.training.batch):
                loss = functional.cross_entropy(self.current(self.augment(images[chosen])), labels[chosen])
                optimiser.zero_grad()
                torch.autograd.backward(loss)
                optimiser.step()

    def state_dict(self) -> dict[str, Any]:
        return {"network": self.current.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.current.load_state_dict(state["network"])
