"""DD: synthetic images, in an order and with learning rates, that train a new network in a few
steps.

min_{S, a}  E_theta0  CE( f(x; theta_T), y ),   theta_{s+1} = theta_s - a_s grad CE( f(S_s; theta_s)
)

Source: Wang, Zhu, Torralba & Efros, "Dataset Distillation" (2018), algorithm 1, and the authors'
code for the defaults (400 passes over MNIST in batches of 1024). Differences from that code: the
rate of the images is not halved every 40 passes, any number of images per class (a step for each,
ten in theirs), networks as everywhere here, each real batch is drawn anew. Labels that are learned
too (Sucholutsky & Schonlau, 2019): labels = { name = "learned", form = "probabilities" }.
"""

from dataclasses import dataclass
from typing import ClassVar

from condensers.composition.composition import Composition
from condensers.hyperparameters import hyper
from condensers.parts.augmentations.base import Augmentation
from condensers.parts.model_schedules.base import ModelSchedule
from condensers.parts.objectives.base import Objective


@dataclass(frozen=True)
class DD(Composition):
    """Dataset distillation (DD): ordered pixels and learning rates x cross-entropy after unrolled
    training x fresh networks.
    """

    iterations: int = hyper(
        23600,
        unit="steps",
        help="steps on the images",
        source="DD's code: 400 epochs of 59 batches of MNIST",
        minimum=1,
    )
    lr: float = hyper(0.01, source="DD's code", minimum=0.0)
    momentum: float = hyper(0.5, help="beta 1 of Adam", source="DD's code", minimum=0.0)
    optimiser: str = hyper("adam", source="DD's code", values=("sgd", "adam"))
    batch_real: int = hyper(
        1024,
        unit="images",
        help="real images in a step, of all classes together",
        source="DD's code",
        minimum=1,
    )
    init: str = hyper("noise", source="DD's code", values=("noise", "real", "k-means", "centroids"))
    augmentation: Augmentation = hyper("none", source="DD", part="augmentation")
    objective: Objective = hyper("unrolled", source="DD, algorithm 1", part="objective")
    model_schedule: ModelSchedule = hyper("fresh", source="DD, section 3.3", part="model schedule")

    registered: ClassVar[str] = "dd"
    evaluation: ClassVar[str] = "none"
