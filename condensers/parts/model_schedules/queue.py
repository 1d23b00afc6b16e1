"""A queue of networks that learn from the real images while the set is learned: each step takes one
of them, whatever its age.

Every `interval` steps a new network joins the queue, and the oldest leaves it where there are more
than `size`. Between two steps `trained` of them, drawn at random, take `training_steps` steps of
SGD on random real images.

Source: Zhao et al., "Improved Distribution Matching for Dataset Condensation" (IDM, CVPR 2023),
and the authors' code (IDM_cifar10.py) with the options of its commands. The queue begins
with three networks and gets its fourth before the first step. Difference from that code: a
network's accuracy is that of its last training (theirs adds up since the last evaluation of the set
and then starts again from nothing).
"""

from dataclasses import dataclass
from typing import Any, ClassVar, final

import torch
from torch import Tensor, nn

from condensers.engine.devices import fused, share
from condensers.hyperparameters import hyper
from condensers.parts.model_schedules.base import ModelSchedule, ScheduleRun, SyntheticBatch
from condensers.parts.model_schedules.training_steps import train_step
from condensers.parts.setting import RunSetting


@final
@dataclass(frozen=True)
class Queue(ModelSchedule):
    """Networks of different ages, trained on the real images step by step."""

    size: int = hyper(
        100,
        unit="networks",
        help="networks in the queue, at most",
        source="IDM's code, net_num",
        minimum=1,
    )
    first: int = hyper(
        3,
        unit="networks",
        help="networks in the queue at the beginning",
        source="IDM's code",
        minimum=0,
    )
    interval: int = hyper(
        30,
        unit="steps",
        help="steps between new networks",
        source="IDM's code (5 for one image per class)",
        minimum=1,
    )
    trained: int = hyper(
        2,
        unit="networks",
        help="networks trained between steps on the images",
        source="IDM's code, fetch_net_num",
        minimum=0,
    )
    training_steps: int = hyper(
        10,
        unit="steps",
        help="steps of training of each of them",
        source="IDM's code, model_train_steps",
        minimum=1,
    )
    lr: float = hyper(0.01, help="learning rate of the networks", source="IDM's code", minimum=0.0)
    momentum: float = hyper(
        0.9, help="momentum of the networks' SGD", source="IDM's code, net_decay", minimum=0.0
    )
    weight_decay: float = hyper(
        5e-4, help="weight decay of the networks", source="IDM's code, net_decay", minimum=0.0
    )
    batch: int = hyper(
        256,
        unit="images",
        help="real images in a batch",
        source="IDM's code, trained_bs",
        minimum=1,
    )

    registered: ClassVar[str] = "queue"
    couples_classes: ClassVar[bool] = True

    def passes(self, steps: int, images: int, ipc: int) -> float:
        """Return the image passes of its own training over so many steps."""
        return float(max(0, steps - 1) * self.trained * self.training_steps * self.batch)

    def begin(self, setting: RunSetting) -> "QueuedNetworks":
        """Start a run."""
        return QueuedNetworks(self, setting)


class QueuedNetworks(ScheduleRun):
    """One run: networks and their optimisers, the oldest first.

    Each carries its `accuracy`, 0 before it was trained.
    """

    def __init__(self, schedule: Queue, setting: RunSetting) -> None:
        self.schedule, self.setting = schedule, setting
        self.networks: list[nn.Module] = []
        self.optimisers: list[torch.optim.SGD] = []
        for _ in range(min(schedule.first, schedule.size)):
            self._join(setting.fresh())

    def _join(self, network: nn.Module) -> None:
        rule = self.schedule
        if len(self.networks) == rule.size:
            self.networks.pop(0)
            self.optimisers.pop(0)
        carry_accuracy(network, 0.0)
        self.networks.append(network)
        self.optimisers.append(
            torch.optim.SGD(
                network.parameters(),
                lr=rule.lr,
                momentum=rule.momentum,
                weight_decay=rule.weight_decay,
                fused=fused(self.setting.data.device),
            )
        )

    def next(self, step: int, synthetic: SyntheticBatch) -> nn.Module:
        """A random network of the queue, in evaluation mode as in the authors' code."""
        if step > 0:
            for position in self._some(self.schedule.trained):
                self._train(self.networks[position], self.optimisers[position])
        if step % self.schedule.interval == 0:
            self._join(self.setting.fresh())
        (chosen,) = self._some(1)
        return self.networks[chosen].eval()

    def _some(self, n: int) -> list[int]:
        """n different positions in the queue (all where there are fewer), drawn at random."""
        positions: list[int] = torch.randperm(len(self.networks), generator=self.setting.generator)[
            :n
        ].tolist()
        return positions

    def _train(self, network: nn.Module, optimiser: torch.optim.SGD) -> None:
        network.train()
        right, seen = torch.zeros((), dtype=torch.int64, device=self.setting.data.device), 0
        for _ in range(self.schedule.training_steps):
            images, labels = self.setting.data.batch(self.schedule.batch, self.setting.generator)
            logits = train_step(network, optimiser, images, labels)
            right, seen = right + (logits.argmax(1) == labels).sum(), seen + len(labels)
        carry_accuracy(network, share(right, seen))

    def state_dict(self) -> dict[str, Any]:
        """Return the whole state, for the checkpoint."""
        return {
            "networks": [network.state_dict() for network in self.networks],
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "accuracies": [float(network.accuracy) for network in self.networks],  # type: ignore[arg-type]
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self.networks, self.optimisers = [], []
        for weights, moments, accuracy in zip(
            state["networks"], state["optimisers"], state["accuracies"], strict=True
        ):
            self._join(self.setting.fresh())
            self.networks[-1].load_state_dict(weights)
            self.optimisers[-1].load_state_dict(moments)
            carry_accuracy(self.networks[-1], accuracy)


def carry_accuracy(network: nn.Module, accuracy: float | Tensor) -> None:
    """Let terms of the loss know how much of the real images the network classified correctly, 0 to
    1.
    """
    network.accuracy = accuracy  # type: ignore[assignment]
