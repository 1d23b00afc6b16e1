"""DSA: gradient matching on real and synthetic images that were augmented alike.

min_S  E_theta0  sum_t sum_c D( grad L(theta_t; A_w(x_c)), grad L(theta_t; A_w(s_c)) ),  w shared by
both sides

Source: Zhao & Bilen, "Dataset Condensation with Differentiable Siamese Augmentation" (ICML 2021),
eq. 5, section 4.1. Everything but the augmentation and the start from real images is DC; the
network's own training is augmented too, image by image. Differences from the authors' code: those
of DC, and the flip is left out where a mirrored image would change its label.
"""

from dataclasses import dataclass
from typing import ClassVar

from condensers.composition.composition import Composition
from condensers.hyperparameters import hyper
from condensers.parts.augmentations.base import Augmentation
from condensers.parts.model_schedules.base import ModelSchedule
from condensers.parts.objectives.base import Objective


@dataclass(frozen=True)
class DSA(Composition):
    """Siamese gradient matching (DSA): DC with augmentation, started from real images."""

    iterations: int = hyper(
        1000,
        unit="networks",
        help="initialisations of the network",
        source="DSA, section 4.1",
        minimum=1,
    )
    lr: float = hyper(0.1, source="DSA, section 4.1", minimum=0.0)
    momentum: float = hyper(0.5, source="DSA's code", minimum=0.0)
    batch_real: int = hyper(256, unit="images per class", source="DSA, section 4.1", minimum=1)
    init: str = hyper(
        "real", source="DSA's README", values=("noise", "real", "k-means", "centroids")
    )
    augmentation: Augmentation = hyper("dsa", source="DSA, section 4.1", part="augmentation")
    objective: Objective = hyper("gradient", source="DC, eq. 9 and 10", part="objective")
    model_schedule: ModelSchedule = hyper(
        "trained-on-synthetic", source="DC, algorithm 1", part="model schedule"
    )

    registered: ClassVar[str] = "dsa"
    evaluation: ClassVar[str] = "dsa"
