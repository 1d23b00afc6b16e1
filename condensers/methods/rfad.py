"""RFAD: KIP with the NNGP kernel of a ConvNet, estimated by the features of fresh random networks at every step.

min_S,y,q  mean_b cross-entropy( exp(q) K_ts ( K_ss + 5e-3 tr(K_ss) / n I )^-1 y_s, class ),  K = 2 Phi Phi^T + 0.01

Source: Loo, Hasani, Amini & Rus, "Efficient Dataset Distillation using Random Feature Approximation" (NeurIPS 2022), section 3,
and the authors' code for the defaults. Differences from that code: Adam in place of AdaBelief; no whitening and no learned linear
transform of the images; a fixed number of iterations in place of early stopping on images drawn from the training part.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from condensers.composition import Composition
from condensers.fields import hyper
from condensers.kernels.rf_nngp import RandomFeatureNNGP
from condensers.objectives.kernel_regression import KernelRegression


@dataclass(frozen=True)
class RFAD(Composition):
    """Random feature approximation (RFAD): pixels x learned labels x kernel ridge regression on random features."""

    iterations: int = hyper(10000, unit="steps on the images", source="ours: RFAD stops early", minimum=1)
    lr: float = hyper(1e-3, source="RFAD's code, for AdaBelief", minimum=0.0)
    momentum: float = hyper(0.9, unit="beta 1 of Adam", source="Adam's default", minimum=0.0)
    optimiser: str = hyper("adam", source="ours: RFAD has AdaBelief", values=("sgd", "adam"))
    batch_real: int = hyper(5120, unit="images in all", source="RFAD's code: 4 x 1280", minimum=1)
    init: str = hyper("real", source="RFAD, as we recall", values=("noise", "real", "k-means", "centroids"))
    labels: Any = hyper("learned", source="RFAD, as we recall", part="label model")
    augmentation: Any = hyper("none", source="RFAD, as we recall", part="augmentation")
    objective: Any = hyper(
        KernelRegression(kernel=RandomFeatureNNGP(), ridge=5e-3, criterion="platt"), source="RFAD, section 3", part="objective"
    )
    schedule: Any = hyper("none", source="RFAD: networks belong to the kernel", part="schedule")

    registered: ClassVar[str] = "rfad"
    evaluation: ClassVar[str] = "dsa"
