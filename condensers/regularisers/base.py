"""Weighted terms that any method with a network can take."""

from collections.abc import Sequence
from typing import ClassVar, Protocol

from torch import Tensor, nn

from condensers.objectives.base import Pair


class Regulariser(Protocol):
    """A frozen dataclass with a field `weight`; `loss` is the term without its weight, over all classes at once.

    One that draws says so by `draws = True`; its loss takes the run's `condensers.setting.Setting` as a third argument and draws
    from that one's generator alone, which is part of every checkpoint.
    """

    registered: ClassVar[str]
    couples_classes: ClassVar[bool]
    weight: float

    def loss(self, network: nn.Module, pairs: Sequence[Pair]) -> Tensor:
        """A scalar, differentiable in the pairs' synthetic images."""
        ...
