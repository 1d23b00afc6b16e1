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
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers.hyperparameters import hyper
from condensers.parts.objectives.activations import activation_maps, means_of_layers, of_real
from condensers.parts.objectives.base import Pair


@dataclass(frozen=True)
class AttentionMatching:
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
    kind: ClassVar[str] = "pairs"
    needs: ClassVar[str] = "network"
    real: ClassVar[bool] = True
    couples_classes: ClassVar[bool] = False
    joint: ClassVar[bool] = True
    passes: ClassVar[tuple[float, float]] = (1 / 3, 1.0)

    def statistics(self, network: nn.Module, pairs: Sequence[Pair]) -> list[Tensor]:
        """The means of the pairs' real images, a tensor (len(pairs), ...) for each layer, the
        embedding last; without a graph.
        """
        return of_real(self._means, network, pairs)

    def loss(
        self, network: nn.Module, pairs: Sequence[Pair], statistics: Sequence[Tensor] | None = None
    ) -> Tensor:
        """Sum over the pairs' classes, differentiable in the synthetic images."""
        real = statistics or self.statistics(network, pairs)
        synthetic = self._means(network, [pair.synthetic for pair in pairs], together=True)
        *maps, embedding = [((a - b) ** 2).sum() for a, b in zip(real, synthetic, strict=True)]
        return self.scale * torch.stack([*maps, self.balance * embedding]).sum()

    def _means(self, network: nn.Module, batches: Sequence[Tensor], together: bool) -> list[Tensor]:
        def layers(images: Tensor) -> list[Tensor]:
            maps, embedding = activation_maps(network, images)
            return [*[attention(one, self.power) for one in maps[:-1]], embedding]

        return means_of_layers(layers, batches, together)


def attention(maps: Tensor, power: float) -> Tensor:
    """(N, C, H, W) -> (N, H * W): the channels' absolute values to a power, summed, of length one
    for each image.

    Maps without positions (N, D) keep their D values.
    """
    strength = maps.abs().pow(power)
    return functional.normalize(strength.sum(1).flatten(1) if maps.ndim > 2 else strength, dim=1)
