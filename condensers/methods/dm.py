"""DM: synthetic images whose mean embedding under random networks is that of the real ones.

min_S  E_theta  sum_c || mean_b psi_theta(A_w(x_cb)) - mean_b psi_theta(A_w(s_cb)) ||^2

Source: Zhao & Bilen, "Dataset Condensation with Distribution Matching" (WACV 2023), eq. 5, algorithm 1, and the authors'
code for the defaults. Differences from that code: the images of all classes pass the network at once, the seed decides
everything, the flip is left out where a mirrored image would change its label. The published learning rate is 10 from 100
images per class on: set it there.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from condensers.composition import Composition
from condensers.fields import hyper


@dataclass(frozen=True)
class DM(Composition):
    """Distribution matching (DM): pixels x siamese augmentation x mean embedding x fresh networks."""

    iterations: int = hyper(20000, unit="steps on the images", source="DM, section 4.1", minimum=1)
    lr: float = hyper(1.0, source="DM, section 4.1", minimum=0.0)
    momentum: float = hyper(0.5, source="DM's code", minimum=0.0)
    batch_real: int = hyper(256, unit="images per class", source="DM, section 4.1", minimum=1)
    init: str = hyper("real", source="DM, section 4.1", values=("noise", "real", "k-means", "centroids"))
    augmentation: Any = hyper("dsa", source="DM, section 4.1", part="augmentation")
    objective: Any = hyper("mean-embedding", source="DM, eq. 5", part="objective")
    schedule: Any = hyper("fresh", source="DM, algorithm 1", part="schedule")

    registered: ClassVar[str] = "dm"
    evaluation: ClassVar[str] = "dsa"
