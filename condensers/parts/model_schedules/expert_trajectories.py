"""Segments of experts' paths: networks trained on the real data, their parameters kept after every
epoch.

At each step an expert e and an epoch t, min_start <= t < u(step), are drawn; given are theta*_t and
theta*_{t+M} of that expert. u(step) = first_max_start + floor( (max_start - first_max_start) step /
growth ) up to max_start: early epochs, whose patterns are easy, come first (DATM).

Source: MTT (CVPR 2022), section 3.2 and the authors' code: SGD without momentum, weight decay or a
falling rate. DATM (ICLR 2024), section 3.3 and the authors' code for the range of epochs. PAD
(arXiv 2408.03360) for experts that see images by their difficulty (`curriculum`). Differences from
these codes: expert and epoch are drawn uniformly at every step, where they go through a shuffled
buffer; DATM's and PAD's experts are trained by FTD's variant of SGD (GSAM, with a radius of 0.01),
ours by SGD.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, final

import torch
from torch.nn.utils import vector_to_parameters

from condensers.data import ClassData
from condensers.engine.devices import send_all
from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from condensers.parts.curricula import Curriculum, EveryImage
from condensers.parts.model_schedules.base import ModelSchedule, ScheduleRun, SyntheticBatch
from condensers.parts.model_schedules.trained_paths import (
    PathTraining,
    TrainedPaths,
    build_network,
)
from condensers.parts.setting import Needs, RunSetting, Segment
from condensers.training.classifier import Training


@final
@dataclass(frozen=True)
class Experts(ModelSchedule):
    """Stretches of the paths that networks took when they were trained on the real data."""

    experts: int = hyper(100, unit="networks", source="MTT's code", minimum=1)
    epochs: int = hyper(
        50, unit="epochs", help="epochs of training of each expert", source="MTT's code", minimum=1
    )
    expert_epochs: int = hyper(
        2,
        unit="epochs",
        help="epochs of a segment, M",
        source="TESLA's example; 3 in MTT's for CIFAR-100",
        minimum=1,
    )
    max_start: int = hyper(
        20,
        unit="epochs",
        help="segments begin before this epoch",
        source="MTT's example for CIFAR-100",
        minimum=1,
    )
    min_start: int = hyper(
        0,
        unit="epochs",
        help="segments begin at this epoch or later",
        source="MTT's code (DATM: by images per class)",
        minimum=0,
    )
    first_max_start: int | None = hyper(
        None,
        unit="epochs",
        help="max_start at the first step, from which it grows; if left out, it does not grow",
        source="MTT's code (DATM: by images per class)",
        minimum=1,
    )
    growth: int = hyper(
        1000,
        unit="steps",
        help="steps on the images in which max_start grows",
        source="DATM's settings for CIFAR-10, 10 images per class",
        minimum=1,
    )
    lr: float = hyper(0.01, help="learning rate of the experts", source="MTT's code", minimum=0.0)
    batch: int = hyper(256, unit="images", source="MTT's code", minimum=1)
    curriculum: Curriculum = hyper(EveryImage(), source="MTT's code", part="curriculum")

    registered: ClassVar[str] = "experts"
    gives: ClassVar[Needs] = Needs.SEGMENT
    couples_classes: ClassVar[bool] = True
    learns_first: ClassVar[bool] = True

    def __post_init__(self) -> None:
        last = self.max_start - 1 + self.expert_epochs
        if last > self.epochs:
            raise UsageError(
                f"experts: a segment that begins at epoch {self.max_start - 1} ends at {last}, but"
                f" experts are trained for {self.epochs} epochs; raise epochs or lower max_start"
            )
        first = self.max_start if self.first_max_start is None else self.first_max_start
        if not self.min_start < first <= self.max_start:
            raise UsageError(
                f"experts: segments begin at epoch {self.min_start} or later and before"
                f" {first}, which is to grow to {self.max_start}; take min_start below"
                " first_max_start, and that not above max_start"
            )

    def end_of_range(self, step: int) -> int:
        """Return the epoch before which segments begin at a step.

        >>> part = Experts(epochs=30, first_max_start=10, max_start=20, growth=4)
        >>> [part.end_of_range(step) for step in (0, 1, 2, 3, 4, 9)]
        [10, 12, 15, 17, 20, 20]
        """
        if self.first_max_start is None:
            return self.max_start
        grown = (self.max_start - self.first_max_start) * step // self.growth
        return min(self.first_max_start + grown, self.max_start)

    def preparation(self, data: ClassData) -> float:
        """Image passes of the experts' training, which comes before the first step."""
        trained = float(self.experts * self.epochs * len(data.images))
        return trained + self.curriculum.preparation(data)

    def train_first(self, setting: RunSetting) -> TrainedPaths:
        """Return the experts, trained or read."""
        recipe = Training(
            epochs=self.epochs,
            lr=self.lr,
            momentum=0.0,
            weight_decay=0.0,
            batch=self.batch,
            drop=False,
        )
        return TrainedPaths(PathTraining(self.experts, recipe, self.curriculum), setting)

    def begin(self, setting: RunSetting) -> "Segments":
        """Start a run."""
        return Segments(self, setting)


class Segments(ScheduleRun):
    """One run; has no state but that of the run's generator. prepared_seconds: what training all
    experts took, also earlier.
    """

    def __init__(self, schedule: Experts, setting: RunSetting) -> None:
        self.schedule, self.setting = schedule, setting
        trained = setting.trained or schedule.train_first(setting)
        assert isinstance(trained, TrainedPaths), "the run's networks are this schedule's"
        self.paths, self.prepared_seconds = trained.paths, trained.seconds
        self.network = build_network(setting, torch.Generator())

    def next(self, step: int, synthetic: SyntheticBatch) -> Segment:
        """A stretch of `expert_epochs` epochs that the generator draws."""
        generator, device = self.setting.generator, self.setting.data.device
        path = self.paths[int(torch.randint(len(self.paths), (1,), generator=generator))]
        low, high = self.schedule.min_start, self.schedule.end_of_range(step)
        first = int(torch.randint(low, high, (1,), generator=generator))
        start, target = send_all(
            [path[epoch].clone() for epoch in (first, first + self.schedule.expert_epochs)], device
        )
        vector_to_parameters(start.clone(), self.network.parameters())
        return Segment(self.network.train(), start, target)

    def state_dict(self) -> dict[str, Any]:
        """Return the whole state, for the checkpoint."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        return None
