"""Gradients that are cut to a greatest norm, network by network.

g <- g min(1, limit / (|g| + 1e-6)),  |g| over all of a network's parameters

Source: Pascanu et al., "On the difficulty of training recurrent neural networks" (ICML 2013),
algorithm 1; the small number is torch's.
"""

import torch
from torch import Tensor, nn

from condensers.networks.batched import NetworkStack

SMALL = 1e-6


@torch.no_grad()
def clip_gradients(network: nn.Module, limit: float) -> None:
    """Cut the gradient of a network, or of each of several that are trained as one, in place."""
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    if isinstance(network, NetworkStack):
        for index in range(network.count):
            _cut([gradient[index] for gradient in gradients], limit)
    else:
        _cut(gradients, limit)


def _cut(gradients: list[Tensor], limit: float) -> None:
    norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
    factor = (limit / (norm + SMALL)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(factor)
