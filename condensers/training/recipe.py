"""The recipe of a training: how long, at which rates, on which augmented images."""

from dataclasses import dataclass, fields
from math import cos, pi
from typing import Any

from condensers.hyperparameters import hyper
from condensers.networks.precision import PRECISIONS

OPTIMISERS, SCHEDULES = ("sgd", "adamw"), ("drop", "cosine", "restarts")
MIXES = ("none", "cutmix", "mixup")
TRAINING_AUGMENTATIONS = ("none", "dsa", "crop")


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """What recipes after DC's set beside length and rate; none of it by default."""

    schedule: str = hyper(
        "drop",
        help=(
            "of the learning rate; drop: a tenth from half of the epochs on, where `drop` says so;"
            " cosine: to lowest_lr, step by step; restarts: cosines of 1, 2, 4, ... epochs, after"
            " one at a tenth"
        ),
        source="DC's code (GDumb's: restarts)",
        values=SCHEDULES,
    )
    lowest_lr: float = hyper(
        0.0,
        help="learning rate at the end of a cosine",
        source="ours (GDumb's code: 0.0005)",
        minimum=0.0,
    )
    clip: float | None = hyper(
        None,
        help="greatest Euclidean norm of a network's gradient, cut to it; left out: none",
        source="ours: none (GDumb's code: 10)",
        minimum=0.0,
    )
    mix: str = hyper(
        "none",
        help="mixes images of a batch and their labels, in half of the steps",
        source="ours: none (IDC and GDumb: cutmix)",
        values=MIXES,
    )

    def options(self) -> dict[str, Any]:
        """Return these options by name, for a recipe that has them too."""
        kinds = [kind for kind in (OptimiserOptions, TrainingOptions) if isinstance(self, kind)]
        return {field.name: getattr(self, field.name) for field in fields(kinds[0])}


@dataclass(frozen=True, kw_only=True)
class OptimiserOptions(TrainingOptions):
    """How networks are updated, with what recipes after DC's set."""

    weight_decay: float = hyper(
        5e-4, help="weight decay", source="DC's code (AdamW: usually 0.01)", minimum=0.0
    )
    optimiser: str = hyper(
        "sgd",
        help="adamw: with decoupled weight decay, usually with a rate of 0.001",
        source="DC's code",
        values=OPTIMISERS,
    )
    precision: str = hyper(
        "fp32",
        help=(
            "precision of products; bf16 is an approximation; auto: fp32 or bf16, the faster one"
            " here"
        ),
        source="ours",
        values=PRECISIONS,
    )


@dataclass(frozen=True)
class Training(OptimiserOptions):
    """How a network is trained on a set."""

    epochs: int = hyper(
        300,
        unit="epochs",
        source="DC, section 4.1 (1000 where the training is augmented)",
        minimum=1,
    )
    lr: float = hyper(0.01, help="learning rate", source="DC's code", minimum=0.0)
    momentum: float = hyper(0.9, help="momentum of SGD", source="DC's code", minimum=0.0)
    batch: int = hyper(256, unit="images", help="images in a batch", source="DC's code", minimum=1)
    augmentation: str = hyper(
        "none",
        help="augmentation in training",
        source="DC: none; DSA and DM: dsa",
        values=TRAINING_AUGMENTATIONS,
    )
    steps: int | None = hyper(
        None,
        unit="steps",
        source="ours: in place of epochs, for equal-step baselines",
        minimum=1,
    )
    drop: bool = hyper(
        True, help="use a tenth of the learning rate from half of the epochs on", source="DC's code"
    )
    loss: str = hyper(
        "cross-entropy",
        help="loss of the training",
        source="DC, section 4.1",
        values=("cross-entropy", "mse", "binary"),
    )

    def rate(self, step: int, total: int, per_epoch: int = 1) -> float:
        """Return the learning rate of a step of the schedules "cosine" and "restarts".

        lowest + (lr - lowest) (1 + cos(pi t / T)) / 2: SGDR (2017), equation 5. Of "cosine" t is
        the step and T is `total`. Of "restarts" t and T count epochs: SGDR's T_0 = 1, T_mult = 2;
        the epoch before them, at lr / 10, is GDumb's code's.

        Args:
            step: From 0.
            total: Steps in all.
            per_epoch: Steps of an epoch.
        """
        if self.schedule == "cosine":
            return self._anneal(step / total)
        epoch = step // per_epoch
        if epoch == 0:
            return self.lr / 10
        length = 1 << (epoch.bit_length() - 1)  # cycles begin at epochs 1, 2, 4, 8, ...
        return self._anneal((epoch - length) / length)

    def _anneal(self, part: float) -> float:
        """The rate after a part, 0 to 1, of a cosine."""
        return self.lowest_lr + (self.lr - self.lowest_lr) * (1 + cos(pi * part)) / 2
