"""DCC: gradient matching of all classes together, so that the set keeps what sets one class apart
from the others.

min_S  E_theta0  sum_t D( 1/C sum_c grad L(theta_t; A_w(x_c)), grad L(theta_t; A_w(s)) ),
theta_{t+1} = train(theta_t; S)

Source: Lee et al., "Dataset Condensation with Contrastive Signals" (ICML 2022), and the authors'
code, method DSA (their DSAC); `augmentation = "none"` and `init = "real"` are their DCC without
augmentation. Differences from that code: no warm-up (there the first ten steps with each of the
first 250 of 1,000 networks match class by class, as DC does); with one image per class the code
takes ten steps per network with five epochs between them: set the schedule's outer = 10 and inner =
5 there, since with DC's rule for one image the network is never trained.
"""

from dataclasses import dataclass
from typing import ClassVar

from condensers.composition.composition import Composition
from condensers.hyperparameters import hyper
from condensers.parts.augmentations.base import Augmentation
from condensers.parts.model_schedules.base import ModelSchedule
from condensers.parts.objectives.base import Objective


@dataclass(frozen=True)
class DCC(Composition):
    """Gradient matching with contrast (DCC): pixels x siamese augmentation x summed gradient x
    networks trained on the set.
    """

    iterations: int = hyper(
        1000, unit="networks", help="initialisations of the network", source="DCC's code", minimum=1
    )
    lr: float = hyper(0.1, source="DCC's code", minimum=0.0)
    momentum: float = hyper(0.5, source="DCC's code", minimum=0.0)
    batch_real: int = hyper(256, unit="images per class", source="DCC's code", minimum=1)
    init: str = hyper("real", source="DCC's code", values=("noise", "real", "k-means", "centroids"))
    augmentation: Augmentation = hyper("dsa", source="DCC's code, method DSA", part="augmentation")
    objective: Objective = hyper(
        "summed-gradient", source="DCC's code, --contrast", part="objective"
    )
    model_schedule: ModelSchedule = hyper(
        "trained-on-synthetic", source="DC, algorithm 1", part="model schedule"
    )

    registered: ClassVar[str] = "dcc"
    evaluation: ClassVar[str] = "dsa"
