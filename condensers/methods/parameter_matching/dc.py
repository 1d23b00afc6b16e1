"""DC: synthetic images that give a network the gradients that the real ones give it, class by
class.

min_S  E_theta0  sum_t sum_c D( grad L(theta_t; x_c), grad L(theta_t; s_c) ),  theta_{t+1} =
train(theta_t; S)

Source: Zhao, Mopuri & Bilen, "Dataset Condensation with Gradient Matching" (ICLR 2021), eq. 9 and
10, algorithm 1, and the authors' code for the defaults. Differences from that code: any number of
images per class (the schedule's `outer` and `inner` follow the rule that its table obeys), the
backward pass is taken class by class, the seed decides everything.
"""

from dataclasses import dataclass
from typing import ClassVar

from condensers.composition.composition import Composition
from condensers.hyperparameters import hyper
from condensers.parts.augmentations.base import Augmentation
from condensers.parts.model_schedules.base import ModelSchedule
from condensers.parts.objectives.base import Objective


@dataclass(frozen=True)
class DC(Composition):
    """Gradient matching (DC): pixels x no augmentation x node-wise gradient cosine x networks
    trained on the set.
    """

    iterations: int = hyper(
        1000,
        unit="networks",
        help="initialisations of the network",
        source="DC, section 4.1",
        minimum=1,
    )
    lr: float = hyper(0.1, source="DC, section 4.1", minimum=0.0)
    momentum: float = hyper(0.5, source="DC's code", minimum=0.0)
    batch_real: int = hyper(256, unit="images per class", source="DC, section 4.1", minimum=1)
    init: str = hyper(
        "noise", source="DC, section 4.1", values=("noise", "real", "k-means", "centroids")
    )
    augmentation: Augmentation = hyper("none", source="DC", part="augmentation")
    objective: Objective = hyper("gradient", source="DC, eq. 9 and 10", part="objective")
    model_schedule: ModelSchedule = hyper(
        "trained-on-synthetic", source="DC, algorithm 1", part="model schedule"
    )

    registered: ClassVar[str] = "dc"
    evaluation: ClassVar[str] = "none"
