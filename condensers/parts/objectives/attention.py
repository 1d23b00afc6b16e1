"""Attention matching: the squared distance of class-mean attention maps, layer by layer, and of
mean embeddings.

a_l(x) = vec( sum_ch | f_l(x)_ch |^p ) / || vec( sum_ch | f_l(x)_ch |^p ) ||

L = scale sum_c ( sum_{l < last} || mean_b a_l(x_b) - mean_b a_l(s_b) ||^2 + balance || mean_b
z(x_b) - mean_b z(s_b) ||^2 )

f_l are the maps after each activation, z the embedding.

Source: Sajedi et al., "DataDAM: Efficient Dataset Distillation with Attention Matching" (ICCV
2023), and the authors' code (`get_attention` in utils.py; scale and balance in main_DataDAM.py).
The power is that of their table of hyperparameters, 4; their code calls its attention with 1.
Layers without positions (an MLP's) are normalised as they are, | f |^p; a network with one
activation has the last term alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers.hyperparameters import hyper
from condensers.parts.objectives.activations import activation_maps
from condensers.parts.objectives.base import Pair, StatisticsObjective
from condensers.parts.objectives.mean_embedding import (
    mean_embedding,
    real_means,
    squared_distance,
    synthetic_means,
)


@final
@dataclass(frozen=True)
class AttentionMatching(StatisticsObjective):
    """Squared distances between class means of spatial attention, and between mean embeddings."""

    power: float = hyper(
        4.0,
        help="power of the activations",
        source="DataDAM, table of hyperparameters (1 in the code)",
        minimum=1.0,
    )
    balance: float = hyper(
        0.01, help="weight of the embedding", source="DataDAM's code, task_balance", minimum=0.0
    )
    scale: float = hyper(
        100.0, help="factor of the whole loss", source="DataDAM's code", minimum=0.0
    )

    registered: ClassVar[str] = "attention"
    couples_classes: ClassVar[bool] = False
    batches_classes: ClassVar[bool] = True
    passes: ClassVar[tuple[float, float]] = (1 / 3, 1.0)

    def statistics(self, network: nn.Module, pairs: Sequence[Pair]) -> list[Tensor]:
        """Return the means of the real images, a tensor (len(pairs), ...) for each layer, the
        embedding last.
        """
        return real_means(self.read, network, pairs)

    def loss_against(
        self, network: nn.Module, statistics: Sequence[Tensor], pairs: Sequence[Pair]
    ) -> Tensor:
        """Return the sum over layers and classes, from one pass of all synthetic images."""
        synthetic = synthetic_means(self.read, network, pairs)
        distances = [squared_distance(a, b) for a, b in zip(statistics, synthetic, strict=True)]
        *maps, embedding = distances
        return self.scale * torch.stack([*maps, self.balance * embedding]).sum()

    def read(self, network: nn.Module, images: Tensor) -> list[Tensor]:
        """Return the attention of all layers but the last, and the embedding."""
        maps, embedding = activation_maps(network, images)
        return [*[attention(one, self.power) for one in maps[:-1]], embedding]


def attention_matching(real: Tensor, synthetic: Tensor, power: float = 4.0) -> Tensor:
    """Return the squared distance between the mean attention of two batches at one layer.

    Args:
        real: Activation maps of the real images of a class, (n, C, H, W).
        synthetic: Those of the synthetic ones, (m, C, H, W), differentiable.
        power: Power of the activations, from 1 on.

    Returns:
        A scalar, the term of one layer and one class without its scale.

    >>> left, right = torch.tensor([[[[1.0, 0.0]]]]), torch.tensor([[[[0.0, 3.0]]]])
    >>> attention_matching(left, right), attention_matching(left, 2 * left)
    (tensor(2.), tensor(0.))
    """
    return mean_embedding(attention(real, power), attention(synthetic, power))


def attention(maps: Tensor, power: float) -> Tensor:
    """Return the spatial attention of each image, of length 1.

    Args:
        maps: (N, C, H, W) activations; maps without positions, (N, D), keep their D values.
        power: Power of the absolute activations, which are then summed over the channels.

    Returns:
        (N, H * W), or (N, D).
    """
    strength = maps.abs().pow(power)
    return functional.normalize(strength.sum(1).flatten(1) if maps.ndim > 2 else strength, dim=1)
