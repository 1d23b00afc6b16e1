"""The base class of regularisers: weighted terms that any method with a network can take.

Terms compare embeddings: those of the synthetic images with a graph, those of the real images
without one.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from condensers.hyperparameters import Part
from condensers.networks import Network, has_batch_norm
from condensers.parts.objectives.base import Pair
from condensers.parts.setting import RunSetting


class Regulariser(Part):
    """A term that is added to the loss of a method.

    Attributes:
        weight: The factor of the term, a field of the dataclass.
    """

    weight: float

    @property
    @abstractmethod
    def couples_classes(self) -> bool:
        """Whether the term of one class depends on the images of the others."""

    @abstractmethod
    def loss(self, network: nn.Module, pairs: Sequence[Pair], setting: RunSetting) -> Tensor:
        """Return the term without its weight.

        Args:
            network: The network of the step.
            pairs: Real and synthetic images, a pair for each class.
            setting: What the run lends. A term that draws takes `setting.generator` alone, whose
                state is part of every checkpoint.

        Returns:
            A scalar, differentiable in the pairs' synthetic images.
        """


def synthetic_embeddings(network: nn.Module, pairs: Sequence[Pair]) -> list[Tensor]:
    """(n, D) for each pair, in one pass."""
    embedded = cast(Network, network).embed(torch.cat([pair.synthetic for pair in pairs]))
    return list(torch.split(embedded, [len(pair.synthetic) for pair in pairs]))


@torch.no_grad()
def real_embeddings(network: nn.Module, pairs: Sequence[Pair]) -> list[Tensor]:
    """(n, D) for each pair; one pass where batch norm couples them, else one for each, which takes
    less memory.
    """
    embed, batches = cast(Network, network).embed, [pair.real for pair in pairs]
    if has_batch_norm(network):
        return list(torch.split(embed(torch.cat(batches)), [len(batch) for batch in batches]))
    return [embed(batch) for batch in batches]
