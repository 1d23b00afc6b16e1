"""CAFE: synthetic images whose class-mean features are the real ones' in every layer, and whose
centres tell real images apart.

min_S  E_theta  sum_l w_l sum_c || mean_b f_l(x_cb) - mean_b f_l(s_cb) ||^2 + 0.01 L_discriminative,
theta trained on S by a gate

Source: Wang et al., "CAFE: Learning to Condense Dataset by Aligning Features" (CVPR 2022), and the
authors' code for the defaults. There 2,000 networks take at least ten steps on the images each, as
many as the gate lets them; the engine must know its steps beforehand, so `iterations` counts steps
on the images: 20,000 are those 2,000 networks at their least. The rates are halved at the same
parts of the run. Other differences from that code: those of `layer-means`, `discriminative` and
`gated`; any number of classes. CAFE+DSA is `augmentation = "dsa"`.
"""

from dataclasses import dataclass
from typing import ClassVar

from condensers.composition.composition import Composition
from condensers.hyperparameters import hyper
from condensers.parts.augmentations.base import Augmentation
from condensers.parts.model_schedules.base import ModelSchedule
from condensers.parts.objectives.base import Objective
from condensers.parts.regularisers.base import Regulariser


@dataclass(frozen=True)
class CAFE(Composition):
    """Feature alignment (CAFE): pixels x no augmentation x layer means, discriminative x networks
    trained on the set, gated.
    """

    iterations: int = hyper(
        20000,
        unit="steps",
        help="steps on the images",
        source="CAFE's code: 2000 networks, ten steps at least",
        minimum=1,
    )
    lr: float = hyper(0.1, source="CAFE's code", minimum=0.0)
    momentum: float = hyper(0.5, source="CAFE's code", minimum=0.0)
    halve_at: tuple[float, ...] = hyper(
        (0.6, 0.8, 0.9),
        help="parts of the run, 0 to 1, after which all learning rates are halved",
        source="CAFE's code",
    )
    batch_real: int = hyper(256, unit="images per class", source="CAFE's code", minimum=1)
    init: str = hyper(
        "noise", source="CAFE's code", values=("noise", "real", "k-means", "centroids")
    )
    augmentation: Augmentation = hyper("none", source="CAFE's code", part="augmentation")
    objective: Objective = hyper("layer-means", source="CAFE, section 3.2", part="objective")
    regularisers: tuple[Regulariser, ...] = hyper(
        ("discriminative",), source="CAFE, section 3.3", part="regulariser"
    )
    model_schedule: ModelSchedule = hyper(
        "gated", source="CAFE, section 3.4", part="model schedule"
    )

    registered: ClassVar[str] = "cafe"
    evaluation: ClassVar[str] = "none"
