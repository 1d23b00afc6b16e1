"""Asymmetric cross-entropy: the stream competes among its own classes alone, the memory among all.

L = CE(f(x)[C], y) + L_memory,  C the classes of the stream's images in the minibatch.  Source:
Caccia et al., "New Insights on Reducing Abrupt Representation Change in Online Continual Learning"
(ICLR 2022), equation 3.

Logits kept beside the memory, to which the network is held.

L = CE(f(x), y) + alpha MSE(f(x_m), z_m) [+ beta L_memory],  z the logits of the network when the
classes came in. Source: Buzzega et al., "Dark Experience for General Continual Learning" (NeurIPS
2020), equations 5 and 6.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from condensers.engine.devices import send
from condensers.errors import UsageError
from scenarios.continual.memory.buffer import CondensedMemory
from scenarios.continual.memory.criterion import Criterion, MemoryLoss, memory_loss
from scenarios.continual.memory.exemplars import MemoryBatch


class AsymmetricLoss(MemoryLoss):
    """The rule of ER-ACE for CondensedReplay; nothing is kept.

    The strategy's criterion must be a cross-entropy.
    """

    def loss(
        self,
        logits: Tensor,
        y: Tensor,
        drawn: MemoryBatch,
        criterion: Criterion = functional.cross_entropy,
    ) -> Tensor:
        return present_class_loss(logits[: len(y)], y, criterion) + memory_loss(
            logits[len(y) :], drawn, criterion
        )


def present_class_loss(
    logits: Tensor, y: Tensor, criterion: Criterion = functional.cross_entropy
) -> Tensor:
    """Mean cross-entropy of logits (n, K) with labels y (n,), over the classes that occur in y.

    Raises UsageError for a criterion to which a class that cannot be counts all the same, as with
    smoothed labels.
    """
    absent = torch.ones(logits.shape[1], dtype=torch.bool, device=logits.device)
    absent[y] = False
    loss = criterion(logits.masked_fill(absent, float("-inf")), y)
    if not torch.isfinite(loss).all() and torch.isfinite(logits).all():
        raise UsageError(
            "Asymmetric: the strategy's criterion has no finite loss where a class is left out; use"
            " a cross-entropy without smoothing, with weights if you like"
        )
    return loss


class StoredLogitsLoss(MemoryLoss):
    """The rule of DER (beta 0) and DER++ for CondensedReplay. logits: (images in memory, K), or
    None before there are any.
    """

    def __init__(self, alpha: float, beta: float = 0.0) -> None:
        self.alpha, self.beta = alpha, beta
        self.logits: Tensor | None = None

    @property
    def extra_bytes(self) -> dict[str, int]:
        return (
            {}
            if self.logits is None
            else {"logits": self.logits.numel() * self.logits.element_size()}
        )

    def loss(
        self,
        logits: Tensor,
        y: Tensor,
        drawn: MemoryBatch,
        criterion: Criterion = functional.cross_entropy,
    ) -> Tensor:
        stream, memory = logits[: len(y)], logits[len(y) :]
        assert self.logits is not None
        kept = self.logits[send(drawn.index, self.logits.device)].to(memory)
        loss = criterion(stream, y) + self.alpha * functional.mse_loss(memory, kept)
        return loss + self.beta * memory_loss(memory, drawn, criterion) if self.beta else loss

    def update(self, network: nn.Module, memory: CondensedMemory) -> None:
        """Keep the logits of the images that are new; those that stand where they stood keep
        theirs.
        """
        same = memory.unchanged_count if self.logits is not None else 0
        kept = [] if self.logits is None else [self.logits[:same]]
        new = (
            [compute_logits(network, memory.exemplars().images[same:])]
            if same < memory.image_count
            else []
        )
        self.logits = torch.cat([*kept, *new])

    def state_dict(self) -> dict[str, Any]:
        return {"logits": self.logits}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.logits = state["logits"]


@torch.no_grad()
def compute_logits(network: nn.Module, images: Tensor, batch: int = 256) -> Tensor:
    """(n, K) of images (n, C, H, W) in evaluation mode, where the network is; the network's mode is
    left as it was.
    """
    training, where = network.training, next(network.parameters())
    network.eval()
    found = torch.cat([network(part.to(where)) for part in torch.split(images, batch)])
    network.train(training)
    return found
