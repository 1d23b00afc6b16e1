"""Matching of training trajectories: MTT and TESLA."""

from dataclasses import dataclass
from typing import ClassVar

from condensers.composition.composition import Composition
from condensers.hyperparameters import hyper
from condensers.parts.augmentations.base import Augmentation
from condensers.parts.model_schedules.base import ModelSchedule
from condensers.parts.model_schedules.expert_trajectories import Experts
from condensers.parts.objectives.base import Objective
from condensers.parts.objectives.trajectory import Trajectory


@dataclass(frozen=True)
class MTT(Composition):
    """Trajectory matching (MTT): pixels and a learning rate x siamese augmentation x distance of
    parameters x experts.

    MTT: synthetic images on which a network takes, in a few steps, the path that experts took on
    the real ones in epochs.

    min_{S, a}  E_{theta*, t}  || theta_N(S, a) - theta*_{t+M} ||^2 / || theta*_t - theta*_{t+M}
    ||^2

    Source: Cazenavette et al., "Dataset Distillation by Matching Training Trajectories" (CVPR
    2022), eq. 2 and algorithm 1, and the authors' code for the defaults. Differences from that
    code: experts and epochs are drawn uniformly at each step, the learned rate stays positive,
    images are not whitened, the last images count (not the best on test data), the seed decides
    everything but the experts, which all seeds share.
    """

    iterations: int = hyper(
        5000, unit="steps", help="steps on the images", source="MTT's code", minimum=1
    )
    lr: float = hyper(1000.0, source="MTT's code", minimum=0.0)
    momentum: float = hyper(0.5, source="MTT's code", minimum=0.0)
    init: str = hyper(
        "real",
        source="MTT's code",
        values=("noise", "real", "k-means", "centroids", "classified"),
    )
    augmentation: Augmentation = hyper("dsa", source="MTT, section 4", part="augmentation")
    objective: Objective = hyper("trajectory", source="MTT, eq. 2", part="objective")
    model_schedule: ModelSchedule = hyper(
        "experts", source="MTT, section 3.2", part="model schedule"
    )

    registered: ClassVar[str] = "mtt"
    evaluation: ClassVar[str] = "dsa"


@dataclass(frozen=True)
class TESLA(Composition):
    """Trajectory matching in constant memory (TESLA): MTT without second-order terms, so that
    memory does not grow with the number of steps.

    dL/dx_s = 2 / || theta*_t - theta*_{t+M} ||^2  *  d/dx_s [ ( a (theta*_{t+M} - theta*_t) + a^2 G
    ) . g_s(x_s) ],   G = sum_s g_s

    Source: Cui et al., "Scaling Up Dataset Distillation to ImageNet-1K with Constant Memory" (ICML
    2023), section 3, and the authors' example for CIFAR-10 at one image per class for steps,
    segments and the rate of the learning rate; the images' rate is MTT's. Differences from that
    code: those of `mtt`. Its soft labels, which an expert's last network gives, are not there;
    labels "experts" are such, and are learned (DATM).
    """

    iterations: int = hyper(
        5000, unit="steps", help="steps on the images", source="MTT's code", minimum=1
    )
    lr: float = hyper(1000.0, source="MTT's code", minimum=0.0)
    momentum: float = hyper(0.5, source="MTT's code", minimum=0.0)
    init: str = hyper(
        "real",
        source="MTT's code",
        values=("noise", "real", "k-means", "centroids", "classified"),
    )
    augmentation: Augmentation = hyper("dsa", source="MTT, section 4", part="augmentation")
    objective: Objective = hyper(
        Trajectory(steps=50, lr_lr=1e-7, reverse="tesla"),
        source="TESLA, section 3, and its example",
        part="objective",
    )
    model_schedule: ModelSchedule = hyper(
        Experts(max_start=5), source="TESLA's example for CIFAR-10", part="model schedule"
    )

    registered: ClassVar[str] = "tesla"
    evaluation: ClassVar[str] = "dsa"
