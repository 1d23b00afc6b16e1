"""How shared weights are trained."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """SGD with a cosine schedule down to a rate of 0.001, as DARTS trains its shared weights. clip: norm of the gradient."""

    epochs: int
    batch: int
    lr: float
    momentum: float
    weight_decay: float
    clip: float
