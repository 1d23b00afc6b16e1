"""What synthetic images start from."""

import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.errors import UsageError
from condensers.selections.k_means import KMeans

START = ("noise", "real", "k-means")


def starting_images(data: ClassData, ipc: int, start: str, generator: torch.Generator) -> Tensor:
    """(len(classes) * ipc, C, H, W) float32 normalised, ordered by class: standard normal noise, random real images,
    or the real images nearest to the centroids of as many clusters of their class's pixels.

    Where a class has fewer than ipc images they are repeated, in a new order each time.
    """
    if start == "noise":
        noise = torch.randn(len(data.classes) * ipc, *data.shape, generator=generator)
        return noise.to(data.device)
    if start not in START:
        raise UsageError(f"init '{start}' is not one of {', '.join(START)}")
    choose = _central if start == "k-means" else _real
    return torch.cat([choose(data, label, ipc, generator) for label in data.classes])


def _real(data: ClassData, label: int, ipc: int, generator: torch.Generator) -> Tensor:
    rounds = [data.sample(label, ipc, generator) for _ in range(-(-ipc // data.count(label)))]
    return torch.cat(rounds)[:ipc]


def _central(data: ClassData, label: int, ipc: int, generator: torch.Generator) -> Tensor:
    members = data.members(label)
    if len(members) <= ipc:
        return _real(data, label, ipc, generator)
    images = data.normalise(data.images[members])
    return images[KMeans().choose(images.flatten(1), ipc, generator).to(images.device)]
