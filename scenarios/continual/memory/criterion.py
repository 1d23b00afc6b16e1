"""The strategy's own loss of the parts of a joined minibatch, and of each image."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from scenarios.continual.memory.exemplars import MemoryBatch

# The loss, one number, of logits (n, K) with labels y (n,).
Criterion = Callable[[Tensor, Tensor], Tensor]


class JoinedLoss:
    """Stands in for `strategy.criterion` for one joined minibatch: the loss is what `rule` makes of
    the strategy's own.

    rule: given logits (n + m, K), the labels y (n,) of the stream, what was drawn, and the
    strategy's own loss as a function of (logits, y), to be called with this y or that of the
    memory. used: whether the strategy has asked for its loss.
    """

    def __init__(
        self, strategy: Any, stream: int, drawn: MemoryBatch, rule: Callable[..., Tensor]
    ) -> None:
        self.strategy, self.stream, self.drawn, self.rule = strategy, stream, drawn, rule
        self.criterion: Callable[[], Tensor] = strategy.criterion
        self.joined, self.used = strategy.mb_output, False
        self.replaced: Any = vars(strategy).get("criterion")
        strategy.criterion = self

    def __call__(self) -> Tensor:
        if self.strategy.mb_output is not self.joined:  # another plugin's images
            return self.criterion()
        self.used = True
        return self.rule(self.joined, self.strategy.mbatch[1][: self.stream], self.drawn, self.own)

    def own(self, logits: Tensor, y: Tensor) -> Tensor:
        """The strategy's loss of the stream's images, or of the memory's where y is theirs."""
        rows = slice(self.stream, None) if y is self.drawn.y else slice(0, self.stream)
        strategy, batch = self.strategy, self.strategy.mbatch
        strategy.mbatch, strategy.mb_output = (
            [batch[0][rows], y, *(part[rows] for part in batch[2:])],
            logits,
        )
        try:
            return self.criterion()
        finally:
            strategy.mbatch, strategy.mb_output = batch, self.joined

    def withdraw(self) -> None:
        """Give the strategy its own loss back."""
        del self.strategy.criterion
        if self.replaced is not None:
            self.strategy.criterion = self.replaced


def sums_over_images(criterion: Criterion, logits: Tensor, y: Tensor) -> bool:
    """Whether the criterion is a sum over images and not their mean: whether each image twice has
    twice the loss.
    """
    with torch.no_grad():
        once, twice = (
            criterion(logits, y),
            criterion(torch.cat([logits, logits]), torch.cat([y, y])),
        )
    return bool((twice - once).abs() > 0.5 * once.abs())


def compute_each_loss(criterion: Criterion, logits: Tensor, y: Tensor) -> Tensor:
    """(n,): the criterion's loss of each image, a class's weight included."""
    if isinstance(criterion, nn.CrossEntropyLoss):
        weight, smoothing = criterion.weight, criterion.label_smoothing
        return functional.cross_entropy(
            logits, y, weight, reduction="none", label_smoothing=smoothing
        )
    return torch.stack(
        [criterion(logits[i : i + 1], y[i : i + 1]).reshape(()) for i in range(len(y))]
    )
