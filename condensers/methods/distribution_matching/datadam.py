"""DataDAM: synthetic images to which random networks attend as they attend to the real ones.

min_S  E_theta  sum_c ( sum_{l < last} || mean_b a_l(x_b) - mean_b a_l(s_b) ||^2 + 0.01 || mean_b
z(x_b) - mean_b z(s_b) ||^2 )

Source: Sajedi et al., "DataDAM: Efficient Dataset Distillation with Attention Matching" (ICCV
2023), and the authors' code. Where the two differ, the paper counts: attention to the power of 4
(the code has 1), instance norm (the code's ConvNet has batch norm), 8,000 iterations (the code's
default is 20,000). Other difference from that code: the seed decides everything. The published
learning rate is 10 above 50 images per class: set it there.
"""

from dataclasses import dataclass
from typing import ClassVar

from condensers.composition.composition import Composition
from condensers.hyperparameters import hyper
from condensers.parts.augmentations.base import Augmentation
from condensers.parts.model_schedules.base import ModelSchedule
from condensers.parts.objectives.base import Objective


@dataclass(frozen=True)
class DataDAM(Composition):
    """Attention matching (DataDAM): pixels x siamese augmentation x attention x fresh networks."""

    iterations: int = hyper(
        8000,
        unit="steps",
        help="steps on the images",
        source="DataDAM, table of hyperparameters",
        minimum=1,
    )
    lr: float = hyper(1.0, source="DataDAM, table of hyperparameters", minimum=0.0)
    momentum: float = hyper(0.5, source="DataDAM's code", minimum=0.0)
    batch_real: int = hyper(64, unit="images per class", source="DataDAM's code", minimum=1)
    init: str = hyper(
        "real", source="DataDAM's code", values=("noise", "real", "k-means", "centroids")
    )
    augmentation: Augmentation = hyper("dsa", source="DataDAM's code", part="augmentation")
    objective: Objective = hyper("attention", source="DataDAM, section 3.2", part="objective")
    model_schedule: ModelSchedule = hyper("fresh", source="DataDAM's code", part="model schedule")

    registered: ClassVar[str] = "datadam"
    evaluation: ClassVar[str] = "dsa"
