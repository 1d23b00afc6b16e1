"""NCFM: tiled images whose embeddings have the characteristic function of the real ones', at
frequencies that are learned to tell them apart.

min_S max_psi  E_theta  sum_c  C( { z_theta(A_w(x_cb)) }, { z_theta(A_w(f(s_cb))) }; psi ) + sum_c
mean_b CE( f_theta'(A_w(f(s_cb))), c )

C is the distance of `characteristic-function`; theta is between the first and the last weights of a
trained network (`blended`), theta' the last weights of one (`calibration`); f cuts each stored
canvas into tiles and enlarges them (`tiles`).

Source: Wang et al., "Dataset Distillation with Neural Characteristic Function: A Minmax
Perspective" (CVPR 2025), eq. 8 and section 4.2, and the authors' code with its settings for
CIFAR-10, which are the same for 1, 10 and 50 images per class. `lr` is, as there, of pixels in [0,
1]; pixels are learned normalised, where the same step is 1 / std of it, for which the mean over the
channels is taken. Differences from that code: those of the parts; one step of the optimiser for
both terms, where theirs takes one for each; Adam without AdamW's decay of pixels to black; the rate
does not fall where the loss stands still (`halve_at` lets it fall at set steps); hard labels, where
the paper's best figures have those of a trained network (labels "teacher" are such, and count).
Not taken over: in the published settings the sampling network is off; where it is on, its schedule
halves the rate of the images a second time; sets are kept by their accuracy on test images; the
rate that file names show is a tenth of the one that is used.
"""

from dataclasses import dataclass
from typing import ClassVar

from condensers.composition.composition import Composition
from condensers.hyperparameters import hyper
from condensers.parts.augmentations.base import Augmentation
from condensers.parts.augmentations.dsa import Siamese
from condensers.parts.model_schedules.base import ModelSchedule
from condensers.parts.objectives.base import Objective
from condensers.parts.parameterisations.base import Parameterisation
from condensers.parts.parameterisations.tiles import Tiles
from condensers.parts.regularisers.base import Regulariser
from condensers.parts.setting import RunSetting


@dataclass(frozen=True)
class NCFM(Composition):
    """Characteristic function matching (NCFM): tiles x siamese augmentation x characteristic
    function at learned frequencies, calibration x blended networks.
    """

    iterations: int = hyper(
        20000,
        unit="steps",
        help="steps on the images of each class",
        source="NCFM's settings",
        minimum=1,
    )
    lr: float = hyper(
        0.01, help="learning rate of pixels in [0, 1]", source="NCFM's settings", minimum=0.0
    )
    momentum: float = hyper(
        0.9, help="beta 1 of Adam, momentum of SGD", source="NCFM's code: AdamW", minimum=0.0
    )
    optimiser: str = hyper(
        "adam",
        help="optimiser of the images",
        source="NCFM's settings: adamw",
        values=("sgd", "adam"),
    )
    batch_real: int = hyper(1024, unit="images per class", source="NCFM's settings", minimum=1)
    init: str = hyper(
        "real",
        source="NCFM's code: 'mix' where there are tiles",
        values=("noise", "real", "k-means", "centroids"),
    )
    update: str = hyper(
        "class",
        help="classes whose images one update changes",
        source="NCFM's code",
        values=("all", "class"),
    )
    parameterisation: Parameterisation = hyper(
        Tiles(factor=2, clamp=True), source="NCFM, section 5.1", part="parameterisation"
    )
    augmentation: Augmentation = hyper(
        Siamese(strategy="color_crop_cutout", mode="together"),
        source="NCFM's code, aug_type",
        part="augmentation",
    )
    objective: Objective = hyper("characteristic-function", source="NCFM, eq. 8", part="objective")
    regularisers: tuple[Regulariser, ...] = hyper(
        ("calibration",), source="NCFM's settings, iter_calib", part="regulariser"
    )
    model_schedule: ModelSchedule = hyper(
        "blended", source="NCFM, section 4.2.3", part="model schedule"
    )

    registered: ClassVar[str] = "ncfm"
    evaluation: ClassVar[str] = "dsa"

    def learning_rate(self, setting: RunSetting) -> float:
        """Return the rate of normalised pixels: a step of Adam is 1 / std of one on pixels in [0,
        1], one of SGD 1 / std^2.
        """
        std = sum(setting.data.std) / len(setting.data.std)
        return self.lr / std ** (1 if self.optimiser == "adam" else 2)
