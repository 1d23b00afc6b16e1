"""DREAM: IDC whose real batches are not drawn at random, but represent the clusters of their class.

min_S  E_theta0  sum_t sum_c || g(theta_t; A_w(r_c(theta_t))) - g(theta_t; A_w(f(s_c))) ||^2,  g and f as in IDC

r_c(theta): the real images nearest to the centroids of k-means in the embedding of theta, found anew every 10 steps (`k-means`).

Source: Liu et al., "DREAM: Efficient Dataset Distillation by Representative Matching" (ICCV 2023), section 3.3 as we recall,
and the authors' code, which is that of IDC with another real batch and another start. Everything else is IDC, its rule for
`lr` included. Differences from the authors' code: those of IDC and of `k-means`; the images it starts from represent clusters
of pixels (theirs, as we recall, of an embedding).
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from condensers.augmentations.siamese import Siamese
from condensers.composition import Composition
from condensers.fields import hyper
from condensers.methods.idc import unit_pixel_rate
from condensers.objectives.gradient import GradientMatching
from condensers.parameterisations.tiles import Tiles
from condensers.schedules.trained_on_real import TrainedOnReal
from condensers.setting import Setting


@dataclass(frozen=True)
class DREAM(Composition):
    """Representative matching (DREAM): IDC x real batches of the images nearest to the centroids of k-means."""

    iterations: int = hyper(
        2000, unit="networks, 100 steps on the images of each class with each", source="IDC's code", minimum=1
    )
    lr: float = hyper(5e-3, unit="of pixels in [0, 1], at 10 images per class", source="IDC's code, for mse", minimum=0.0)
    momentum: float = hyper(0.5, source="IDC's code", minimum=0.0)
    batch_real: int = hyper(64, unit="clusters per class", source="IDC's code", minimum=1)
    init: str = hyper("k-means", source="DREAM's code", values=("noise", "real", "k-means", "centroids"))
    update: str = hyper("class", unit="classes per update", source="IDC's code", values=("all", "class"))
    parameterisation: Any = hyper(Tiles(factor=2, clamp=True), source="IDC's README", part="parameterisation")
    sampler: Any = hyper("k-means", source="DREAM, section 3.3", part="sampler")
    augmentation: Any = hyper(
        Siamese(strategy="color_crop_cutout", mode="together"), source="IDC's code, aug_type", part="augmentation"
    )
    objective: Any = hyper(GradientMatching(distance="mse", layers="convolutions"), source="IDC's code", part="objective")
    schedule: Any = hyper(TrainedOnReal(n_data=2000), source="IDC's code, for CIFAR-10", part="schedule")

    registered: ClassVar[str] = "dream"
    evaluation: ClassVar[str] = "dsa"

    def learning_rate(self, setting: Setting) -> float:
        return unit_pixel_rate(self.lr, setting)
