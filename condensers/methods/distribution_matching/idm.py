"""IDM: distribution matching in networks that learn, on tiled images that these networks also have
to recognise.

min_S  E_theta  sum_c || mean_b z_theta(A_w(x_cb)) - mean_b z_theta(A_w(s_cb)) ||^2 + weight
accuracy(theta) CE_theta(s_c)

Source: Zhao et al., "Improved Distribution Matching for Dataset Condensation" (CVPR 2023), and the
authors' code with the options of its commands (without them it is DM). What that code calls
`embed_channel_avg` averages nothing, and with those options gives the embedding of DM: so does
this. Published for one image per class: the queue's interval 5 and batch_real 5000; for 50 images
per class: a weight of 0.1 per percent, here 10. Differences from that code: those of `tiles`,
`cross-entropy` and `queue`; one network each step, as in its commands.
"""

from dataclasses import dataclass
from typing import ClassVar

from condensers.composition.composition import Composition
from condensers.hyperparameters import hyper
from condensers.parts.augmentations.base import Augmentation
from condensers.parts.model_schedules.base import ModelSchedule
from condensers.parts.objectives.base import Objective
from condensers.parts.parameterisations.base import Parameterisation
from condensers.parts.regularisers.base import Regulariser


@dataclass(frozen=True)
class IDM(Composition):
    """Improved distribution matching (IDM): tiles x siamese augmentation x mean embedding,
    cross-entropy x a queue.
    """

    iterations: int = hyper(
        20000,
        unit="steps",
        help="steps on the images of each class",
        source="IDM's code",
        minimum=1,
    )
    lr: float = hyper(0.2, source="IDM's commands", minimum=0.0)
    momentum: float = hyper(0.5, source="IDM's code", minimum=0.0)
    batch_real: int = hyper(256, unit="images per class", source="IDM's code", minimum=1)
    init: str = hyper("real", source="IDM's code", values=("noise", "real", "k-means", "centroids"))
    update: str = hyper(
        "class",
        help="classes whose images one update changes",
        source="IDM's code",
        values=("all", "class"),
    )
    parameterisation: Parameterisation = hyper(
        "tiles", source="IDM's code, number_sign_augment: 2 x 2 tiles", part="parameterisation"
    )
    augmentation: Augmentation = hyper("dsa", source="IDM's commands", part="augmentation")
    objective: Objective = hyper("mean-embedding", source="DM, eq. 5", part="objective")
    regularisers: tuple[Regulariser, ...] = hyper(
        ("cross-entropy",), source="IDM's code, --syn_ce", part="regulariser"
    )
    model_schedule: ModelSchedule = hyper("queue", source="IDM, section 3.3", part="model schedule")

    registered: ClassVar[str] = "idm"
    evaluation: ClassVar[str] = "dsa"
