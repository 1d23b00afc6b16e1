"""A pool of networks that learn from the set, of different ages: each step on the images is taken
with one of them.

repeat: pick a network f at random; one step on the images; one step of f on  mean_s 1/2 sum_k (
f(s) - y_s )^2;  a network that has taken more than `max_age` steps gives its place to a new one.

Source: Zhou, Nezhadarya & Ba, "Dataset Distillation using Neural Feature Regression" (FRePo,
NeurIPS 2022), algorithm 1, and the authors' code for 10 networks, 100 steps, Adam at 3e-4 and at
most 1000 images a step. At the start the ages are spread evenly: network i is i * max_age / size
steps old. Ours is that it takes these steps on the set as it is when the network is picked for the
first time, so that the wait is spread over the first steps on the images. Training batches are
augmented where the method has an augmentation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

import torch
from torch import Tensor, nn

from condensers.engine import optimiser_state
from condensers.engine.devices import fused, send
from condensers.engine.standing import StandingNetworks
from condensers.hyperparameters import hyper
from condensers.parts.model_schedules.base import ModelSchedule, ScheduleRun, SyntheticBatch
from condensers.parts.objectives.kernel_regression import targets
from condensers.parts.setting import RunSetting
from condensers.training.losses import loss_of


@final
@dataclass(frozen=True)
class Pool(ModelSchedule):
    """Networks of different ages that are regressed on the set as it is so far."""

    size: int = hyper(10, unit="networks", source="FRePo's code", minimum=1)
    max_age: int = hyper(
        100,
        unit="steps",
        help="steps of training after which a network is replaced",
        source="FRePo's code",
        minimum=0,
    )
    lr: float = hyper(3e-4, help="learning rate of Adam", source="FRePo's code", minimum=0.0)
    batch: int = hyper(1000, unit="images", source="FRePo's code", minimum=1)

    registered: ClassVar[str] = "pool"
    couples_classes: ClassVar[bool] = True

    def passes(self, steps: int, images: int, ipc: int) -> float:
        """Return the image passes of its own training over so many steps."""
        first = sum(self.first_age(index) for index in range(self.size))
        return float((steps + first) * min(images, self.batch))

    def first_age(self, index: int) -> int:
        """Training steps that network `index` has behind it at the start."""
        return index * self.max_age // self.size

    def begin(self, setting: RunSetting) -> "AgeingNetworks":
        """Start a run."""
        return AgeingNetworks(self, setting)


class AgeingNetworks(ScheduleRun):
    """One run. owed: training steps that each network is to take before it is used next. picked:
    the one in use, -1 at first.
    """

    def __init__(self, schedule: Pool, setting: RunSetting) -> None:
        self.schedule, self.setting = schedule, setting
        self.networks = [setting.fresh() for _ in range(schedule.size)]
        self.optimisers = [self._optimiser(network) for network in self.networks]
        self.ages = [0] * schedule.size
        self.owed = [schedule.first_age(index) for index in range(schedule.size)]
        self.picked = -1
        self.standing = StandingNetworks(setting.captures)

    def _optimiser(self, network: nn.Module) -> torch.optim.Optimizer:
        kind = fused(self.setting.data.device)
        return torch.optim.Adam(network.parameters(), lr=self.schedule.lr, fused=kind)

    def next(self, step: int, synthetic: SyntheticBatch) -> nn.Module:
        """Train the last network on the set as it is now, then pick one."""
        if self.picked >= 0:
            self._train(self.picked, 1, synthetic)
            if self.ages[self.picked] > self.schedule.max_age:
                self._replace(self.picked)
        self.picked = int(torch.randint(self.schedule.size, (1,), generator=self.setting.generator))
        self._train(self.picked, self.owed[self.picked], synthetic)
        self.owed[self.picked] = 0
        return self.networks[self.picked].train()

    def _replace(self, index: int) -> None:
        self.networks[index] = self.setting.fresh()
        self.optimisers[index] = self._optimiser(self.networks[index])
        self.ages[index] = 0

    def _train(self, index: int, steps: int, synthetic: SyntheticBatch) -> None:
        """`steps` of Adam on the present images and labels, each on at most `batch` of them."""
        if steps == 0:
            return
        network, optimiser = self.networks[index].train(), self.optimisers[index]
        images, labels = synthetic()
        wanted = targets(labels, self.setting.classes)
        for _ in range(steps):
            chosen = torch.arange(len(images))
            if len(images) > self.schedule.batch:
                chosen = torch.randperm(len(images), generator=self.setting.generator)[
                    : self.schedule.batch
                ]
            chosen = send(chosen, images.device)
            self._set_gradients(network, self.setting.augment(images[chosen]), wanted[chosen])
            optimiser.step()
        self.ages[index] += steps

    def _set_gradients(self, network: nn.Module, images: Tensor, wanted: Tensor) -> None:
        """Give the weights the gradients of their loss on the images."""
        if self.setting.captures.on:
            self.standing.enter(network)
            found = self.standing.call("pool", _gradients, [images, wanted])
        else:
            found = _gradients(network, [images, wanted])
        for parameter, gradient in zip(network.parameters(), found, strict=True):
            parameter.grad = gradient

    def state_dict(self) -> dict[str, Any]:
        """Return the whole state, for the checkpoint."""
        return {
            "networks": [network.state_dict() for network in self.networks],
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "ages": list(self.ages),
            "owed": list(self.owed),
            "picked": self.picked,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        for network, found in zip(self.networks, state["networks"], strict=True):
            network.load_state_dict(found)
        for optimiser, found in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser_state.take_up(optimiser, found)
        self.ages, self.owed, self.picked = (
            list(state["ages"]),
            list(state["owed"]),
            state["picked"],
        )


def _gradients(network: nn.Module, tensors: Sequence[Tensor]) -> list[Tensor]:
    """Gradients of all weights, of the regression on images and the labels that are wanted."""
    images, wanted = tensors
    loss, weights = loss_of(network(images), wanted, "mse"), list(network.parameters())
    return list(torch.autograd.grad(loss, weights, allow_unused=True, materialize_grads=True))
