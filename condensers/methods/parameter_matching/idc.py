"""IDC, and DREAM and DREAM+, which are IDC with representative real batches."""

from dataclasses import dataclass
from typing import ClassVar

from condensers.composition.composition import Composition
from condensers.hyperparameters import hyper
from condensers.parts.augmentations.base import Augmentation
from condensers.parts.augmentations.dsa import Siamese
from condensers.parts.model_schedules.base import ModelSchedule
from condensers.parts.model_schedules.trained_on_real import TrainedOnReal
from condensers.parts.objectives.base import Objective
from condensers.parts.objectives.gradient import GradientMatching
from condensers.parts.parameterisations.base import Parameterisation
from condensers.parts.parameterisations.tiles import Tiles
from condensers.parts.regularisers.base import Regulariser
from condensers.parts.samplers import Sampler
from condensers.parts.setting import RunSetting

PIXELS, IMAGES_PER_CLASS = 32 * 32, 10


@dataclass(frozen=True)
class IDC(Composition):
    """Information-intensive condensation (IDC): tiles x siamese augmentation x gradients x networks
    trained on real data.

    min_S  E_theta0  sum_t sum_c || g(theta_t; A_w(x_c)) - g(theta_t; A_w(f(s_c))) ||^2,
    theta_{t+1} = train(theta_t; real)

    g: the gradient of the kernels of convolutions. f cuts each stored canvas into tiles and
    enlarges them (`tiles`). IDC-I, the method without tiles, is the same with `parameterisation =
    {name = "tiles", factor = 1, clamp = true}`.

    Source: Kim et al., "Dataset Condensation via Efficient Synthetic-Data Parameterization" (ICML
    2022), algorithm 1, and the authors' code with the settings of its `reproduce.py` for CIFAR-10.
    That file has others for other data: n_data 500 for all but CIFAR-10; the distance "l1" with lr
    1e-4 for grey images; for MNIST with tiles also the augmentation color_crop and no CutMix.
    Differences from that code: `lr` is, as there, of pixels in [0, 1] at 10 images per class of 32
    x 32 pixels (28 x 28 for its MNIST), but pixels are learned normalised, where the same step
    takes 1 / std^2 of it, for which the mean over the channels is taken; canvases are clamped after
    each step, not once per network; all tiles are matched (at most 128 a class there); evaluation
    is DSA's, without CutMix.
    """

    iterations: int = hyper(
        2000,
        unit="networks",
        help="networks; each gives 100 steps on the images of each class",
        source="IDC's code",
        minimum=1,
    )
    lr: float = hyper(
        5e-3,
        help="learning rate of pixels in [0, 1] at 10 images per class",
        source="IDC's code, for mse",
        minimum=0.0,
    )
    momentum: float = hyper(0.5, source="IDC's code", minimum=0.0)
    batch_real: int = hyper(64, unit="images per class", source="IDC's code", minimum=1)
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
        Tiles(factor=2, clamp=True), source="IDC's README", part="parameterisation"
    )
    augmentation: Augmentation = hyper(
        Siamese(strategy="color_crop_cutout", mode="together"),
        source="IDC's code, aug_type",
        part="augmentation",
    )
    objective: Objective = hyper(
        GradientMatching(distance="mse", layers="convolutions"),
        source="IDC's code",
        part="objective",
    )
    model_schedule: ModelSchedule = hyper(
        TrainedOnReal(n_data=2000), source="IDC's code, for CIFAR-10", part="model schedule"
    )

    registered: ClassVar[str] = "idc"
    evaluation: ClassVar[str] = "dsa"

    def learning_rate(self, setting: RunSetting) -> float:
        return unit_pixel_rate(self.lr, setting)


def unit_pixel_rate(lr: float, setting: RunSetting) -> float:
    """IDC's rule for the rate of pixels in [0, 1], lr (ipc / 10) (H W / 32^2), as the rate of
    normalised pixels.

    The mean loss gives each image a gradient that shrinks with their number, and each pixel one
    that shrinks with theirs. A step of lr on x is one of lr / std^2 on (x - mean) / std, because
    its gradient is std times that of x, its step 1 / std times.
    """
    _, height, width = setting.shape
    variance = sum(std**2 for std in setting.data.std) / len(setting.data.std)
    return lr * setting.ipc / IMAGES_PER_CLASS * height * width / PIXELS / variance


@dataclass(frozen=True)
class DREAM(IDC):
    """Representative matching (DREAM): IDC x real batches that represent the clusters of their
    class, not drawn ones.

    min_S  E_theta0  sum_t sum_c || g(theta_t; A_w(r_c(theta_t))) - g(theta_t; A_w(f(s_c))) ||^2,  g
    and f as in IDC

    r_c(theta): the real images nearest to the centroids of k-means in the embedding of theta, found
    anew every 10 steps (`k-means`).

    Source: Liu et al., "DREAM: Efficient Dataset Distillation by Representative Matching" (ICCV
    2023), and the authors' code, which is that of IDC with another real batch and another start.
    Everything else is IDC, its rule for `lr` included. Differences from the authors' code: those of
    IDC and of `k-means`; real batches have 64 images of a class, as IDC's, not 128; a set starts
    from clusters of pixels, not of the embedding of a fresh network.
    """

    batch_real: int = hyper(
        64, unit="clusters per class", source="IDC's code; DREAM's has 128", minimum=1
    )
    init: str = hyper(
        "k-means", source="DREAM's code", values=("noise", "real", "k-means", "centroids")
    )
    sampler: Sampler = hyper("k-means", source="DREAM's code, new_strategy.py", part="sampler")

    registered: ClassVar[str] = "dream"


@dataclass(frozen=True)
class DREAMPlus(DREAM):
    """Bidirectional matching (DREAM+): DREAM x the distance of mean embeddings beside that of
    gradients.

    DREAM+: DREAM whose images also have the mean embedding of their real batch.

    min_S  E_theta0  sum_t sum_c || g(theta_t; r_c) - g(theta_t; f(s_c)) ||^2 + || mean_b
    psi_theta_t(r_cb) - mean_b psi_theta_t(f(s_cb)) ||^2,  g, f and r as in DREAM

    Source: Liu et al., "DREAM+: Efficient Dataset Distillation by Bidirectional Representative
    Matching" (arXiv 2310.15052), and the authors' code (condense_improve.py). Differences from that
    code: those of DREAM; networks are not trained for an epoch on all real images before their
    first step; a cluster gives one image to the real batch, which is that code's default too. Not
    taken over: a graph is kept through the real images, which nothing descends; the best set on
    test images is reported.
    """

    regularisers: tuple[Regulariser, ...] = hyper(
        ("mean-embedding",), source="DREAM+'s code, bi_match", part="regulariser"
    )

    registered: ClassVar[str] = "dream-plus"
