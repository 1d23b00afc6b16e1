"""Asymmetric cross-entropy: the stream competes among its own classes alone, the memory among all.

L = CE(f(x)[C], y) + L_memory,  C the classes of the stream's images in the minibatch.  Source: Caccia et al., "New Insights on
Reducing Abrupt Representation Change in Online Continual Learning" (ICLR 2022), equation 3.
"""

import torch
from torch import Tensor
from torch.nn import functional

from scenarios.continual.pieces import MemoryBatch
from scenarios.continual.replay import Joint, memory_loss


class Asymmetric(Joint):
    """The rule of ER-ACE for CondensedReplay; nothing is kept."""

    def loss(self, logits: Tensor, y: Tensor, drawn: MemoryBatch) -> Tensor:
        return among_present(logits[: len(y)], y) + memory_loss(logits[len(y) :], drawn)


def among_present(logits: Tensor, y: Tensor) -> Tensor:
    """Mean cross-entropy of logits (n, K) with labels y (n,), over the classes that occur in y."""
    absent = torch.ones(logits.shape[1], dtype=torch.bool, device=logits.device)
    absent[y] = False
    return functional.cross_entropy(logits.masked_fill(absent, float("-inf")), y)
