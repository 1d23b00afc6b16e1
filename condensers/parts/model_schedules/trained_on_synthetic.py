"""A network is trained on the synthetic set between the matching steps, and replaced after `outer`
of them.

Source: DC (ICLR 2021), algorithm 1: for each of the initialisations, `outer` times (one step on the
images, then `inner` epochs of the network on the synthetic images); the training after the last of
the outer steps has no effect and is left out.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, final

import torch
from torch import Tensor, nn

from condensers.hyperparameters import hyper
from condensers.parts.model_schedules.base import (
    ModelSchedule,
    NetworkSlot,
    ScheduleRun,
    SyntheticBatch,
)
from condensers.parts.model_schedules.training_steps import prepare_network, train_epoch
from condensers.parts.setting import RunSetting


def outer_loops(ipc: int) -> int:
    """Matching steps per network: as many as images per class, 50 at most (DC's code,
    get_loops).
    """
    return min(ipc, 50)


def inner_loops(outer: int) -> int:
    """Epochs between steps: 50, 25, 20, 15, 10 for 10, 20, 30, 40, 50 outer steps, as published;
    the same rule elsewhere.

    >>> [inner_loops(outer) for outer in (10, 20, 30, 40, 50)]
    [50, 25, 20, 15, 10]
    """
    return 5 * -(-100 // outer)


@final
@dataclass(frozen=True)
class TrainedOnSynthetic(ModelSchedule):
    """Networks that learn from the set as it is so far, between the steps on the images."""

    outer: int | None = hyper(
        None,
        unit="steps",
        help="steps on the images with each network",
        source="DC's code: images per class, 50 at most",
        minimum=1,
    )
    inner: int | None = hyper(
        None,
        unit="epochs",
        help="epochs of training of the network between steps on the images",
        source="DC's code: 500 / outer, by fives",
        minimum=1,
    )
    lr: float = hyper(
        0.01, help="learning rate of the network", source="DC, section 4.1", minimum=0.0
    )
    batch: int = hyper(256, unit="images", source="DC's code", minimum=1)
    reuse: int = hyper(
        1,
        unit="steps",
        help="steps with the network as it is, its real batch and its draw",
        source="DC: 1",
        minimum=1,
    )

    registered: ClassVar[str] = "trained-on-synthetic"
    couples_classes: ClassVar[bool] = True
    label_forms: ClassVar[tuple[str, ...]] = ("hard", "probabilities")

    @property
    def reuses_networks(self) -> bool:
        """Whether a network serves more than one step."""
        return self.reuse > 1

    def real_sides(self, steps: int) -> int:
        """Return in how many of so many steps real images are read."""
        return -(-steps // self.reuse)

    def steps(self, ipc: int) -> int:
        """Return the steps on the images with each network."""
        return self.outer or outer_loops(ipc)

    def epochs(self, ipc: int) -> int:
        """Epochs of the network between two steps on the images."""
        return self.inner or inner_loops(self.steps(ipc))

    def passes(self, steps: int, images: int, ipc: int) -> float:
        """Return the image passes of its own training over so many steps."""
        outer = self.steps(ipc)
        return steps / outer * ((outer - 1) // self.reuse) * self.epochs(ipc) * images

    def begin(self, setting: RunSetting) -> "LearningNetworks":
        """Start a run."""
        return LearningNetworks(self, setting)


class LearningNetworks(ScheduleRun):
    """One run: SGD without momentum, each training batch augmented image by image."""

    def __init__(self, schedule: TrainedOnSynthetic, setting: RunSetting) -> None:
        self.schedule, self.setting, self.data = schedule, setting, setting.data
        self.current = setting.fresh()

    def next(self, step: int, synthetic: SyntheticBatch) -> nn.Module:
        """A new network at the first of each `outer` steps, else the last one, trained for `inner`
        epochs every `reuse` steps.
        """
        taken, reuse = step % self.schedule.steps(self.setting.ipc), self.schedule.reuse
        self.slot = NetworkSlot(0, new=taken % reuse == 0, whole=False) if reuse > 1 else None
        if taken % reuse:
            return self.current
        if taken:
            self._train(*synthetic())
        elif step > 0:
            self.current = self.setting.fresh()
        return prepare_network(self.current, self.setting)

    def _train(self, images: Tensor, labels: Tensor) -> None:
        self.current.train()
        optimiser = torch.optim.SGD(self.current.parameters(), lr=self.schedule.lr, fused=True)
        for _ in range(self.schedule.epochs(self.setting.ipc)):
            train_epoch(self.current, optimiser, images, labels, self.schedule.batch, self.setting)

    def state_dict(self) -> dict[str, Any]:
        """Return the whole state, for the checkpoint."""
        return {"network": self.current.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self.current.load_state_dict(state["network"])
