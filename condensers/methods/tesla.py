"""TESLA: trajectory matching with memory that does not grow with the number of steps, by leaving out second-order terms.

dL/dx_s = 2 / || theta*_t - theta*_{t+M} ||^2  *  d/dx_s [ ( a (theta*_{t+M} - theta*_t) + a^2 G ) . g_s(x_s) ],   G = sum_s g_s

Source: Cui et al., "Scaling Up Dataset Distillation to ImageNet-1K with Constant Memory" (ICML 2023), section 3, and the authors'
example for CIFAR-10 at one image per class for steps, segments and the rate of the learning rate; the images' rate is MTT's.
Differences from that code: those of `mtt`. Its soft labels, which an expert's last network gives, are not there; labels "learned"
with the form "probabilities" are soft ones that take part in the matching.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from condensers.composition import Composition
from condensers.fields import hyper
from condensers.objectives.trajectory import Trajectory
from condensers.schedules.experts import Experts


@dataclass(frozen=True)
class TESLA(Composition):
    """Trajectory matching in constant memory (TESLA): MTT with a first-order gradient through the steps."""

    iterations: int = hyper(5000, unit="steps on the images", source="MTT's code", minimum=1)
    lr: float = hyper(1000.0, source="MTT's code", minimum=0.0)
    momentum: float = hyper(0.5, source="MTT's code", minimum=0.0)
    init: str = hyper("real", source="MTT's code", values=("noise", "real", "k-means", "centroids"))
    augmentation: Any = hyper("dsa", source="MTT, section 4", part="augmentation")
    objective: Any = hyper(
        Trajectory(steps=50, lr_lr=1e-7, reverse="tesla"), source="TESLA, section 3, and its example", part="objective"
    )
    schedule: Any = hyper(Experts(max_start=5), source="TESLA's example for CIFAR-10", part="schedule")

    registered: ClassVar[str] = "tesla"
    evaluation: ClassVar[str] = "dsa"
