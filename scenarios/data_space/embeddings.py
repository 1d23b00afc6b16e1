"""Embeddings: the pixels themselves, and what networks make of them, trained on all training images or freshly initialised.

The networks and the sample of real images have a seed of their own, so that all sets of all seeds are measured in the same space.
"""

import shutil
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from condensers import engine, networks
from condensers.cache import key_of, make_missing
from condensers.context import Context
from condensers.data import ClassData
from condensers.fields import settings_of
from condensers.registry import NETWORKS
from condensers.training import Training, trained

FORMAT = 1
BATCH = 256
NAME = "network that embeds"

Embed = Callable[[Tensor], Tensor]  # images (N, C, H, W) float32 normalised -> (N, D) float32


def pixels(images: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, C * H * W)."""
    return images.flatten(1)


def by_network(network: nn.Module) -> Embed:
    """What the last linear layer of `network` reads, in evaluation mode."""
    network.eval()

    @torch.no_grad()
    def embed(images: Tensor) -> Tensor:
        return torch.cat([torch.as_tensor(network.embed(part)) for part in torch.split(images, BATCH)])  # type: ignore[operator]

    return embed


def untrained(spec: Any, data: ClassData, context: Context) -> nn.Module:
    """A network of `context`'s seed."""
    return networks.build(spec, data.shape, len(data.class_names), context.generator, data.device)


def trained_once(spec: Any, data: ClassData, recipe: Training, context: Context) -> nn.Module:
    """The network that `untrained` gives, trained on all of `data`; made once where the context has a cache or a folder."""
    root = context.cache or context.folder
    if root is None:
        return trained(spec, data, recipe, context, NAME)
    part = NETWORKS.create(spec)
    seen = [data.digest, data.mean, data.std, data.mirror]
    machine = [data.device.type, torch.__version__]
    settings = {"name": part.registered, **settings_of(part)}
    path = root / "embeddings" / f"{key_of([FORMAT, seen, settings, settings_of(recipe), context.seed, machine])}.pt"

    def make(_: int) -> None:
        unfinished = path.with_suffix("")
        network = trained(spec, data, recipe, replace(context, folder=unfinished), NAME)
        engine.write_state(path, dict(network.state_dict()))
        shutil.rmtree(unfinished, ignore_errors=True)

    make_missing([path], make, context)
    network, state = untrained(spec, data, context), engine.read_state(path, data.device)
    assert state is not None
    network.load_state_dict(state)
    return network
