"""KFS: latent codes and tiny decoders shared by all classes, whose images have the mean embedding
of the real ones.

min_{Z, g}  E_theta  sum_c || mean_b psi_theta(A_w(x_cb)) - mean_ud psi_theta(A_w(g_d(z_cu))) ||^2

Source: Lee, Lee & Hwang, "Dataset Condensation with Latent Space Knowledge Factorization and
Sharing" (2022): codes in a small space, decoders shared between classes, every pair an image, one
level of optimisation. This is a re-implementation from the abstract: that its loss is distribution
matching under siamese augmentation in fresh networks is unverified, and layers, sizes, rates and
the number of steps are ours; no code of the authors is known to us.
"""

from dataclasses import dataclass
from typing import ClassVar

from condensers.composition.composition import Composition
from condensers.hyperparameters import hyper
from condensers.parts.augmentations.base import Augmentation
from condensers.parts.model_schedules.base import ModelSchedule
from condensers.parts.objectives.base import Objective
from condensers.parts.parameterisations.base import Parameterisation


@dataclass(frozen=True)
class KFS(Composition):
    """Latent codes and shared decoders (KFS): latent x siamese augmentation x mean embedding x
    fresh networks.
    """

    iterations: int = hyper(
        20000, unit="steps", help="steps on codes and decoders", source="ours: DM's", minimum=1
    )
    lr: float = hyper(
        0.01, help="learning rate of the codes, which lie in [0, 1]", source="ours", minimum=0.0
    )
    momentum: float = hyper(0.9, help="momentum of SGD, beta 1 of Adam", source="ours", minimum=0.0)
    optimiser: str = hyper("adam", source="ours", values=("sgd", "adam"))
    batch_real: int = hyper(256, unit="images per class", source="ours: DM's", minimum=1)
    init: str = hyper("real", source="ours", values=("noise", "real", "k-means", "centroids"))
    parameterisation: Parameterisation = hyper(
        "latent", source="KFS, abstract", part="parameterisation"
    )
    augmentation: Augmentation = hyper(
        "dsa", source="KFS, its augmentation", verified=False, part="augmentation"
    )
    objective: Objective = hyper(
        "mean-embedding", source="KFS, its loss", verified=False, part="objective"
    )
    model_schedule: ModelSchedule = hyper(
        "fresh", source="KFS, its networks", verified=False, part="model schedule"
    )

    registered: ClassVar[str] = "kfs"
    evaluation: ClassVar[str] = "dsa"
    note: ClassVar[str] = (
        "a re-implementation of KFS: the authors' decoder layers, code sizes, learning rates and"
        " number of steps are not known to us, ours are in the hyperparameters"
    )
