"""How one learner is trained."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """How a learner is trained. from_scratch: on the memory alone, with the initial weights again at each experience."""

    epochs: int
    batch: int
    lr: float
    momentum: float
    weight_decay: float
    augmentation: str
    batch_size_mem: int
    from_scratch: bool = False
