"""What synthetic images start from."""

import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.errors import UsageError

START = ("noise", "real")


def starting_images(data: ClassData, ipc: int, start: str, generator: torch.Generator) -> Tensor:
    """(len(classes) * ipc, C, H, W) float32 normalised, ordered by class: standard normal noise, or random real images.

    Where a class has fewer than ipc images they are repeated, in a new order each time.
    """
    if start == "noise":
        noise = torch.randn(len(data.classes) * ipc, *data.shape, generator=generator)
        return noise.to(data.device)
    if start != "real":
        raise UsageError(f"init '{start}' is not one of {', '.join(START)}")
    return torch.cat([_real(data, label, ipc, generator) for label in data.classes])


def _real(data: ClassData, label: int, ipc: int, generator: torch.Generator) -> Tensor:
    rounds = [data.sample(label, ipc, generator) for _ in range(-(-ipc // data.count(label)))]
    return torch.cat(rounds)[:ipc]
