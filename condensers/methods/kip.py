"""KIP: synthetic images from which kernel ridge regression predicts the labels of the real ones.

min_S  1/2 mean ( K_ts ( K_ss + 1e-6 tr(K_ss) / n I )^-1 y_s - y_t )^2

Source: Nguyen, Chen & Lee, "Dataset meta-learning from kernel ridge-regression" (ICLR 2021), eq. 3 to 5 and algorithm 1, and
the authors' notebook for the defaults. Differences from that code: torch and any number of classes; images are normalised by the
data's mean and standard deviation and not whitened; the kernel is that of the fully connected network of the notebook, not of
the pooled ConvNet of the later paper (NeurIPS 2021). Labels are kept: `labels = "learned"` learns them too.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from condensers.composition import Composition
from condensers.fields import hyper
from condensers.kernels.fc_ntk import FullyConnectedNTK
from condensers.objectives.kernel_regression import KernelRegression


@dataclass(frozen=True)
class KIP(Composition):
    """Kernel inducing points (KIP): pixels x kernel ridge regression x no network."""

    iterations: int = hyper(50000, unit="steps on the images", source="KIP's released sets: up to this many", minimum=1)
    lr: float = hyper(0.04, source="KIP's notebook", minimum=0.0)
    momentum: float = hyper(0.9, unit="beta 1 of Adam", source="Adam's default", minimum=0.0)
    optimiser: str = hyper("adam", source="KIP's notebook", values=("sgd", "adam"))
    batch_real: int = hyper(5000, unit="images in all", source="KIP's notebook", minimum=1)
    init: str = hyper("real", source="KIP, section 4", values=("noise", "real", "k-means", "centroids"))
    labels: Any = hyper("hard", source="ours: learning them is an option of KIP", part="label model")
    augmentation: Any = hyper("none", source="KIP's notebook", part="augmentation")
    objective: Any = hyper(KernelRegression(kernel=FullyConnectedNTK()), source="KIP, eq. 5", part="objective")
    schedule: Any = hyper("none", source="KIP, algorithm 1", part="schedule")

    registered: ClassVar[str] = "kip"
    evaluation: ClassVar[str] = "none"
