"""Distribution matching: the squared distance of mean embeddings, summed over features and classes.

L = sum_c || mean_b psi(A_w(x_b)) - mean_b psi(A_w(s_b)) ||^2

Source: Zhao & Bilen, "Dataset Condensation with Distribution Matching" (WACV 2023), eq. 4 and 5.
psi is the network without its classifier. Networks with batch norm see all classes in one batch, as
in the authors' code.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, cast, final

from torch import Tensor, nn

from condensers.networks import Network
from condensers.parts.objectives.activations import real_means, synthetic_means
from condensers.parts.objectives.base import Pair, StatisticsObjective


def mean_embedding(real: Tensor, synthetic: Tensor) -> Tensor:
    """Return the squared distance between the mean embeddings of one class.

    Args:
        real: (n, D), embeddings psi(x) of real images.
        synthetic: (m, D), embeddings psi(s) of synthetic images, differentiable.

    Returns:
        A scalar, the term of one class in eq. 5.

    >>> import torch
    >>> real, synthetic = torch.tensor([[0.0, 0.0], [2.0, 4.0]]), torch.tensor([[0.0, 0.0]])
    >>> mean_embedding(real, synthetic)
    tensor(5.)
    """
    return squared_distance(real.mean(0), synthetic.mean(0))


def squared_distance(real: Tensor, synthetic: Tensor) -> Tensor:
    """Return the sum of squared differences of two tensors of one shape, a scalar."""
    return ((real - synthetic) ** 2).sum()


@final
@dataclass(frozen=True)
class MeanEmbedding(StatisticsObjective):
    """Squared distance between the mean embeddings of real and synthetic images of each class."""

    registered: ClassVar[str] = "mean-embedding"
    couples_classes: ClassVar[bool] = False
    batches_classes: ClassVar[bool] = True
    passes: ClassVar[tuple[float, float]] = (1 / 3, 1.0)

    def statistics(self, network: nn.Module, pairs: Sequence[Pair]) -> list[Tensor]:
        """Return the mean embeddings of the real images, [(len(pairs), D)], without a graph."""
        return real_means(embeddings, network, pairs)

    def loss_against(
        self, network: nn.Module, statistics: Sequence[Tensor], pairs: Sequence[Pair]
    ) -> Tensor:
        """Return eq. 5, from one forward pass of the synthetic images of all pairs."""
        (real,), (synthetic,) = statistics, synthetic_means(embeddings, network, pairs)
        return squared_distance(real, synthetic)


def embeddings(network: nn.Module, images: Tensor) -> list[Tensor]:
    """Return psi(images), [(N, D)], of images (N, C, H, W)."""
    return [cast(Network, network).embed(images)]
