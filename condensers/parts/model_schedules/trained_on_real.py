"""A network is trained on the real images between the steps on the synthetic ones, and replaced
after `inner` of them.

Source: Kim et al., "Dataset Condensation via Efficient Synthetic-Data Parameterization" (IDC, ICML
2022), algorithm 1, and the authors' code: after each step on the images the network sees `n_data`
real images, in batches, augmented image by image and mixed by CutMix; with CutMix the augmentation
is without cutout. The training after the last of the inner steps has no effect and is left out.
Networks with batch norm are put in evaluation mode after one pass of real images, which that code
does not do.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, final

import torch
from torch import Tensor, nn

from condensers.engine import optimiser_state
from condensers.hyperparameters import hyper
from condensers.parts.augmentations.cutmix import cutmix
from condensers.parts.model_schedules.base import ModelSchedule, ScheduleRun, SyntheticBatch
from condensers.parts.model_schedules.training_steps import batches_of, prepare_network, train_step
from condensers.parts.setting import RunSetting


@final
@dataclass(frozen=True)
class TrainedOnReal(ModelSchedule):
    """Networks that learn from the real images, between the steps on the synthetic ones."""

    inner: int = hyper(
        100,
        unit="steps",
        help="steps on the images with each network",
        source="IDC's code, inner_loop",
        minimum=1,
    )
    n_data: int = hyper(
        500,
        unit="images",
        help="real images in an epoch",
        source="IDC's code (2000 for CIFAR-10)",
        minimum=1,
    )
    epochs: int = hyper(
        1,
        unit="epochs",
        help="epochs of training of the network between steps on the images",
        source="IDC's code, net_epoch",
        minimum=0,
    )
    lr: float = hyper(0.01, help="learning rate of the network", source="IDC's code", minimum=0.0)
    momentum: float = hyper(
        0.9, help="momentum of the network's SGD", source="IDC's code", minimum=0.0
    )
    weight_decay: float = hyper(
        5e-4, help="weight decay of the network", source="IDC's code", minimum=0.0
    )
    batch: int = hyper(64, unit="images", source="IDC's code, batch_real", minimum=1)
    cutmix: float = hyper(
        0.5,
        help="probability of CutMix",
        source="IDC's code, mix_p of 28 and 32 pixels (MNIST with tiles: 0; ImageNet: 1)",
        minimum=0.0,
    )

    registered: ClassVar[str] = "trained-on-real"
    couples_classes: ClassVar[bool] = True

    def steps(self, ipc: int) -> int:
        """Return the steps on the images with each network."""
        return self.inner

    def passes(self, steps: int, images: int, ipc: int) -> float:
        """Return the image passes of its own training over so many steps."""
        seen = -(-self.n_data // self.batch) * self.batch
        return steps / self.inner * (self.inner - 1) * self.epochs * seen

    def begin(self, setting: RunSetting) -> "RealTraining":
        """Start a run."""
        return RealTraining(self, setting)


class RealTraining(ScheduleRun):
    """One run: the present network and its optimiser, which keeps its momentum from step to
    step.
    """

    def __init__(self, schedule: TrainedOnReal, setting: RunSetting) -> None:
        self.schedule, self.setting, self.data = schedule, setting, setting.data
        self.augmentation = setting.augmentation
        if schedule.cutmix > 0:
            self.augmentation = self.augmentation.without("cutout")
        self._begin_network()

    def _begin_network(self) -> None:
        rule = self.schedule
        self.current = self.setting.fresh()
        weights, momentum, decay = self.current.parameters(), rule.momentum, rule.weight_decay
        self.optimiser = torch.optim.SGD(
            weights, lr=rule.lr, momentum=momentum, weight_decay=decay, fused=True
        )

    def next(self, step: int, synthetic: SyntheticBatch) -> nn.Module:
        """A new network at the first of each `inner` steps, else the last one, trained for
        `epochs`.
        """
        if step % self.schedule.inner == 0:
            if step > 0:
                self._begin_network()
        else:
            for _ in range(self.schedule.epochs):
                self._train()
        return prepare_network(self.current, self.setting)

    def _train(self) -> None:
        """`n_data` real images, and the rest of the last batch of them; all where there are
        fewer.
        """
        self.current.train()
        seen = 0
        for chosen in batches_of(len(self.data.images), self.schedule.batch, self.setting):
            images, labels = self.data.normalise(self.data.images[chosen]), self.data.labels[chosen]
            train_step(self.current, self.optimiser, *self._vary(images, labels))
            seen += len(chosen)
            if seen >= self.schedule.n_data:
                break

    def _vary(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Augmented image by image, then mixed with probability `cutmix`; the labels are then (n,
        K) probabilities.
        """
        generator = self.setting.generator
        drawn = self.augmentation.draw(len(images), self.setting.shape, generator)
        images = self.augmentation.apply(images, drawn)
        if (
            self.schedule.cutmix > 0
            and float(torch.rand((), generator=generator)) < self.schedule.cutmix
        ):
            return cutmix(images, labels, self.setting.classes, generator)
        return images, labels

    def state_dict(self) -> dict[str, Any]:
        """Return the whole state, for the checkpoint."""
        return {"network": self.current.state_dict(), "optimiser": self.optimiser.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self.current.load_state_dict(state["network"])
        optimiser_state.take_up(self.optimiser, state["optimiser"])
