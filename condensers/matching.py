"""The step that matching methods share: real and synthetic images of each class under one network, one update of the images.

A method names its parts (parameterisation, augmentation, objective, schedule); this module puts them into one engine loop and
returns the set. The gradients of the classes add up before the one update, as in DC, DSA and DM.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from condensers import engine
from condensers.context import Context
from condensers.data import ClassData
from condensers.networks import has_batch_norm
from condensers.objectives.base import Objective, Pair
from condensers.schedules.base import Schedule
from condensers.synthetic import SyntheticSet, pack

IMAGES_AT_ONCE = 1024


@dataclass(frozen=True)
class Parts:
    """What a matching method is composed of, and its optimiser's settings."""

    parameterisation: Any
    augmentation: Any
    objective: Objective
    schedule: Schedule
    lr: float
    momentum: float
    batch_real: int


class MatchingLoop:
    """The engine loop of a matching method; `start` are the images it begins with, ordered by class."""

    def __init__(self, data: ClassData, parts: Parts, start: Tensor, generator: torch.Generator) -> None:
        self.data, self.parts, self.generator = data, parts, generator
        self.ipc = len(start) // len(data.classes)
        self.groups: dict[str, Tensor] = parts.parameterisation.groups(start)
        for tensor in self.groups.values():
            tensor.requires_grad_(True)
        self.optimiser = torch.optim.SGD(list(self.groups.values()), lr=parts.lr, momentum=parts.momentum)
        self.labels = torch.tensor(data.classes, device=data.device).repeat_interleave(self.ipc)

    def step(self, index: int) -> float:
        network = self.parts.schedule.network(index, self._present)
        self.optimiser.zero_grad()
        total = 0.0
        for positions in self._portions(has_batch_norm(network)):
            loss = self.parts.objective.loss(network, [self._pair(position) for position in positions])
            torch.autograd.backward(loss)
            total += loss.item()
        self.optimiser.step()
        return total

    def _portions(self, together: bool) -> Iterator[Sequence[int]]:
        """Positions of the classes that share one backward pass; their gradients add up to the whole."""
        count = len(self.data.classes)
        size = 1
        if self.parts.objective.joint:
            size = count if together else max(1, IMAGES_AT_ONCE // self.ipc)
        for first in range(0, count, size):
            yield range(first, min(first + size, count))

    def _pair(self, position: int) -> Pair:
        """The class at `position`: a new real batch and all its synthetic images, under one shared draw."""
        label = self.data.classes[position]
        real = self.data.sample(label, self.parts.batch_real, self.generator)
        synthetic = self.parts.parameterisation.decode(self.groups, slice(position * self.ipc, (position + 1) * self.ipc))
        draw = self.parts.augmentation.draw(1, self.data.shape, self.generator)
        return Pair(label, self.parts.augmentation.apply(real, draw), self.parts.augmentation.apply(synthetic, draw))

    def _present(self) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            return self.parts.parameterisation.decode(self.groups, slice(None)).clone(), self.labels

    def state_dict(self) -> dict[str, Any]:
        return {
            "groups": {name: t.detach() for name, t in self.groups.items()},
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.parts.schedule.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        with torch.no_grad():
            for name, tensor in self.groups.items():
                tensor.copy_(state["groups"][name])
        self.optimiser.load_state_dict(state["optimiser"])
        self.parts.schedule.load_state_dict(state["schedule"])


def condense(method: Any, data: ClassData, loop: MatchingLoop, context: Context) -> SyntheticSet:
    """Run `loop` for as many engine steps as `method.steps(ipc)` says, and pack what it learned."""
    seconds = engine.run(loop, method.steps(loop.ipc), context, method.registered)
    parameterisation = loop.parts.parameterisation
    return pack(method, data, context, parameterisation, parameterisation.pack(loop.groups, data), seconds)
