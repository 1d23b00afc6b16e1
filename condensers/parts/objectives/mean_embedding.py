"""Distribution matching: the squared distance of mean embeddings, summed over features and classes.

L = sum_c || mean_b psi(A_w(x_b)) - mean_b psi(A_w(s_b)) ||^2

Source: Zhao & Bilen, "Dataset Condensation with Distribution Matching" (WACV 2023), eq. 4 and 5.
psi is the network without its classifier. Networks with batch norm see all classes in one batch, as
in the authors' code.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

from torch import Tensor, nn

from condensers.networks import Network
from condensers.parts.objectives.activations import means_of_layers, of_real
from condensers.parts.objectives.base import Pair


@dataclass(frozen=True)
class MeanEmbedding:
    """Squared distance between the mean embeddings of real and synthetic images of each class."""

    registered: ClassVar[str] = "mean-embedding"
    kind: ClassVar[str] = "pairs"
    needs: ClassVar[str] = "network"
    real: ClassVar[bool] = True
    couples_classes: ClassVar[bool] = False
    joint: ClassVar[bool] = True
    passes: ClassVar[tuple[float, float]] = (1 / 3, 1.0)

    def statistics(self, network: nn.Module, pairs: Sequence[Pair]) -> list[Tensor]:
        """The mean embeddings of the pairs' real images, [(len(pairs), D)], without a graph."""
        return of_real(_means, network, pairs)

    def loss(
        self, network: nn.Module, pairs: Sequence[Pair], statistics: Sequence[Tensor] | None = None
    ) -> Tensor:
        """One forward pass for the synthetic images of all pairs."""
        (real,) = statistics or self.statistics(network, pairs)
        synthetic = class_means(network, [pair.synthetic for pair in pairs], together=True)
        return ((real - synthetic) ** 2).sum()


def _means(network: nn.Module, batches: Sequence[Tensor], together: bool) -> list[Tensor]:
    return [class_means(network, batches, together)]


def class_means(network: nn.Module, batches: Sequence[Tensor], together: bool) -> Tensor:
    """Mean embedding of each batch, (K, D); `together` passes them through the network as one."""
    embed = cast(Network, network).embed
    return means_of_layers(lambda images: [embed(images)], batches, together)[0]
