"""The embeddings that terms compare: of the pairs' synthetic images with a graph, of their real images without one."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from condensers.networks import Network, has_batch_norm
from condensers.objectives.base import Pair


def of_synthetic(network: nn.Module, pairs: Sequence[Pair]) -> list[Tensor]:
    """(n, D) for each pair, in one pass."""
    embedded = cast(Network, network).embed(torch.cat([pair.synthetic for pair in pairs]))
    return list(torch.split(embedded, [len(pair.synthetic) for pair in pairs]))


@torch.no_grad()
def of_real(network: nn.Module, pairs: Sequence[Pair]) -> list[Tensor]:
    """(n, D) for each pair; one pass where batch norm couples them, else one for each, which takes less memory."""
    embed, batches = cast(Network, network).embed, [pair.real for pair in pairs]
    if has_batch_norm(network):
        return list(torch.split(embed(torch.cat(batches)), [len(batch) for batch in batches]))
    return [embed(batch) for batch in batches]
