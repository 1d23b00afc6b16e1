"""Spread within a class: the synthetic images of a class are not to say the same thing.

repulsion:     L = sum_c mean_{a != b} k(z_a, z_b) - 2 mean_{a, i} k(z_a, x_i),  k(u, v) = exp( -||u
- v||^2 / (2 s^2) ) determinantal: L = - sum_c log det( K + e I ),  K_ab = z_a . z_b / (||z_a||
||z_b||)

z: the embeddings of the synthetic images of class c, x: of its real ones, without gradient.
    Repulsion is the squared maximum mean
discrepancy between both, without bias, up to the part that no synthetic image is in: images push
each other apart, and to where
real ones are. s^2 is `bandwidth`^2 times half the median squared distance of both together, as it
is at the step.
A class with one image has no spread and contributes 0.
Sources: Gretton et al., "A Kernel Two-Sample Test" (JMLR 2012), the unbiased statistic and the
median heuristic; Kulesza & Taskar, "Determinantal Point Processes for Machine Learning" (2012).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers.hyperparameters import hyper
from condensers.parts.objectives.base import Pair
from condensers.parts.objectives.mean_embedding import real_embeddings, synthetic_embeddings
from condensers.parts.regularisers.base import Regulariser
from condensers.parts.setting import RunSetting


@final
@dataclass(frozen=True)
class Diversity(Regulariser):
    """Spread of each class's synthetic embeddings, over the real ones or by their determinant."""

    weight: float = hyper(
        100.0,
        help="weight of the term beside the objective",
        source="ours, for repulsion; determinantal: 1 does as much",
        minimum=0.0,
    )
    form: str = hyper(
        "repulsion",
        help="repulsion: images push each other apart; determinantal: their determinant grows",
        source="ours",
        values=("repulsion", "determinantal"),
    )
    bandwidth: float = hyper(
        1.0,
        help="bandwidth, relative to the median distance (repulsion)",
        source="Gretton et al.: the median heuristic",
        minimum=1e-3,
    )
    epsilon: float = hyper(
        0.01, help="added to the kernel's diagonal (determinantal)", source="ours", minimum=1e-4
    )

    registered: ClassVar[str] = "diversity"
    couples_classes: ClassVar[bool] = False

    def loss(self, network: nn.Module, pairs: Sequence[Pair], setting: RunSetting) -> Tensor:
        """Sum over the pairs, each a class."""
        synthetic = synthetic_embeddings(network, pairs)
        if self.form == "determinantal":
            return torch.stack([minus_log_determinant(z, self.epsilon) for z in synthetic]).sum()
        real = real_embeddings(network, pairs)
        return torch.stack(
            [repulsion(z, x, self.bandwidth) for z, x in zip(synthetic, real, strict=True)]
        ).sum()


def repulsion(z: Tensor, x: Tensor, bandwidth: float) -> Tensor:
    """z (n, D) synthetic, x (m, D) real embeddings of one class -> a scalar, 0 for n = 1."""
    n = len(z)
    if n == 1:
        return z.sum() * 0
    apart, across = squared_distances(z, z), squared_distances(z, x)
    with torch.no_grad():
        everything = torch.cat([z, x])
        rows, columns = torch.triu_indices(len(everything), len(everything), 1, device=z.device)
        median = squared_distances(everything, everything)[rows, columns].median().clamp(min=1e-12)
    scale = -1 / (bandwidth**2 * median)
    own = torch.exp(apart * scale).masked_fill(torch.eye(n, dtype=torch.bool, device=z.device), 0)
    return own.sum() / (n * (n - 1)) - 2 * torch.exp(across * scale).mean()


def squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """(n, D), (m, D) -> (n, m)."""
    return ((a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T).clamp(min=0)


def minus_log_determinant(z: Tensor, epsilon: float) -> Tensor:
    """z (n, D) synthetic embeddings of one class -> a scalar, 0 for n = 1."""
    if len(z) == 1:
        return z.sum() * 0
    unit = functional.normalize(z)
    kernel = unit @ unit.T + epsilon * torch.eye(len(z), dtype=z.dtype, device=z.device)
    return -torch.logdet(kernel)
