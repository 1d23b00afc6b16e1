"""What a matching objective is given, and what it must say."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from torch import Tensor, nn


class Pair(NamedTuple):
    """The images of one class, both augmented with the same draw: (n, C, H, W) float32 normalised."""

    label: int
    real: Tensor
    synthetic: Tensor


class Objective(Protocol):
    """A loss between real and synthetic images under a network, summed over classes.

    joint: whether one loss wants several classes at once (cheaper) or one class at a time (less memory).
    """

    @property
    def joint(self) -> bool: ...

    def loss(self, network: nn.Module, pairs: Sequence[Pair]) -> Tensor:
        """A scalar, differentiable in the synthetic images."""
        ...
