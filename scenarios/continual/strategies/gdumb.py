"""GDumb: at each experience a network is trained from its initial weights on the memory alone.

Source: Prabhu et al., "GDumb" (ECCV 2020). Trained by `condensers.training.classifier`, the routine
by which sets are evaluated, so soft labels, scores and tiles mean here what they mean there.
Avalanche's GDumbPlugin does the same with hard labels.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

from condensers.hyperparameters import hyper
from condensers.training.recipe import TRAINING_AUGMENTATIONS, Training, TrainingOptions
from scenarios.continual.learner_settings import LearnerSettings
from scenarios.continual.strategies.base import Strategy


@dataclass(frozen=True)
class GDumb(TrainingOptions, Strategy):
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

    registered: ClassVar[str] = "gdumb"
    from_scratch: ClassVar[bool] = True

    def training(self, common: LearnerSettings) -> Training:
        """How the memory is trained on."""
        training = Training(
            self.epochs,
            self.lr if self.lr is not None else common.lr,
            momentum=common.momentum,
            weight_decay=common.weight_decay,
            batch=self.batch,
            steps=self.steps,
            augmentation=self.augmentation,
            drop=self.drop,
        )
        return replace(training, **self.options())
