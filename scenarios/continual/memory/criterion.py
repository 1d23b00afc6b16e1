"""Losses of a joined minibatch: the strategy's own on its parts, soft labels, and `MemoryLoss`."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from scenarios.continual.memory.exemplars import MemoryBatch

if TYPE_CHECKING:
    from scenarios.continual.memory.buffer import CondensedMemory

# The loss, one number, of logits (n, K) with labels y (n,).
Criterion = Callable[[Tensor, Tensor], Tensor]


class MemoryLoss(ABC):
    """Base class of the loss of a joined minibatch.

    A loss that keeps something of the memory, such as logits, overrides `update`, `extra_bytes`,
    `state_dict` and `load_state_dict`.
    """

    @property
    def extra_bytes(self) -> dict[str, int]:
        """The bytes kept beside the memory, by name, such as {"logits": 4000}."""
        return {}

    @abstractmethod
    def loss(self, logits: Tensor, y: Tensor, drawn: MemoryBatch, criterion: Criterion) -> Tensor:
        """Compute the loss, one number.

        Args:
            logits: (n + m, K), of n images of the stream, then of m exemplars.
            y: (n,) int64, the stream's labels.
            drawn: The exemplars.
            criterion: The strategy's own loss of a part, given its logits and `y` or `drawn.y`.
        """

    def update(self, network: nn.Module, memory: "CondensedMemory") -> None:  # noqa: B027
        """Note a change of the memory, after an experience or within an online stream."""

    def state_dict(self) -> dict[str, Any]:
        """Return what is kept of the memory, for a checkpoint."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:  # noqa: B027
        """Load what `state_dict` returned."""


class MeanLoss(MemoryLoss):
    """The mean loss over all images of the minibatch, as in Avalanche's replay, or their sum.

    The sum is taken if the strategy's criterion is one.
    """

    def loss(
        self,
        logits: Tensor,
        y: Tensor,
        drawn: MemoryBatch,
        criterion: Criterion = functional.cross_entropy,
    ) -> Tensor:
        n, m = len(y), len(drawn.y)
        stream, memory = criterion(logits[:n], y), memory_loss(logits[n:], drawn, criterion)
        if drawn.targets is not None and sums_over_images(criterion, logits[:n], y):
            return stream + m * memory
        return (n * stream + m * memory) / (n + m)


class JoinedLoss:
    """Stand in for `strategy.criterion` during one joined minibatch.

    Attributes:
        used: Whether the strategy has asked for its loss.
    """

    def __init__(self, strategy: Any, stream: int, drawn: MemoryBatch, loss: MemoryLoss) -> None:
        self.strategy, self.stream, self.drawn, self.loss = strategy, stream, drawn, loss
        self.criterion: Callable[[], Tensor] = strategy.criterion
        self.joined, self.used = strategy.mb_output, False
        self.replaced: Any = vars(strategy).get("criterion")
        strategy.criterion = self

    def __call__(self) -> Tensor:
        if self.strategy.mb_output is not self.joined:  # another plugin's images
            return self.criterion()
        self.used = True
        y = self.strategy.mbatch[1][: self.stream]
        return self.loss.loss(self.joined, y, self.drawn, self.compute_part)

    def compute_part(self, logits: Tensor, y: Tensor) -> Tensor:
        """Compute the strategy's loss of the stream's images, or of exemplars if y is theirs."""
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
    """Return whether the criterion is a sum over images, so that doubling them doubles it."""
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


def soft_losses(logits: Tensor, targets: Tensor, scores: bool) -> Tensor:
    """Compute the loss (m,) of logits (m, K) on soft labels (m, L).

    Outputs that one of the two lacks do not count. scores: regress on the labels.
    """
    width = min(logits.shape[1], targets.shape[1])
    if scores:
        return 0.5 * (logits[:, :width] - targets[:, :width]).square().sum(1)
    if targets.shape[1] > width:
        targets = targets[:, :width] / targets[:, :width].sum(1, keepdim=True).clamp_min(1e-12)
    targets = functional.pad(targets, (0, logits.shape[1] - width))
    return functional.cross_entropy(logits, targets, reduction="none")


def memory_loss(
    logits: Tensor, drawn: MemoryBatch, criterion: Criterion = functional.cross_entropy
) -> Tensor:
    """Compute the mean loss of logits (m, K) on the labels of the exemplars."""
    if drawn.targets is None:
        return criterion(logits, drawn.y)
    return soft_losses(logits, drawn.targets, drawn.scores).mean()
