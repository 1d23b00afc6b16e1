"""The features that objectives compare: activation maps and the embedding."""

from typing import cast

from torch import Tensor, nn

from condensers.networks import Network, blocks_of

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
    sources = (
        [m for m in blocks.modules() if isinstance(m, ACTIVATIONS)] if blocks is not None else []
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
