"""FRePo: kernel ridge regression on the features of networks that learn from the synthetic set
meanwhile.

min_S,y  mean_b 1/2 sum_k ( K_ts ( K_ss + 1e-6 tr(K_ss) / n I )^-1 y_s - y_t )^2 - mean_s min(
top1(y_s) - top2(y_s), 1/K ), K = phi phi^T with the features phi of a network from the pool

Source: Zhou, Nezhadarya & Ba, "Dataset Distillation using Neural Feature Regression" (NeurIPS
2022), algorithm 1, and the authors' code for the defaults. Differences from that code: Adam at a
constant rate in place of LAMB with a cosine; networks do not double their width from block to
block; no whitening; the set is doubled by mirror images for the regression alone, not in the pool's
training, and only where a mirrored image keeps its label; labels start at the centred one-hot ones
for any number of classes (theirs divide by sqrt(K / 10): set `labels.scale`).
"""

from dataclasses import dataclass
from typing import ClassVar

from condensers.composition.composition import Composition
from condensers.hyperparameters import hyper
from condensers.networks import NetworkSpec
from condensers.networks.convnet import ConvNetSpec
from condensers.parts.augmentations.base import Augmentation
from condensers.parts.labels import LabelModel
from condensers.parts.model_schedules.base import ModelSchedule
from condensers.parts.objectives.base import Objective
from condensers.parts.objectives.kernel_regression import KernelRegression
from condensers.parts.objectives.kernels.features import Features


@dataclass(frozen=True)
class FRePo(Composition):
    """Neural feature regression (FRePo): pixels x learned labels x kernel ridge regression on a
    pool's features.
    """

    iterations: int = hyper(
        500000, unit="steps", help="steps on the images", source="FRePo's code", minimum=1
    )
    lr: float = hyper(3e-4, source="FRePo's code, for LAMB", minimum=0.0)
    momentum: float = hyper(0.9, help="beta 1 of Adam", source="Adam's default", minimum=0.0)
    optimiser: str = hyper("adam", source="ours: FRePo has LAMB", values=("sgd", "adam"))
    batch_real: int = hyper(
        1024,
        unit="images",
        help="real images in a step, of all classes together",
        source="FRePo's code",
        minimum=1,
    )
    init: str = hyper(
        "real",
        source="FRePo's code, init_proto in frepo.py",
        values=("noise", "real", "k-means", "centroids"),
    )
    network: NetworkSpec = hyper(
        ConvNetSpec(norm="batch"),
        source="FRePo's code: batch norm while condensing",
        part="network",
    )
    labels: LabelModel = hyper("learned", source="FRePo, section 3", part="label model")
    augmentation: Augmentation = hyper(
        "none", source="FRePo's code, proto_train_step", part="augmentation"
    )
    objective: Objective = hyper(
        KernelRegression(kernel=Features(), criterion="mse-sum", margin=1.0, flip=True),
        source="FRePo, algorithm 1",
        part="objective",
    )
    model_schedule: ModelSchedule = hyper(
        "pool", source="FRePo, algorithm 1", part="model schedule"
    )

    registered: ClassVar[str] = "frepo"
    evaluation: ClassVar[str] = "dsa"
