"""Several batches, each under its own draw: one call a family in place of one a batch, where launching a call is what costs."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from condensers.augmentations.siamese import Draw, Draws


def apply_several(augmentation: Any, batches: Sequence[Tensor], draws: Sequence[Any]) -> list[Tensor]:
    """Batches (n_b, C, H, W), a draw of one set of parameters for each -> the batches under their draws.

    On a GPU those whose draws are of the same families pass together; on a CPU, where a launch costs nothing and parameters that
    a batch shares are worked out once, each passes alone. The values are the same.
    """
    known = all(isinstance(draw, Draw | Draws) for draw in draws)
    if known and batches and batches[0].is_cuda:
        return together(augmentation, batches, draws)
    return [torch.as_tensor(augmentation.apply(batch, draw)) for batch, draw in zip(batches, draws, strict=True)]


def together(augmentation: Any, batches: Sequence[Tensor], draws: Sequence[Draw | Draws]) -> list[Tensor]:
    """`apply_several` with one call for the batches of each combination of families."""
    chains = [draw.each if isinstance(draw, Draws) else (draw,) for draw in draws]
    groups: dict[tuple[str, ...], list[int]] = {}
    for index, chain in enumerate(chains):
        groups.setdefault(tuple(one.family for one in chain), []).append(index)
    found: dict[int, Tensor] = {}
    for families, members in groups.items():
        sizes = [len(batches[index]) for index in members]
        each = []
        for place, family in enumerate(families):
            params = [chains[index][place].params for index in members]
            spread = [one.expand(size, *one.shape[1:]) for one, size in zip(params, sizes, strict=True)]
            each.append(Draw(family, torch.cat(spread)))
        out = augmentation.apply(torch.cat([batches[index] for index in members]), Draws(tuple(each)))
        found |= dict(zip(members, torch.split(out, sizes), strict=True))
    return [found[index] for index in range(len(batches))]
