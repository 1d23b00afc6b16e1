"""Layer-wise feature alignment: the squared distance of class-mean feature maps, layer by layer.

L = sum_l w_l sum_c || mean_b f_l(x_b) - mean_b f_l(s_b) ||^2 + v sum_c || mean_b z(x_b) - mean_b
z(s_b) ||^2

f_l are the maps after each activation and, last, the output of the last pooling; z is that output
flattened, the embedding.

Source: Wang et al., "CAFE: Learning to Condense Dataset by Aligning Features" (CVPR 2022), section
3.2, and the authors' code for the weights and the sums. That code takes the last output twice, as
maps (weight 1) and flattened (v = 1): the same numbers, so that the embedding counts twice. Weights
belong to layers from the end: with fewer layers the first weights are left out, with more the first
weight is that of all earlier layers. Left out: the code's cross-entropy of the real images, which
no image depends on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor, nn

from condensers.errors import UsageError
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
class LayerMeans(StatisticsObjective):
    """Squared distances between the class means of the features of all layers."""

    weights: tuple[float, ...] = hyper(
        (0.1, 0.1, 1.0, 1.0),
        help="weights of layers, that of the last output at the end",
        source="CAFE's code",
    )
    flattened: float = hyper(
        1.0, help="weight of the embedding beside the layers", source="CAFE's code", minimum=0.0
    )

    registered: ClassVar[str] = "layer-means"
    couples_classes: ClassVar[bool] = False
    batches_classes: ClassVar[bool] = True
    passes: ClassVar[tuple[float, float]] = (1 / 3, 1.0)

    def __post_init__(self) -> None:
        """UsageError where the weights are no numbers from 0 on."""
        if not self.weights or not all(
            isinstance(w, int | float) and 0 <= w < float("inf") for w in self.weights
        ):
            raise UsageError(
                f"objective layer-means.weights: {list(self.weights)} must be numbers from 0 on, at"
                " least one"
            )

    def statistics(self, network: nn.Module, pairs: Sequence[Pair]) -> list[Tensor]:
        """Return the means of the real images, a tensor (len(pairs), ...) for each layer, the
        embedding last.
        """
        return real_means(maps_and_embedding, network, pairs)

    def loss_against(
        self, network: nn.Module, statistics: Sequence[Tensor], pairs: Sequence[Pair]
    ) -> Tensor:
        """Return the sum over layers and classes, from one pass of all synthetic images."""
        synthetic = synthetic_means(maps_and_embedding, network, pairs)
        distances = [squared_distance(a, b) for a, b in zip(statistics, synthetic, strict=True)]
        weighted = [w * d for w, d in zip(self.weights_of(len(distances)), distances, strict=True)]
        return torch.stack(weighted).sum() + self.flattened * distances[-1]

    def weights_of(self, layers: int) -> list[float]:
        """The weight of each of so many layers, the embedding the last of them.

        >>> LayerMeans().weights_of(3), LayerMeans().weights_of(6)
        ([0.1, 1.0, 1.0], [0.1, 0.1, 0.1, 0.1, 1.0, 1.0])
        """
        missing = max(0, layers - len(self.weights))
        return [*[self.weights[0]] * missing, *self.weights][-layers:]


def layer_means(real: Sequence[Tensor], synthetic: Sequence[Tensor]) -> Tensor:
    """Return the squared distances of the class means of several layers, summed with equal weights.

    Args:
        real: Features of the real images of a class, (n, ...) for each layer.
        synthetic: Those of the synthetic ones, (m, ...) for each layer, differentiable.

    Returns:
        A scalar, the term of one class with all weights 1.

    >>> layer_means([torch.zeros(3, 2), torch.ones(3, 4)], [torch.ones(1, 2), torch.ones(1, 4)])
    tensor(2.)
    """
    distances = [mean_embedding(a, b) for a, b in zip(real, synthetic, strict=True)]
    return torch.stack(distances).sum()


def maps_and_embedding(network: nn.Module, images: Tensor) -> list[Tensor]:
    """Return the activation maps of all blocks and the embedding of images (N, C, H, W)."""
    maps, embedding = activation_maps(network, images)
    return [*maps, embedding]
