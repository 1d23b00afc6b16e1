"""Kernel regression: KIP, and RFAD, whose kernel has random features."""

from dataclasses import dataclass
from typing import ClassVar

from condensers.composition.composition import Composition
from condensers.hyperparameters import hyper
from condensers.parts.augmentations.base import Augmentation
from condensers.parts.labels import LabelModel
from condensers.parts.model_schedules.base import ModelSchedule
from condensers.parts.objectives.base import Objective
from condensers.parts.objectives.kernel_regression import KernelRegression
from condensers.parts.objectives.kernels.features import RandomFeatureNNGP
from condensers.parts.objectives.kernels.neural_tangent import FullyConnectedNTK


@dataclass(frozen=True)
class KIP(Composition):
    """Kernel inducing points (KIP): images from which kernel ridge regression predicts the labels
    of the real ones, without a network.

    min_S  1/2 mean ( K_ts ( K_ss + 1e-6 tr(K_ss) / n I )^-1 y_s - y_t )^2

    Source: Nguyen, Chen & Lee, "Dataset meta-learning from kernel ridge-regression" (ICLR 2021),
    eq. 3 to 5 and algorithm 1, and the authors' notebook for the defaults. Differences from that
    code: torch and any number of classes; images are normalised by the data's mean and standard
    deviation and not whitened; the kernel is that of the fully connected network of the notebook,
    not of the pooled ConvNet of the later paper (NeurIPS 2021). Labels are kept: `labels =
    "learned"` learns them too.
    """

    iterations: int = hyper(
        50000,
        unit="steps",
        help="steps on the images",
        source="KIP's released sets: up to this many",
        minimum=1,
    )
    lr: float = hyper(0.04, source="KIP's notebook", minimum=0.0)
    momentum: float = hyper(0.9, help="beta 1 of Adam", source="Adam's default", minimum=0.0)
    optimiser: str = hyper("adam", source="KIP's notebook", values=("sgd", "adam"))
    batch_real: int = hyper(
        5000,
        unit="images",
        help="real images in a step, of all classes together",
        source="KIP's notebook",
        minimum=1,
    )
    init: str = hyper(
        "real", source="KIP, section 4", values=("noise", "real", "k-means", "centroids")
    )
    labels: LabelModel = hyper(
        "hard", source="ours: learning them is an option of KIP", part="label model"
    )
    augmentation: Augmentation = hyper("none", source="KIP's notebook", part="augmentation")
    objective: Objective = hyper(
        KernelRegression(kernel=FullyConnectedNTK()), source="KIP, eq. 5", part="objective"
    )
    model_schedule: ModelSchedule = hyper("none", source="KIP, algorithm 1", part="model schedule")

    registered: ClassVar[str] = "kip"
    evaluation: ClassVar[str] = "none"


@dataclass(frozen=True)
class RFAD(Composition):
    """Random feature approximation (RFAD): pixels x learned labels x kernel ridge regression on
    random features.

    RFAD: KIP with the NNGP kernel of a ConvNet, estimated by the features of fresh random networks
    at every step.

    min_S,y,q  mean_b cross-entropy( exp(q) K_ts ( K_ss + 5e-3 tr(K_ss) / n I )^-1 y_s, class ),  K
    = 2 Phi Phi^T + 0.01

    Source: Loo, Hasani, Amini & Rus, "Efficient Dataset Distillation using Random Feature
    Approximation" (NeurIPS 2022), section 3, and the authors' code for the defaults. Differences
    from that code: Adam in place of AdaBelief; no whitening and no learned linear transform of the
    images; a fixed number of iterations in place of early stopping on images drawn from the
    training part.
    """

    iterations: int = hyper(
        10000, unit="steps", help="steps on the images", source="ours: RFAD stops early", minimum=1
    )
    lr: float = hyper(1e-3, source="RFAD's code, for AdaBelief", minimum=0.0)
    momentum: float = hyper(0.9, help="beta 1 of Adam", source="Adam's default", minimum=0.0)
    optimiser: str = hyper("adam", source="ours: RFAD has AdaBelief", values=("sgd", "adam"))
    batch_real: int = hyper(
        5120,
        unit="images",
        help="real images in a step, of all classes together",
        source="RFAD's code: 4 x 1280",
        minimum=1,
    )
    init: str = hyper(
        "real",
        source="RFAD's code, run_distillation.py, init_strategy",
        values=("noise", "real", "k-means", "centroids"),
    )
    labels: LabelModel = hyper(
        "learned", source="RFAD's README, --learn_labels", part="label model"
    )
    augmentation: Augmentation = hyper(
        "none", source="RFAD's code, distillation.py", part="augmentation"
    )
    objective: Objective = hyper(
        KernelRegression(kernel=RandomFeatureNNGP(), ridge=5e-3, criterion="platt"),
        source="RFAD, section 3",
        part="objective",
    )
    model_schedule: ModelSchedule = hyper(
        "none", source="RFAD: networks belong to the kernel", part="model schedule"
    )

    registered: ClassVar[str] = "rfad"
    evaluation: ClassVar[str] = "dsa"
