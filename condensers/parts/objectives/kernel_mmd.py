"""Kernel matching: the squared maximum mean discrepancy of embeddings, class by class, under a sum
of Gaussian kernels.

L = sum_c  mean_ab k(r_a, r_b) - 2 mean_ab k(r_a, s_b) + mean_ab k(s_a, s_b)

k(x, y) = sum_i exp( - || x - y ||^2 / (h q^(i - floor(I / 2))) ),   i = 0 ... I - 1

r and s are the embeddings of the real and the synthetic images of a class. h is their mean squared
distance, over all pairs of two different ones of r and s together, held still; q is the factor
between neighbouring bandwidths. Means include each image's kernel with itself, so that the estimate
is the biased one, which is never below 0. Matching the mean embedding is its limit for wide
kernels: h L tends to 2 sum_i q^(floor(I / 2) - i) times the loss of `mean-embedding`.

Source: Zhang et al., "M3D: Dataset Condensation by Minimizing Maximum Mean Discrepancy" (AAAI
2024). The repository that the paper names holds no code; kernels, bandwidths and estimate are
those of the loss that later projects publish as M3D's (a class `M3DLoss`, the same in seven of
them). They fill the matrix of all images, real ones included, with a gradient; here the real part
has none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor, nn

from condensers.hyperparameters import hyper
from condensers.parts.objectives.base import Pair, PairwiseObjective
from condensers.parts.objectives.mean_embedding import real_embeddings, synthetic_embeddings

LEAST_BANDWIDTH = 1e-12


@final
@dataclass(frozen=True)
class KernelMMD(PairwiseObjective):
    """Squared maximum mean discrepancy between the embeddings of real and synthetic images of each
    class.
    """

    kernels: int = hyper(
        5,
        unit="kernels",
        help="Gaussian kernels whose sum is taken",
        source="M3D's loss as later projects publish it",
        minimum=1,
    )
    factor: float = hyper(
        2.0,
        help="factor between neighbouring bandwidths",
        source="M3D's loss as later projects publish it",
        minimum=1.0,
    )
    bandwidth: float | None = hyper(
        None,
        help="bandwidth in the middle, a squared distance; if left out, the mean one of the class",
        source="M3D's loss as later projects publish it",
        minimum=LEAST_BANDWIDTH,
    )

    registered: ClassVar[str] = "kernel-mmd"
    couples_classes: ClassVar[bool] = False
    batches_classes: ClassVar[bool] = True
    passes: ClassVar[tuple[float, float]] = (1 / 3, 1.0)

    def loss(self, network: nn.Module, pairs: Sequence[Pair]) -> Tensor:
        """Return the sum over the pairs, from one pass of all synthetic images."""
        real = real_embeddings(network, pairs)
        synthetic = synthetic_embeddings(network, pairs)
        settings = self.kernels, self.factor, self.bandwidth
        each = [kernel_mmd(r, s, *settings) for r, s in zip(real, synthetic, strict=True)]
        return torch.stack(each).sum()


def kernel_mmd(
    real: Tensor,
    synthetic: Tensor,
    kernels: int = 5,
    factor: float = 2.0,
    bandwidth: float | None = None,
) -> Tensor:
    """Return the squared maximum mean discrepancy between the embeddings of one class.

    Args:
        real: (n, D), embeddings of real images.
        synthetic: (m, D), embeddings of synthetic images, differentiable.
        kernels: Gaussian kernels whose sum is taken, at least 1.
        factor: Factor between neighbouring bandwidths, from 1 on.
        bandwidth: That in the middle, a squared distance; if None, the mean one between the images.

    Returns:
        A scalar from 0 to 2 * kernels; 0 for two equal samples.

    >>> import torch
    >>> real, synthetic = torch.tensor([[0.0], [2.0]]), torch.tensor([[1.0]])
    >>> kernel_mmd(real, real), kernel_mmd(real, synthetic, kernels=1, bandwidth=1.0)
    (tensor(0.), tensor(0.7734))
    """
    within, across = squared_distances(real, real), squared_distances(real, synthetic)
    own = squared_distances(synthetic, synthetic)
    if bandwidth is None:
        images = len(real) + len(synthetic)
        total = within.detach().sum() + 2 * across.detach().sum() + own.detach().sum()
        middle = (total / (images * (images - 1))).clamp_min(LEAST_BANDWIDTH)
    else:
        middle = real.new_tensor(bandwidth)
    widths = [middle * factor ** (index - kernels // 2) for index in range(kernels)]

    def mean_kernel(distances: Tensor) -> Tensor:
        return torch.stack([(-distances / width).exp().mean() for width in widths]).sum()

    return mean_kernel(within) - 2 * mean_kernel(across) + mean_kernel(own)


def squared_distances(left: Tensor, right: Tensor) -> Tensor:
    """Return the squared distances (n, m) of all rows of `left` (n, D) from those of `right`
    (m, D).
    """
    products = left @ right.T
    lengths = left.square().sum(1, keepdim=True) + right.square().sum(1)
    return (lengths - 2 * products).clamp_min(0)
