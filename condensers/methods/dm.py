"""DM: synthetic images whose mean embedding under random networks is that of the real ones.

min_S  E_theta  sum_c || mean_b psi_theta(A_w(x_cb)) - mean_b psi_theta(A_w(s_cb)) ||^2

Source: Zhao & Bilen, "Dataset Condensation with Distribution Matching" (WACV 2023), eq. 5, algorithm 1, and the authors'
code for the defaults. Differences from that code: the images of all classes pass the network at once, the seed decides
everything, the flip is left out where a mirrored image would change its label. The published learning rate is 10 from 100
images per class on: set it there.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from condensers import matching
from condensers.context import Context
from condensers.data import ClassData
from condensers.fields import hyper
from condensers.initialisation import starting_images
from condensers.objectives.distribution import MeanEmbedding
from condensers.registry import AUGMENTATIONS, NETWORKS, PARAMETERISATIONS
from condensers.schedules.fresh import Fresh
from condensers.synthetic import Budget, SyntheticSet


@dataclass(frozen=True)
class DM:
    """Distribution matching (DM): pixels x siamese augmentation x mean embedding x fresh networks."""

    iterations: int = hyper(20000, unit="steps on the images", source="DM, section 4.1", minimum=1)
    lr: float = hyper(1.0, source="DM, section 4.1", minimum=0.0)
    momentum: float = hyper(0.5, source="DM's code", minimum=0.0)
    batch_real: int = hyper(256, unit="images per class", source="DM, section 4.1", minimum=1)
    init: str = hyper("real", source="DM, section 4.1", values=("noise", "real"))
    network: Any = hyper("convnet", source="DM, section 4.1: ConvNet-3, width 128", part="network")
    augmentation: Any = hyper("dsa", source="DM, section 4.1", part="augmentation")
    parameterisation: Any = hyper("pixels", source="DM", part="parameterisation")

    registered: ClassVar[str] = "dm"
    evaluation: ClassVar[str] = "dsa"

    @property
    def couples_classes(self) -> bool:
        """Classes are independent, unless they meet in the statistics of a batch norm."""
        return getattr(NETWORKS.create(self.network), "norm", "") == "batch"

    def steps(self, ipc: int) -> int:
        return self.iterations

    def bytes_per_image(self, data: ClassData) -> int:
        return int(PARAMETERISATIONS.create(self.parameterisation).bytes_per_image(data))

    def image_passes(self, data: ClassData, ipc: int) -> list[tuple[Any, float]]:
        """Networks and about how many images pass each, forward and backward (forward alone counts a third)."""
        return [(self.network, self.iterations * len(data.classes) * (self.batch_real / 3 + ipc))]

    def condense(self, data: ClassData, budget: Budget, context: Context) -> SyntheticSet:
        data = data.to(context.device)
        ipc = budget.ipc_of(self, data)
        parts = matching.Parts(
            parameterisation=PARAMETERISATIONS.create(self.parameterisation),
            augmentation=AUGMENTATIONS.create(self.augmentation).for_data(data),
            objective=MeanEmbedding(),
            schedule=Fresh(self.network, data, context.generator),
            lr=self.lr,
            momentum=self.momentum,
            batch_real=self.batch_real,
        )
        start = starting_images(data, ipc, self.init, context.generator)
        return matching.condense(self, data, matching.MatchingLoop(data, parts, start, context.generator), context)
