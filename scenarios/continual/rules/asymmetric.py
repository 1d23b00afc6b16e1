"""Asymmetric cross-entropy: the stream competes among its own classes alone, the memory among all.

L = CE(f(x)[C], y) + L_memory,  C the classes of the stream's images in the minibatch.  Source: Caccia et al., "New Insights on
Reducing Abrupt Representation Change in Online Continual Learning" (ICLR 2022), equation 3.
"""

import torch
from torch import Tensor
from torch.nn import functional

from condensers.errors import UsageError
from scenarios.continual.criterion import Criterion
from scenarios.continual.pieces import MemoryBatch
from scenarios.continual.replay import Joint, memory_loss


class Asymmetric(Joint):
    """The rule of ER-ACE for CondensedReplay; nothing is kept. The strategy's criterion must be a cross-entropy."""

    def loss(self, logits: Tensor, y: Tensor, drawn: MemoryBatch, criterion: Criterion = functional.cross_entropy) -> Tensor:
        return among_present(logits[: len(y)], y, criterion) + memory_loss(logits[len(y) :], drawn, criterion)


def among_present(logits: Tensor, y: Tensor, criterion: Criterion = functional.cross_entropy) -> Tensor:
    """Mean cross-entropy of logits (n, K) with labels y (n,), over the classes that occur in y.

    Raises UsageError for a criterion to which a class that cannot be counts all the same, as with smoothed labels.
    """
    absent = torch.ones(logits.shape[1], dtype=torch.bool, device=logits.device)
    absent[y] = False
    loss = criterion(logits.masked_fill(absent, float("-inf")), y)
    if not torch.isfinite(loss).all() and torch.isfinite(logits).all():
        raise UsageError(
            "Asymmetric: the strategy's criterion has no finite loss where a class is left out; use a cross-entropy"
            " without smoothing, with weights if you like"
        )
    return loss
