"""Retrieval of the images that a step on the stream would harm most.

s(x) = L(f'(x), y) - L(f(x), y),  f' after one step theta - lr grad L(f(stream)).  Source: Aljundi
et al., "Online Continual Learning with Maximally Interfered Retrieval" (NeurIPS 2019), section 3.1.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from scenarios.continual.memory.buffer import CondensedMemory
from scenarios.continual.memory.criterion import Criterion, compute_each_loss, soft_losses
from scenarios.continual.memory.exemplars import MemoryBatch
from scenarios.continual.memory.replay import Retrieval, move_batch

CROSS_ENTROPY = nn.CrossEntropyLoss()


@dataclass(frozen=True)
class MostInterfered(Retrieval):
    """The retrieval of MIR for CondensedReplay: of `candidates` images drawn, those whose loss
    would rise most.

    All that are held where these are fewer; no choice is made where they are no more than are
    wanted.
    """

    candidates: int

    def choose(
        self, strategy: Any, memory: CondensedMemory, n: int, generator: torch.Generator
    ) -> MemoryBatch:
        among = min(self.candidates, memory.image_count)
        if among <= n:
            return memory.draw(n, generator)
        drawn = memory.draw(among, generator)
        x, y = strategy.mbatch[0], strategy.mbatch[1]
        lr, criterion = strategy.optimizer.param_groups[0]["lr"], strategy._criterion
        rises = loss_increase(strategy.model, x, y, lr, move_batch(drawn, x), criterion)
        return memory.select(drawn.index[rises.topk(n).indices.cpu()])


def loss_increase(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    lr: float,
    drawn: MemoryBatch,
    criterion: Criterion = CROSS_ENTROPY,
) -> Tensor:
    """(m,): how much the loss of each image drawn rises by one step on x (n, C, H, W), y (n,).

    The network stays as it is.
    """
    weights = dict(network.named_parameters())
    loss = criterion(_logits(network, weights, x), y)
    gradients = torch.autograd.grad(loss, list(weights.values()))
    stepped = {
        name: w.detach() - lr * g for (name, w), g in zip(weights.items(), gradients, strict=True)
    }
    with torch.no_grad():
        before, after = _logits(network, weights, drawn.x), _logits(network, stepped, drawn.x)
        return _losses(after, drawn, criterion) - _losses(before, drawn, criterion)


def _losses(logits: Tensor, drawn: MemoryBatch, criterion: Criterion) -> Tensor:
    if drawn.targets is not None:
        return soft_losses(logits, drawn.targets, drawn.scores)
    return compute_each_loss(criterion, logits, drawn.y)


def _logits(network: nn.Module, weights: dict[str, Any], x: Tensor) -> Tensor:
    """Logits with other weights; running statistics are moved in a copy."""
    buffers = {name: buffer.clone() for name, buffer in network.named_buffers()}
    logits: Tensor = functional_call(network, {**weights, **buffers}, (x,))
    return logits
