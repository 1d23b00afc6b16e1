"""DDiF: neural fields whose images have the mean embedding of the real ones.

min_psi  E_theta  sum_c || mean_b e_theta(A_w(x_cb)) - mean_u e_theta(A_w(F_cu(grid))) ||^2

F_cu: a field of its own for each image (`neural-fields`), grid: the pixels' places.

Source: Shin et al., "Distilling Dataset into Neural Field" (DDiF, ICLR 2025), and the authors'
code, which learns fields by gradient, distribution and trajectory matching; this is its DM, with
the rate of its script for ImageNet (that for CIFAR-10 is not there). Its TM, which the paper's
figures are of, is `objective = "trajectory"` and `model_schedule = "experts"`, with lr 1e-4.
Differences from that code: those of `neural-fields` and of `dm`; all classes share one step of
Adam, where it takes one for each. Defect of that code that is not here: the set that is kept is the
best of all evaluations on test images.
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
class DDiF(Composition):
    """Distillation into neural fields (DDiF): neural-fields x siamese augmentation x mean embedding
    x fresh networks.
    """

    iterations: int = hyper(
        20000,
        unit="steps",
        help="steps on the fields",
        source="DDiF's code, main_DM.py",
        minimum=1,
    )
    lr: float = hyper(
        5e-5, help="learning rate of the fields' weights", source="DDiF's DM script", minimum=0.0
    )
    momentum: float = hyper(
        0.9, help="momentum of SGD, beta 1 of Adam", source="DDiF's code", minimum=0.0
    )
    optimiser: str = hyper("adam", source="DDiF's code", values=("sgd", "adam"))
    batch_real: int = hyper(
        256, unit="images per class", source="DDiF's code, main_DM.py", minimum=1
    )
    init: str = hyper(
        "real", source="DDiF's code", values=("noise", "real", "k-means", "centroids")
    )
    parameterisation: Parameterisation = hyper(
        "neural-fields", source="DDiF's code", part="parameterisation"
    )
    augmentation: Augmentation = hyper("dsa", source="DDiF's code", part="augmentation")
    objective: Objective = hyper("mean-embedding", source="DDiF's code", part="objective")
    model_schedule: ModelSchedule = hyper("fresh", source="DDiF's code", part="model schedule")

    registered: ClassVar[str] = "ddif"
    evaluation: ClassVar[str] = "dsa"
