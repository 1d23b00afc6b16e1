"""MTT: synthetic images on which a network takes, in a few steps, the path that experts took on the real ones in epochs.

min_{S, a}  E_{theta*, t}  || theta_N(S, a) - theta*_{t+M} ||^2 / || theta*_t - theta*_{t+M} ||^2

Source: Cazenavette et al., "Dataset Distillation by Matching Training Trajectories" (CVPR 2022), eq. 2 and algorithm 1, and the
authors' code for the defaults. Differences from that code: experts and epochs are drawn uniformly at each step, the learned rate
stays positive, images are not whitened, the last images count (not the best on test data), the seed decides everything but the
experts, which all seeds share.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from condensers.composition import Composition
from condensers.fields import hyper


@dataclass(frozen=True)
class MTT(Composition):
    """Trajectory matching (MTT): pixels and a learning rate x siamese augmentation x distance of parameters x experts."""

    iterations: int = hyper(5000, unit="steps on the images", source="MTT's code", minimum=1)
    lr: float = hyper(1000.0, source="MTT's code", minimum=0.0)
    momentum: float = hyper(0.5, source="MTT's code", minimum=0.0)
    init: str = hyper("real", source="MTT's code", values=("noise", "real", "k-means", "centroids"))
    augmentation: Any = hyper("dsa", source="MTT, section 4", part="augmentation")
    objective: Any = hyper("trajectory", source="MTT, eq. 2", part="objective")
    schedule: Any = hyper("experts", source="MTT, section 3.2", part="schedule")

    registered: ClassVar[str] = "mtt"
    evaluation: ClassVar[str] = "dsa"
