"""Embeddings: the pixels themselves, and what networks make of them, trained on all training images
or freshly initialised.

The networks and the sample of real images have a seed of their own, so that all sets of all seeds
are measured in the same space.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from condensers import networks
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.training.classifier import Training
from scenarios.caching import train_once

BATCH = 256

Embed = Callable[[Tensor], Tensor]  # images (N, C, H, W) float32 normalised -> (N, D) float32


def flatten_pixels(images: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, C * H * W)."""
    return images.flatten(1)


def embed_with(network: nn.Module) -> Embed:
    """What the last linear layer of `network` reads, in evaluation mode."""
    network.eval()

    @torch.no_grad()
    def embed(images: Tensor) -> Tensor:
        parts = torch.split(images, BATCH)
        return torch.cat([network.embed(part) for part in parts])  # type: ignore[operator]

    return embed


def build_untrained(spec: Any, data: ClassData, context: Context) -> nn.Module:
    """A network of `context`'s seed."""
    return networks.build(spec, data.shape, len(data.class_names), context.generator, data.device)


def train_embedding(spec: Any, data: ClassData, recipe: Training, context: Context) -> nn.Module:
    """Train the network of `build_untrained` on all of `data`, once per cache or folder."""
    return train_once(spec, data, recipe, context, "network that embeds", "embeddings")


def distances(a: Tensor, b: Tensor) -> Tensor:
    """Return the (n, m) Euclidean distances of (n, D) and (m, D); equal points are exactly at 0.

    >>> distances(torch.zeros(1, 2), torch.tensor([[3.0, 4.0]]))
    tensor([[5.]])
    """
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")
