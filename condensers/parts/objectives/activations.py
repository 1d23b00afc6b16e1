"""The features that objectives compare: activation maps, embeddings, and their class means."""

from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from condensers.networks import Network, blocks_of, has_batch_norm
from condensers.parts.objectives.base import Pair

Reader = Callable[[nn.Module, Tensor], Sequence[Tensor]]
ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.SiLU, nn.Sigmoid)


def activation_maps(network: nn.Module, images: Tensor) -> tuple[list[Tensor], Tensor]:
    """Return the outputs of the activations of a network's blocks, and the embedding.

    If no block has an activation that is a module of its own (residual blocks, an MLP), the blocks'
    outputs stand for them.

    Args:
        network: A classifier with `features` and `embed`.
        images: (N, C, H, W) float32, normalised.

    Returns:
        Maps (N, C_l, H_l, W_l) in order, before any pooling, and the embedding (N, D).
    """
    blocks = blocks_of(network)
    sources = [m for m in blocks.modules() if isinstance(m, ACTIVATIONS)] if blocks else []
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
        read: Gives the features (N, ...) of images (N, C, H, W), a tensor for each layer.
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
