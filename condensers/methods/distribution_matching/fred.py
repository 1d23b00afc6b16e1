"""FreD: few frequencies of many images, whose mean embedding is that of the real ones.

min_f  E_theta  sum_c || mean_b psi_theta(A_w(x_cb)) - mean_u psi_theta(A_w(D'(m_c . f_cu))) ||^2

D': the inverse cosine transform, m_c: the frequencies of class c (`frequencies`).

Source: Shin, Shin & Moon, "Frequency Domain-based Dataset Distillation" (FreD, NeurIPS 2023), and
the authors' code, which learns frequencies by gradient, distribution and trajectory matching; this
is its DM. Its TM, which the paper's figures are of, is `objective = "trajectory"` and
`model_schedule = "experts"`, with lr 24400 in its example at 1 image per class. Differences from
that code: those of `frequencies` and of `dm`, and that a learning rate is one of orthonormal
cosines: there it is 4 H W times larger (1e6 for CIFAR-10), and what has frequency 0 in one or both
directions moves half or a quarter as fast. Other data have other shares there.
"""

from dataclasses import dataclass
from typing import ClassVar

from condensers.composition.composition import Composition
from condensers.hyperparameters import hyper
from condensers.parts.augmentations.base import Augmentation
from condensers.parts.model_schedules.base import ModelSchedule
from condensers.parts.objectives.base import Objective
from condensers.parts.parameterisations.base import Parameterisation


@dataclass(frozen=True)
class FreD(Composition):
    """Frequency-domain distillation (FreD): frequencies x siamese augmentation x mean embedding x
    fresh networks.
    """

    iterations: int = hyper(
        20000, unit="steps", help="steps on the coefficients", source="FreD's DM script", minimum=1
    )
    lr: float = hyper(
        244.0,
        help="learning rate of the coefficients",
        source="FreD's DM script: 1e6 of cosines that are 64 times larger",
        minimum=0.0,
    )
    momentum: float = hyper(0.5, source="FreD's DM script", minimum=0.0)
    batch_real: int = hyper(
        256, unit="images per class", source="FreD's code, main_DM_FreD.py", minimum=1
    )
    init: str = hyper(
        "real", source="FreD's code", values=("noise", "real", "k-means", "centroids")
    )
    parameterisation: Parameterisation = hyper(
        "frequencies", source="FreD's code", part="parameterisation"
    )
    augmentation: Augmentation = hyper("dsa", source="FreD's code", part="augmentation")
    objective: Objective = hyper("mean-embedding", source="FreD's code", part="objective")
    model_schedule: ModelSchedule = hyper("fresh", source="FreD's code", part="model schedule")

    registered: ClassVar[str] = "fred"
    evaluation: ClassVar[str] = "dsa"
