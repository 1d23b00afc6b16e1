"""Discriminative term: real images are to be nearest, by inner product, to the mean synthetic embedding of their own class.

L = - sum_i log softmax_k( < z(x_i), mean_b z(s_kb) > )[ class of x_i ],  k over the classes at hand

Source: Wang et al., "CAFE: Learning to Condense Dataset by Aligning Features" (CVPR 2022), section 3.3, and the authors' code:
a sum over the real images, not a mean, weighted by 0.01. Labels are the positions of the classes at hand, any number of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers.fields import hyper
from condensers.objectives.base import Pair
from condensers.objectives.distribution import class_means
from condensers.regularisers.embeddings import of_real


@dataclass(frozen=True)
class Discriminative:
    """Real images are classified by the centres of the synthetic classes."""

    weight: float = hyper(0.01, source="CAFE's code, inner_weight", minimum=0.0)

    registered: ClassVar[str] = "discriminative"
    couples_classes: ClassVar[bool] = True

    def loss(self, network: nn.Module, pairs: Sequence[Pair]) -> Tensor:
        """Sum over all real images of the pairs; differentiable in the synthetic images, the centres."""
        real = of_real(network, pairs)
        centres = class_means(network, [pair.synthetic for pair in pairs], together=True)
        sizes = torch.tensor([len(part) for part in real])
        positions = torch.arange(len(pairs)).repeat_interleave(sizes).to(centres.device)
        return functional.cross_entropy(torch.cat(real) @ centres.T, positions, reduction="sum")
