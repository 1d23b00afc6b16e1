"""M3D: tiled images whose embeddings have the distribution of the real ones', not only their mean.

min_S  E_theta  sum_c  MMD^2( { psi_theta(A_w(x_cb)) }, { psi_theta(A_w(f(s_cb))) } )

MMD is the maximum mean discrepancy under a sum of Gaussian kernels (`kernel-mmd`), which is 0 for
equal distributions alone: moments of all orders are matched. f cuts each stored canvas into tiles
and enlarges them (`tiles`).

Source: Zhang et al., "M3D: Dataset Condensation by Minimizing Maximum Mean Discrepancy" (AAAI
2024). The repository that the paper names holds no code. What is here was read in projects that
carry the method on: they take IDC's code, put this loss in the place of its gradients, draw a new
network every few steps, and never train it. The paper's rate and its "iterations per random model"
(`every` of the schedule `fresh`) were not found; both are ours here. Differences from those
projects: those of `tiles`, whose pixels are learned normalised; canvases are clamped after each
step, not before it. Not taken over: the best set on test images is stored there; the loss of the
real images with each other is differentiated for nothing; a seed of 0 means no seed.
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


@dataclass(frozen=True)
class M3D(Composition):
    """Kernel matching (M3D): tiles x siamese augmentation x maximum mean discrepancy x fresh
    networks.
    """

    iterations: int = hyper(
        10000,
        unit="steps",
        help="steps on the images of each class",
        source="M3D, its experiments",
        verified=False,
        minimum=1,
    )
    lr: float = hyper(100.0, source="ours: found on validation images", minimum=0.0)
    momentum: float = hyper(0.5, source="IDC's code", minimum=0.0)
    batch_real: int = hyper(
        256, unit="images per class", source="M3D, its experiments", verified=False, minimum=1
    )
    init: str = hyper(
        "real",
        source="IDC's code: 'mix' where there are tiles",
        values=("noise", "real", "k-means", "centroids"),
    )
    update: str = hyper(
        "class",
        help="classes whose images one update changes",
        source="IDC's code",
        values=("all", "class"),
    )
    parameterisation: Parameterisation = hyper(
        Tiles(factor=2, clamp=True),
        source="NCFM, section 5.1, of M3D's likes",
        verified=False,
        part="parameterisation",
    )
    augmentation: Augmentation = hyper(
        Siamese(strategy="color_crop_cutout", mode="together"),
        source="IDC's code, aug_type",
        part="augmentation",
    )
    objective: Objective = hyper("kernel-mmd", source="M3D, its loss", part="objective")
    model_schedule: ModelSchedule = hyper("fresh", source="ours", part="model schedule")

    registered: ClassVar[str] = "m3d"
    evaluation: ClassVar[str] = "dsa"
