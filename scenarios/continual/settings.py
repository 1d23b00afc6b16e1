"""How one learner is trained on a stream."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """epochs: passes over an experience. batch, batch_size_mem: images of the stream and of the memory in each minibatch.

    repeats: gradient steps on each minibatch of the stream. online: whether the stream passes once, in sub-experiences of
    `batch` images, without a sign where an experience begins. evaluate_every: minibatches between two readings of the test
    images within an experience, 0 for none.
    """

    epochs: int
    batch: int
    lr: float
    momentum: float
    weight_decay: float
    augmentation: str
    batch_size_mem: int
    repeats: int = 1
    online: bool = False
    evaluate_every: int = 0
