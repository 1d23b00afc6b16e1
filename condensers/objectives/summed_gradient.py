"""Gradient matching of all classes at once: the distance between the gradients of the loss summed over the classes.

L = D( 1/C sum_c g(x_c), g(s_1, ..., s_C) ),  g the gradient of the mean cross-entropy, D as in gradient matching

Source: Lee et al., "Dataset Condensation with Contrastive Signals" (ICML 2022), section 4 as we recall, and the authors' code
(`--contrast`): what the classes' gradients have in common cancels in no class's own distance, but does in that of their sum.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers.networks.passes import by_modules
from condensers.objectives.base import Pair
from condensers.objectives.gradient import GradientMatching


@dataclass(frozen=True)
class SummedGradient(GradientMatching):
    """Distance between the gradients that all real and all synthetic images give to a network."""

    registered: ClassVar[str] = "summed-gradient"
    couples_classes: ClassVar[bool] = True
    joint: ClassVar[bool] = True

    def loss(self, network: nn.Module, pairs: Sequence[Pair], statistics: Sequence[Tensor] | None = None) -> Tensor:
        """One distance for all pairs; differentiable twice through the synthetic images.

        The real gradient is the mean over the classes, taken class by class; the synthetic one is that of all images.
        """
        weights = self.weights(network)
        real = [layer.mean(0) for layer in statistics or self.statistics(network, pairs)]
        labels = [torch.full((len(pair.synthetic),), pair.label, device=pair.synthetic.device) for pair in pairs]
        with by_modules():
            loss = functional.cross_entropy(network(torch.cat([pair.synthetic for pair in pairs])), torch.cat(labels))
        synthetic = torch.autograd.grad(loss, weights, create_graph=True)
        return self.between(real, synthetic)
