"""GDumb: at each experience a network is trained from its initial weights on the memory alone.

Source: Prabhu et al., "GDumb" (ECCV 2020). Trained by `condensers.training.classifier`, the routine
by which sets are evaluated, so soft labels, scores and tiles mean here what they mean there.
Avalanche's GDumbPlugin does the same with hard labels.
"""

from dataclasses import dataclass
from typing import ClassVar

from condensers.hyperparameters import hyper
from condensers.training.recipe import MIXES, SCHEDULES, TRAINING_AUGMENTATIONS, Training
from scenarios.continual.learner_settings import LearnerSettings
from scenarios.continual.strategies.base import Strategy


@dataclass(frozen=True)
class GDumb(Strategy):
    """Training from scratch on the memory alone, at each experience."""

    epochs: int = hyper(
        100,
        unit="epochs",
        help="epochs of training in each experience",
        source="ours; DM's code: 1000, GDumb: 256",
        minimum=1,
    )
    steps: int | None = hyper(
        None,
        unit="steps",
        help="gradient steps in place of epochs: equal for all memories",
        source="ours",
        minimum=1,
    )
    batch: int = hyper(64, unit="images", source="ours; GDumb: 16", minimum=1)
    augmentation: str = hyper(
        "dsa",
        help="augmentation in training on the memory",
        source="ours: as DSA and DM evaluate sets",
        values=TRAINING_AUGMENTATIONS,
    )
    drop: bool = hyper(
        False,
        help="use a tenth of the learning rate from half of the epochs on",
        source="ours; DC's code: true",
    )
    schedule: str = hyper(
        "drop",
        help=(
            "of the learning rate; drop: constant, or as `drop` says; cosine: to lowest_lr;"
            " restarts: cosines of 1, 2, 4, ... epochs"
        ),
        source="ours; GDumb's code: restarts",
        values=SCHEDULES,
    )
    lowest_lr: float = hyper(
        0.0,
        help="learning rate at the end of a cosine",
        source="ours; GDumb's code: 0.0005",
        minimum=0.0,
    )
    clip: float | None = hyper(
        None,
        help="greatest Euclidean norm of the gradient, cut to it; left out: none",
        source="ours; GDumb's code: 10",
        minimum=0.0,
    )
    mix: str = hyper(
        "none",
        help="mixes images of a batch and their labels, in half of the steps",
        source="ours; GDumb's code: cutmix, on MNIST none",
        values=MIXES,
    )

    registered: ClassVar[str] = "gdumb"
    from_scratch: ClassVar[bool] = True

    def training(self, common: LearnerSettings) -> Training:
        """How the memory is trained on."""
        return Training(
            self.epochs,
            self.lr if self.lr is not None else common.lr,
            momentum=common.momentum,
            weight_decay=common.weight_decay,
            batch=self.batch,
            steps=self.steps,
            augmentation=self.augmentation,
            drop=self.drop,
            schedule=self.schedule,
            lowest_lr=self.lowest_lr,
            clip=self.clip,
            mix=self.mix,
        )
