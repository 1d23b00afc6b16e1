"""dm-fast"""

from dataclasses import dataclass
from typing import Any, ClassVar

from condensers.composition import Composition
from condensers.fields import hyper
from condensers.networks.convnet import ConvNetSpec
from condensers.samplers.stratified import Stratified


@dataclass(frozen=True)
class DMFast(Composition):
    """Distribution matching in seconds: tiles x mean embedding x narrow networks, small stratified batches, falling rates."""

    iterations: int = hyper(70, unit="steps on the images", source="ours", minimum=1)
    lr: float = hyper(10.0, source="ours", minimum=0.0)
    momentum: float = hyper(0.5, source="DM's code", minimum=0.0)
    halve_at: tuple[float, ...] = hyper(
        (0.6, 0.8), unit="parts of the run after which all learning rates are halved", source="ours"
    )
    batch_real: int = hyper(32, unit="images per class", source="ours", minimum=1)
    init: str = hyper("real", source="DM, section 4.1", values=("noise", "real", "k-means", "centroids"))
    network: Any = hyper(ConvNetSpec(width=32), source="ours", part="network")
    parameterisation: Any = hyper("tiles", source="IDC, section 5.1: 2 x 2", part="parameterisation")
    sampler: Any = hyper(Stratified(clusters=16), source="ours", part="sampler")
    augmentation: Any = hyper("dsa", source="DM, section 4.1", part="augmentation")
    objective: Any = hyper("mean-embedding", source="DM, eq. 5", part="objective")
    schedule: Any = hyper("fresh", source="DM, algorithm 1", part="schedule")

    registered: ClassVar[str] = "dm-fast"
    evaluation: ClassVar[str] = "dsa"
