"""What a network's layers give for the images of several classes: the maps of its activations, and
the embedding.
"""

from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from condensers.networks import Network, has_batch_norm
from condensers.parts.objectives.base import Pair

ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.SiLU, nn.Sigmoid)


def activation_maps(network: nn.Module, images: Tensor) -> tuple[list[Tensor], Tensor]:
    """Images (N, C, H, W) -> what the activations of the network's blocks give, in order, (N, C_l,
    H_l, W_l) each, before any pooling; and the embedding (N, D).

    Where no block has an activation that is a module of its own (residual blocks, an MLP), the
    blocks' outputs stand for them.
    """
    blocks = getattr(network, "blocks", None)
    sources = (
        [m for m in blocks.modules() if isinstance(m, ACTIVATIONS)]
        if isinstance(blocks, nn.Module)
        else []
    )
    known = cast(Network, network)
    if not sources:
        return known.features(images), known.embed(images)
    found: list[Tensor] = []
    handles = [
        source.register_forward_hook(lambda *event: found.append(event[-1])) for source in sources
    ]
    try:
        embedding = known.embed(images)
    finally:
        for handle in handles:
            handle.remove()
    return found, embedding


def of_real(
    means: Callable[[nn.Module, Sequence[Tensor], bool], list[Tensor]],
    network: nn.Module,
    pairs: Sequence[Pair],
) -> list[Tensor]:
    """`means(network, batches, together)` of the pairs' real images, without a graph; together
    where batch norm couples them.
    """
    with torch.no_grad():
        return means(network, [pair.real for pair in pairs], has_batch_norm(network))


def means_of_layers(
    read: Callable[[Tensor], list[Tensor]], batches: Sequence[Tensor], together: bool
) -> list[Tensor]:
    """Each batch's mean of every layer, (K, ...) for each layer; `read` gives the layers (N, ...)
    of images (N, C, H, W).

    `together` passes all batches through the network as one.
    """
    if together:
        layers = read(torch.cat(list(batches)))
        sizes = [len(batch) for batch in batches]
        return [
            torch.stack([part.mean(0) for part in torch.split(layer, sizes)]) for layer in layers
        ]
    each = [[layer.mean(0) for layer in read(batch)] for batch in batches]
    return [torch.stack(layer) for layer in zip(*each, strict=True)]
