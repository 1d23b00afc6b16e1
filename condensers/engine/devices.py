"""What crosses from the processor to a graphics card: in passing, so that neither waits."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def send(tensor: Tensor, device: torch.device) -> Tensor:
    """Return a tensor on `device`, without a wait where it goes to a graphics card.

    A blocking copy waits until the card has done all that it was asked before; one from page-locked
    memory is put in line like any other work.

    Args:
        tensor: On the processor, or on `device` already.
        device: Where it is needed.
    """
    if tensor.device.type != "cpu" or device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def send_all(tensors: Sequence[Tensor], device: torch.device) -> list[Tensor]:
    """Return tensors on `device`, in one copy for each of their dtypes.

    Args:
        tensors: On the processor, of any shapes.
        device: Where they are needed.
    """
    if device.type == "cpu":
        return list(tensors)
    found: dict[int, Tensor] = {}
    for dtype in dict.fromkeys(one.dtype for one in tensors):
        members = [index for index, one in enumerate(tensors) if one.dtype == dtype]
        flat = send(torch.cat([tensors[index].detach().flatten() for index in members]), device)
        pieces = torch.split(flat, [tensors[index].numel() for index in members])
        found |= {
            index: piece.view(tensors[index].shape)
            for index, piece in zip(members, pieces, strict=True)
        }
    return [found[index] for index in range(len(tensors))]


def send_network(network: nn.Module, device: torch.device) -> nn.Module:
    """Bring a network to `device`, weights and buffers together, and return it."""
    if device.type == "cpu":
        return network.to(device)
    sent = send_all([*network.parameters(), *network.buffers()], device)
    network.to_empty(device=device)
    with torch.no_grad():
        for tensor, value in zip([*network.parameters(), *network.buffers()], sent, strict=True):
            tensor.copy_(value)
    return network


def fused(device: torch.device) -> bool | None:
    """What optimisers are told of fusing their step: a single launch on a graphics card, torch's
    own choice elsewhere.
    """
    return True if device.type == "cuda" else None


def share(right: Tensor, seen: int) -> float | Tensor:
    """Return which part of `seen` a count (,) int64 is: a number, or on a graphics card a tensor
    that nobody waits for.
    """
    return int(right) / seen if right.device.type == "cpu" else right / seen
