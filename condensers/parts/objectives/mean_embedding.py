"""Distribution matching: the squared distance of mean embeddings, summed over features and classes.

L = sum_c || mean_b psi(A_w(x_b)) - mean_b psi(A_w(s_b)) ||^2

Source: Zhao & Bilen, "Dataset Condensation with Distribution Matching" (WACV 2023), eq. 4 and 5.
psi is the network without its classifier. Networks with batch norm see all classes in one batch, as
in the authors' code.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, cast, final

import torch
from torch import Tensor, nn

from condensers.networks import Network, has_batch_norm
from condensers.parts.objectives.base import Pair, StatisticsObjective

Reader = Callable[[nn.Module, Tensor], Sequence[Tensor]]
"""Gives the features (N, ...) of images (N, C, H, W) under a network, a tensor for each layer."""


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


def class_means(layers: Sequence[Tensor], sizes: Sequence[int]) -> list[Tensor]:
    """Average the features of the images of each class.

    Args:
        layers: (N, ...) each, of the images of all classes, one class after the other.
        sizes: Number of images of each class; they add up to N.

    Returns:
        (len(sizes), ...) for each layer.
    """
    return [
        torch.stack([part.mean(0) for part in torch.split(layer, list(sizes))]) for layer in layers
    ]


def synthetic_means(read: Reader, network: nn.Module, pairs: Sequence[Pair]) -> list[Tensor]:
    """Return the class means of the synthetic images' features, from one pass of all of them.

    Args:
        read: Gives the features of all layers.
        network: What `read` reads.
        pairs: One for each class.
    """
    images = [pair.synthetic for pair in pairs]
    return class_means(read(network, torch.cat(images)), [len(part) for part in images])


@torch.no_grad()
def real_means(read: Reader, network: nn.Module, pairs: Sequence[Pair]) -> list[Tensor]:
    """Return the class means of the real images' features, without a graph.

    Each class passes the network alone, which takes less memory; together with the others if batch
    norm lets the images of a batch depend on each other.

    Args:
        read: As in `synthetic_means`.
        network: What `read` reads.
        pairs: One for each class.
    """
    images = [pair.real for pair in pairs]
    if has_batch_norm(network):
        return class_means(read(network, torch.cat(images)), [len(part) for part in images])
    means = [[layer.mean(0) for layer in read(network, batch)] for batch in images]
    return [torch.stack(layer) for layer in zip(*means, strict=True)]


def synthetic_embeddings(network: nn.Module, pairs: Sequence[Pair]) -> list[Tensor]:
    """Return the embeddings (n, D) of each pair's synthetic images, from one pass of all."""
    embedded = cast(Network, network).embed(torch.cat([pair.synthetic for pair in pairs]))
    return list(torch.split(embedded, [len(pair.synthetic) for pair in pairs]))


@torch.no_grad()
def real_embeddings(network: nn.Module, pairs: Sequence[Pair]) -> list[Tensor]:
    """Return the embeddings (n, D) of each pair's real images, without a graph.

    One pass where batch norm couples them, else one for each pair, which takes less memory.
    """
    embed, batches = cast(Network, network).embed, [pair.real for pair in pairs]
    if has_batch_norm(network):
        return list(torch.split(embed(torch.cat(batches)), [len(batch) for batch in batches]))
    return [embed(batch) for batch in batches]
