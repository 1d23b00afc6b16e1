"""A network is trained on the synthetic set between the matching steps, and replaced after `outer`
of them.

Source: DC (ICLR 2021), algorithm 1: for each of the initialisations, `outer` times (one step on the
images, then `inner` epochs of the network on the synthetic images); the training after the last of
the outer steps has no effect and is left out.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from condensers.composition.real_statistics import Slot
from condensers.hyperparameters import hyper
from condensers.parts.model_schedules.base import SyntheticBatch
from condensers.parts.model_schedules.training_steps import ready, train_epoch
from condensers.parts.setting import Setting


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


@dataclass(frozen=True)
class TrainedOnSynthetic:
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
    gives: ClassVar[str] = "network"
    couples_classes: ClassVar[bool] = True
    label_forms: ClassVar[tuple[str, ...]] = ("hard", "probabilities")

    @property
    def keeps(self) -> bool:
        return self.reuse > 1

    def real_sides(self, steps: int) -> int:
        return -(-steps // self.reuse)

    def steps(self, ipc: int) -> int:
        return self.outer or outer_loops(ipc)

    def epochs(self, ipc: int) -> int:
        """Epochs of the network between two steps on the images."""
        return self.inner or inner_loops(self.steps(ipc))

    def passes(self, steps: int, images: int, ipc: int) -> float:
        outer = self.steps(ipc)
        return steps / outer * ((outer - 1) // self.reuse) * self.epochs(ipc) * images

    def begin(self, setting: Setting) -> "LearningNetworks":
        return LearningNetworks(self, setting)


class LearningNetworks:
    """One run: SGD without momentum, each training batch augmented image by image."""

    def __init__(self, schedule: TrainedOnSynthetic, setting: Setting) -> None:
        self.schedule, self.setting, self.data = schedule, setting, setting.data
        self.current = setting.fresh()
        self.slot: Slot | None = None

    def next(self, step: int, synthetic: SyntheticBatch) -> nn.Module:
        """A new network at the first of each `outer` steps, else the last one, trained for `inner`
        epochs every `reuse` steps.
        """
        taken, reuse = step % self.schedule.steps(self.setting.ipc), self.schedule.reuse
        self.slot = Slot(0, new=taken % reuse == 0, whole=False) if reuse > 1 else None
        if taken % reuse:
            return self.current
        if taken:
            self._train(*synthetic())
        elif step > 0:
            self.current = self.setting.fresh()
        return ready(self.current, self.setting)

    def _train(self, images: Tensor, labels: Tensor) -> None:
        self.current.train()
        optimiser = torch.optim.SGD(self.current.parameters(), lr=self.schedule.lr, fused=True)
        for _ in range(self.schedule.epochs(self.setting.ipc)):
            train_epoch(self.current, optimiser, images, labels, self.schedule.batch, self.setting)

    def state_dict(self) -> dict[str, Any]:
        return {"network": self.current.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.current.load_state_dict(state["network"])
