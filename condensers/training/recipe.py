"""The recipe of a training: how long, at which rates, on which augmented images."""

from dataclasses import dataclass, fields
from math import cos, floor, pi
from typing import Any

from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from condensers.networks.precision import PRECISIONS
from condensers.registry.registry import AUGMENTATIONS

OPTIMISERS = ("sgd", "adamw")
SCHEDULES = ("drop", "cosine", "restarts", "milestones", "half-cosine")
MIXES = ("none", "cutmix", "mixup")
TRAINING_AUGMENTATIONS = ("none", "dsa", "crop")
DSA_STRATEGY = "color_crop_cutout_flip_scale_rotate"
ROUNDING = 1e-9  # 2/3 of 300 epochs is 200
LOSSES = ("cross-entropy", "mse", "binary", "kl", "soft-cross-entropy", "mse+cross-entropy")


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """What recipes after DC's set beside length and rate; none of it by default."""

    schedule: str = hyper(
        "drop",
        help=(
            "of the learning rate; drop: a tenth from half of the epochs on, where `drop` says so;"
            " cosine: to lowest_lr, step by step; restarts: cosines of 1, 2, 4, ... epochs, after"
            " one at a tenth; milestones: times gamma at each of them, momentum is kept;"
            " half-cosine: epoch by epoch along the first half of a cosine, to half"
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
    milestones: tuple[float, ...] = hyper(
        (0.5,),
        help="parts of the training, 0 to 1, after whose whole epochs the rate is multiplied",
        source="DD-Ranking's configurations (IDC's code: 2/3 and 5/6)",
        minimum=0.0,
    )
    gamma: float = hyper(
        0.1,
        help="what the rate is multiplied by at a milestone",
        source="DD-Ranking's code (IDC's: 0.2)",
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
        help="mixes images of a batch and their labels, in mix_probability of the steps",
        source="ours: none (IDC and GDumb: cutmix)",
        values=MIXES,
    )
    mix_probability: float = hyper(
        0.5,
        help="the part of the steps that is mixed, 0 to 1",
        source="CutMix, section 4.1; GDumb's and IDC's code (DD-Ranking's: 1)",
        minimum=0.0,
    )
    dsa_strategy: str = hyper(
        DSA_STRATEGY,
        help="what augmentation dsa draws from: families of transforms, joined by underscores",
        source="DSA, section 4.1",
    )
    dsa_mode: str = hyper(
        "one",
        help="dsa applies one family to a batch, or flip, colour, cutout and one other together",
        source="DSA's code (IDC's: together)",
        values=("one", "together"),
    )

    def __post_init__(self) -> None:
        for name in ("mix_probability", "gamma"):
            if getattr(self, name) > 1:
                raise UsageError(f"{name}: {getattr(self, name)} is not between 0 and 1")
        if not all(0 <= part <= 1 for part in self.milestones):
            raise UsageError(
                f"milestones: {list(self.milestones)} are not parts of the training, 0 to 1"
            )
        if self.dsa_strategy != DSA_STRATEGY:
            AUGMENTATIONS.create(self.siamese)

    @property
    def siamese(self) -> dict[str, str]:
        """The augmentation "dsa" as these options have it, as a table of its settings."""
        return {"name": "dsa", "strategy": self.dsa_strategy, "mode": self.dsa_mode}

    def options(self) -> dict[str, Any]:
        """Return these options by name, for a recipe that has them too."""
        kinds = [kind for kind in (OptimiserOptions, TrainingOptions) if isinstance(self, kind)]
        return {field.name: getattr(self, field.name) for field in fields(kinds[0])}


@dataclass(frozen=True, kw_only=True)
class OptimiserOptions(TrainingOptions):
    """How networks are updated, and how soft labels are weighed, with what recipes after DC's
    set.
    """

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
    temperature: float = hyper(
        1.0,
        help="by which logits and scores are divided in the losses kl and soft-cross-entropy",
        source="DATM's code (DD-Ranking's configurations of KL: 20 and 30)",
        minimum=0.0,
    )
    temperature_squared: bool = hyper(
        False,
        help="multiply these losses by the square of the temperature",
        source="DD-Ranking's configurations (Hinton et al., section 2: true)",
    )
    cross_entropy_weight: float = hyper(
        0.025,
        help="weight of the classes in the loss mse+cross-entropy",
        source="EDC, in DD-Ranking's configuration",
        minimum=0.0,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.temperature <= 0:
            raise UsageError(f"temperature: {self.temperature} is not above 0")


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
        values=LOSSES,
    )

    @property
    def augmentation_table(self) -> dict[str, str]:
        """The augmentation as a table of its settings."""
        return self.siamese if self.augmentation == "dsa" else {"name": self.augmentation}

    def rate(self, step: int, total: int, per_epoch: int = 1) -> float:
        """Return the learning rate of a step of every schedule but "drop".

        cosine: lowest + (lr - lowest) (1 + cos(pi t / T)) / 2, SGDR (2017), equation 5, where t is
        the step and T is `total`. restarts: the same where t and T count epochs, SGDR's T_0 = 1,
        T_mult = 2; the epoch before them, at lr / 10, is GDumb's code's. milestones: lr gamma^m, m
        of them passed. half-cosine: lr (1 + cos(pi t / 2 T)) / 2 of epochs, DD-Ranking's "cosine".

        Args:
            step: From 0.
            total: Steps in all.
            per_epoch: Steps of an epoch.
        """
        if self.schedule == "cosine":
            return self._anneal(step / total)
        if self.schedule == "milestones":
            return self.lr * self.gamma ** self._count_milestones(step, total, per_epoch)
        epoch = step // per_epoch
        if self.schedule == "half-cosine":
            return self.lr * (1 + cos(pi * epoch * per_epoch / total / 2)) / 2
        if epoch == 0:
            return self.lr / 10
        length = 1 << (epoch.bit_length() - 1)  # cycles begin at epochs 1, 2, 4, 8, ...
        return self._anneal((epoch - length) / length)

    def _count_milestones(self, step: int, total: int, per_epoch: int) -> int:
        """How many milestones a step has passed; a length in epochs is cut at whole epochs."""
        whole = 1 if self.steps else per_epoch
        at = [floor(part * (total // whole) + ROUNDING) * whole for part in self.milestones]
        return sum(step >= one for one in at)

    def _anneal(self, part: float) -> float:
        """The rate after a part, 0 to 1, of a cosine."""
        return self.lowest_lr + (self.lr - self.lowest_lr) * (1 + cos(pi * part)) / 2
