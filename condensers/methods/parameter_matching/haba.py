"""HaBa: bases and hallucinators whose images lead networks along the paths of experts.

min_{z, H, a}  E_{theta*, t}  || theta_N({H_j(z_u)}, a) - theta*_{t+M} ||^2 / || theta*_t -
theta*_{t+M} ||^2  +  0.1 mean_u ( 1 + cos( e(A H_i(z_u)), e(A H_j(z_u)) ) ) / 2

z_u: bases, H_j: hallucinators that all classes share (`bases`); e: an adversary
(`adversarial-contrast`).

Source: Liu et al., "Dataset Distillation via Factorization" (HaBa, NeurIPS 2022), and the authors'
code with its script for CIFAR-10 at 10 images per class; at 1 it has 50 steps, max_start 2, lr 0.01
and lr_lr 1e-7. Differences from that code: those of `bases`, `adversarial-contrast` and `mtt`; each
step of the inner training is on all images of the set, or on `batch_syn` of them, where it is on
all bases under one hallucinator. Defect of that code that is not here: hallucinators are not in the
budget that its numbers of images name. With five whole hallucinators a budget must be that of
several images per class: `bases` says what is smaller.

At few images and steps it can end below its start. On digits at ten images a class (suite
`families-reasons`, three sets, test images) random images give 91 %, hallucinators fitted to real
images before the first step 79 %, 40 steps at a rate of 20 leave 25 %, without the adversary 32 %,
and at a rate of 2 79 %. So the rate is the reason, not the adversary: the published one, 100, goes
with inner steps at 0.001, and the gradient of an image grows with their rate, 0.05 there.
"""

from dataclasses import dataclass
from typing import ClassVar

from condensers.composition.composition import Composition
from condensers.hyperparameters import hyper
from condensers.parts.augmentations.base import Augmentation
from condensers.parts.model_schedules.base import ModelSchedule
from condensers.parts.model_schedules.expert_trajectories import Experts
from condensers.parts.objectives.base import Objective
from condensers.parts.objectives.trajectory import Trajectory
from condensers.parts.parameterisations.base import Parameterisation
from condensers.parts.parameterisations.bases import Bases
from condensers.parts.regularisers.adversary import AdversarialContrast
from condensers.parts.regularisers.base import Regulariser


@dataclass(frozen=True)
class HaBa(Composition):
    """Factorisation (HaBa): bases and a learning rate x siamese augmentation x distance of
    parameters, adversarial contrast x experts.
    """

    iterations: int = hyper(
        15000,
        unit="steps",
        help="steps on bases and hallucinators",
        source="HaBa's code",
        minimum=1,
    )
    lr: float = hyper(
        100.0, help="learning rate of the bases", source="HaBa's scripts", minimum=0.0
    )
    momentum: float = hyper(0.95, source="HaBa's code", minimum=0.0)
    init: str = hyper(
        "real", source="HaBa's scripts", values=("noise", "real", "k-means", "centroids")
    )
    parameterisation: Parameterisation = hyper(
        Bases(warm_steps=0), source="HaBa's code, StyleTranslator", part="parameterisation"
    )
    augmentation: Augmentation = hyper("dsa", source="HaBa's code", part="augmentation")
    objective: Objective = hyper(
        Trajectory(steps=30, lr=1e-3), source="HaBa's script, 10 images", part="objective"
    )
    regularisers: tuple[Regulariser, ...] = hyper(
        (AdversarialContrast(),), source="HaBa's code", part="regulariser"
    )
    model_schedule: ModelSchedule = hyper(
        Experts(expert_epochs=2, max_start=20), source="HaBa's script", part="model schedule"
    )

    registered: ClassVar[str] = "haba"
    evaluation: ClassVar[str] = "dsa"
