"""The step that all learned methods share: a network (or what else the schedule gives), a loss, one
update of the set.
"""

from collections.abc import Iterator, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from condensers.composition.learnable_set import Learnable
from condensers.composition.real_statistics import RealSide
from condensers.engine.context import Stateful
from condensers.networks import has_batch_norm
from condensers.networks.precision import precision
from condensers.parts.augmentations.dsa import apply_several
from condensers.parts.objectives.base import Pair, Whole

IMAGES_AT_ONCE = 1024


class SetLoop:
    """The engine loop of a composition; `start` are the images it begins with, ordered by class."""

    def __init__(self, method: Any, setting: Any, start: Tensor) -> None:
        self.method, self.setting = method, setting
        self.set = Learnable(method, setting, start)
        self.steps = method.steps(setting.ipc)
        self.schedule = method.schedule.begin(setting)
        self.sampler = method.sampler.begin(setting)
        self.real = RealSide(method, setting, self.sampler)
        self.watch = method.stop.begin(method, setting)

    @property
    def finished(self) -> bool:
        return bool(self.watch.finished)

    def step(self, index: int) -> float | Tensor:
        with precision(self.method.precision):
            return self._step(index)

    def _step(self, index: int) -> float | Tensor:
        self.set.slow(index / self.steps)
        given = self.schedule.next(index, self.set.present)
        self.real.turn(getattr(self.schedule, "slot", None))
        if self.method.objective.needs == "network":
            given = network_of(given)
        positions = range(len(self.setting.data.classes))
        together = (
            [[position] for position in positions] if self.method.update == "class" else [positions]
        )
        loss: float | Tensor = sum(self._update(given, index, some) for some in together)
        self.watch.after(index, self.set)
        return loss

    def _update(self, given: Any, index: int, positions: Sequence[int]) -> float | Tensor:
        """One step of the optimiser on the loss of some classes; returns the loss."""
        self.set.optimiser.zero_grad()
        objective = self.method.objective
        total = (
            self._whole(given, objective)
            if objective.kind == "whole"
            else self._pairs(given, index, positions)
        )
        if objective.kind == "whole" and self.method.regularisers:
            total += self._backward(self._terms(given, self._material(given, index, positions)))
        self.set.optimiser.step()
        self.set.project()
        return total

    def _whole(self, given: Any, objective: Any) -> float | Tensor:
        setting = self.setting
        real, real_labels = setting.data.batch(
            self.method.batch_real if objective.real else 0, setting.generator
        )
        whole = Whole(
            self.set.images(),
            self.set.labels(),
            real,
            real_labels,
            self.set.extra,
            setting.augment,
            setting,
        )
        if hasattr(objective, "backward"):
            return float(objective.backward(given, whole))
        return self._backward(objective.loss(given, whole))

    def _pairs(self, given: Any, index: int, positions: Sequence[int]) -> float | Tensor:
        """Backward passes over portions of the classes; their gradients add up."""
        objective = self.method.objective
        total: float | Tensor = 0.0
        for portion in self._portions(given, positions):
            if self.real.slot is None:
                pairs = self._material(given, index, portion)
                loss = objective.loss(given, pairs)
            else:
                statistics, pairs = self.real.pairs(
                    given, index, portion, self.set.of_classes(portion)
                )
                loss = objective.loss(given, pairs, statistics)
            total += self._backward(
                loss + self._terms(given, pairs) if self.method.regularisers else loss
            )
        return total

    def _portions(self, given: Any, positions: Sequence[int]) -> Iterator[Sequence[int]]:
        """Positions of the classes that share one backward pass."""
        size = 1
        if self.method.regularisers or self.method.objective.couples_classes:
            size = len(positions)
        elif self.method.objective.joint:
            size = (
                len(positions)
                if has_batch_norm(given)
                else max(1, IMAGES_AT_ONCE // self.setting.per_class)
            )
        for first in range(0, len(positions), size):
            yield positions[first : first + size]

    def _material(self, given: Any, index: int, positions: Sequence[int]) -> list[Pair]:
        """Of each class a new real batch and all its synthetic images, under one shared draw."""
        setting, network, real, draws = self.setting, network_of(given), [], []
        labels = [setting.data.classes[position] for position in positions]
        for label in labels:
            real.append(self.sampler.batch(label, self.method.batch_real, index, network))
            draws.append(setting.augmentation.draw(1, setting.shape, setting.generator))
        shown = apply_several(setting.augmentation, real, draws)
        synthetic = apply_several(setting.augmentation, self.set.of_classes(positions), draws)
        return [Pair(*each) for each in zip(labels, shown, synthetic, strict=True)]

    def _terms(self, given: Any, pairs: Sequence[Pair]) -> Tensor:
        """The weighted regularisers."""
        network = cast(nn.Module, network_of(given))
        return torch.stack(
            [term.weight * self._term(term, network, pairs) for term in self.method.regularisers]
        ).sum()

    def _term(self, term: Any, network: nn.Module, pairs: Sequence[Pair]) -> Tensor:
        loss: Tensor = (
            term.loss(network, pairs, self.setting)
            if getattr(term, "draws", False)
            else term.loss(network, pairs)
        )
        return loss

    def _backward(self, loss: Tensor) -> Tensor:
        # The networks' weights need no gradient here: naming what is learned spares the work for
        # them.
        torch.autograd.backward(loss, inputs=self.set.leaves)
        return loss.detach()

    def state_dict(self) -> dict[str, Any]:
        return {name: part.state_dict() for name, part in self._parts().items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for name, part in self._parts().items():
            part.load_state_dict(state[name])

    def _parts(self) -> dict[str, Stateful]:
        parts = {
            "schedule": self.schedule,
            "sampler": self.sampler,
            "real": self.real,
            "stop": self.watch,
        }
        return {"set": self.set, **parts}


def network_of(given: Any) -> nn.Module | None:
    """The network in what a schedule gives: itself, that of a segment, or none."""
    return given if isinstance(given, nn.Module) else getattr(given, "network", None)
