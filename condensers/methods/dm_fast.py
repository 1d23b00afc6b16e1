"""dm-fast"""

from dataclasses import dataclass
from typing import Any, ClassVar

from condensers.composition import Composition
from condensers.fields import hyper
from condensers.networks.convnet import ConvNetSpec
from condensers.networks.shrunk import ShrunkSpec
from condensers.schedules.fresh import Fresh


@dataclass(frozen=True)
class DMFast(Composition):
    """Distribution matching in seconds: tiles x mean embedding x small networks used several times, on stratified batches."""

    iterations: int = hyper(80, unit="steps on the images", source="ours", minimum=1)
    lr: float = hyper(20.0, source="ours", minimum=0.0)
    momentum: float = hyper(0.5, source="DM's code", minimum=0.0)
    batch_real: int = hyper(64, unit="images per class", source="ours", minimum=1)
    init: str = hyper("real", source="DM, section 4.1", values=("noise", "real", "k-means", "centroids"))
    network: Any = hyper(ShrunkSpec(network=ConvNetSpec(depth=2, width=64)), source="ours", part="network")
    parameterisation: Any = hyper("tiles", source="IDC, section 5.1: 2 x 2", part="parameterisation")
    sampler: Any = hyper("stratified", source="ours", part="sampler")
    augmentation: Any = hyper("dsa", source="DM, section 4.1", part="augmentation")
    objective: Any = hyper("mean-embedding", source="DM, eq. 5", part="objective")
    schedule: Any = hyper(Fresh(reuse=2), source="ours", part="schedule")

    registered: ClassVar[str] = "dm-fast"
    evaluation: ClassVar[str] = "dsa"
