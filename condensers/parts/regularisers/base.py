"""Weighted terms that any method with a network can take.

The embeddings that terms compare: of the pairs' synthetic images with a graph, of their real images
without one.
"""

from collections.abc import Sequence
from typing import ClassVar, Protocol, cast

import torch
from torch import Tensor, nn

from condensers.networks import Network, has_batch_norm
from condensers.parts.objectives.base import Pair


class Regulariser(Protocol):
    """A frozen dataclass with a field `weight`; `loss` is the term without its weight, over all
    classes at once.

    One that draws says so by `draws = True`; its loss takes the run's
    `condensers.parts.setting.Setting` as a third argument and draws from that one's generator
    alone, which is part of every checkpoint.
    """

    registered: ClassVar[str]
    couples_classes: ClassVar[bool]
    weight: float

    def loss(self, network: nn.Module, pairs: Sequence[Pair]) -> Tensor:
        """A scalar, differentiable in the pairs' synthetic images."""
        ...


def of_synthetic(network: nn.Module, pairs: Sequence[Pair]) -> list[Tensor]:
    """(n, D) for each pair, in one pass."""
    embedded = cast(Network, network).embed(torch.cat([pair.synthetic for pair in pairs]))
    return list(torch.split(embedded, [len(pair.synthetic) for pair in pairs]))


@torch.no_grad()
def of_real(network: nn.Module, pairs: Sequence[Pair]) -> list[Tensor]:
    """(n, D) for each pair; one pass where batch norm couples them, else one for each, which takes
    less memory.
    """
    embed, batches = cast(Network, network).embed, [pair.real for pair in pairs]
    if has_batch_norm(network):
        return list(torch.split(embed(torch.cat(batches)), [len(batch) for batch in batches]))
    return [embed(batch) for batch in batches]
