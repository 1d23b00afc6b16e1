"""CondensedReplay: minibatches of a stream joined by images of a memory, in any Avalanche strategy,
soft labels included.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import torch
from avalanche.core import SupervisedPlugin
from avalanche.training.losses import ICaRLLossPlugin
from torch import Tensor, nn
from torch.nn import functional

from condensers.errors import UsageError
from scenarios.continual.memory.buffer import CondensedMemory
from scenarios.continual.memory.criterion import Criterion, JoinedLoss, sums_over_images
from scenarios.continual.memory.exemplars import Exemplars, MemoryBatch
from scenarios.continual.memory.other_memories import require_no_buffer


class MemoryLoss(Protocol):
    """What is descended on a joined minibatch. Its state is what it keeps of the memory, such as
    logits.

    extra_bytes, where there is one: how much that is, by name, as {"logits": 4000}.
    """

    def loss(self, logits: Tensor, y: Tensor, drawn: MemoryBatch, criterion: Criterion) -> Tensor:
        """logits (n + m, K) of n images of the stream and m of the memory; y (n,) labels of the
        former.

        criterion: the strategy's own loss of a part, given its logits and y or `drawn.y`.
        """
        ...

    def learned(self, network: nn.Module, memory: CondensedMemory) -> None:
        """Called whenever the memory has changed: after an experience, and where a memory is made
        from the passing stream.
        """
        ...

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: dict[str, Any]) -> None: ...


class Retrieval(Protocol):
    """Which images of the memory join a minibatch."""

    def choose(
        self, strategy: Any, memory: CondensedMemory, n: int, generator: torch.Generator
    ) -> MemoryBatch: ...


class MeanLoss:
    """The mean loss over all images of the minibatch, as in Avalanche's replay, or their sum;
    nothing is kept.
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

    def learned(self, network: nn.Module, memory: CondensedMemory) -> None:
        return None

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        return None


class UniformRetrieval:
    """Images drawn uniformly, all of them before one comes twice."""

    def choose(
        self, strategy: Any, memory: CondensedMemory, n: int, generator: torch.Generator
    ) -> MemoryBatch:
        return memory.batch(n, generator)


class CondensedReplay(SupervisedPlugin):
    """Joins each minibatch of the stream with `batch_size_mem` images of the memory, once that
    holds any.

    A smaller memory is drawn over and over, so every memory weighs the same in the loss. The loss
    is the strategy's own, of the joined minibatch, whose labels are whole numbers. Only where the
    memory has soft labels is the loss of its images that of these: cross-entropy for probabilities,
    half the squared distance for scores; the stream's part stays the strategy's own. What other
    plugins add to the loss stays, before this one in the list or after it. Refuses, with
    UsageError, a strategy that has a memory of its own, and one that computes its loss in a way
    that leaves no place for soft labels or a rule. rule: what the loss is made of in place of all
    that. generator: what draws; without one, torch's global generator gives a seed.

    >>> # Naive(model=..., optimizer=...,
    plugins=[CondensedReplay(CondensedMemory("set.safetensors"), 64)])
    """

    def __init__(
        self,
        memory: CondensedMemory,
        batch_size_mem: int,
        rule: MemoryLoss | None = None,
        retrieval: Retrieval | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.memory, self.size = memory, batch_size_mem
        self.rule, self.retrieval = rule, retrieval or UniformRetrieval()
        self.generator = generator or torch.Generator().manual_seed(int(torch.randint(2**62, (1,))))
        self.stream, self.drawn = 0, None  # type: int, MemoryBatch | None
        self.known: Exemplars | None = None
        self.own: JoinedLoss | None = None

    @property
    def extra_bytes(self) -> dict[str, int]:
        """What the rule keeps beside the memory."""
        return dict(getattr(self.rule, "extra_bytes", {}))

    def before_training(self, strategy: Any, **_: Any) -> None:
        """Refuse, with UsageError, a strategy with a memory of its own, and a second one of these
        plugins.
        """
        require_no_buffer(strategy)
        if sum(isinstance(plugin, CondensedReplay) for plugin in strategy.plugins) > 1:
            raise UsageError(
                "CondensedReplay: stands twice among the plugins; give one, with one memory"
            )

    def before_training_exp(self, strategy: Any, **_: Any) -> None:
        """Refuse, with UsageError, a stream that does not fit the memory, before anything is
        learned of it.
        """
        self.memory.require_fit(strategy.experience)

    def before_training_iteration(self, strategy: Any, **_: Any) -> None:
        """Join the minibatch: the stream's images stand first."""
        batch = strategy.mbatch
        self.stream, self.drawn = len(batch[0]), None
        if not self.memory.held:
            return
        self._tell(strategy.model)
        drawn = self.retrieval.choose(strategy, self.memory, self.size, self.generator)
        self.drawn = move_batch(drawn, batch[0])
        parts = (self.drawn.x, self.drawn.y, self.drawn.tasks)
        strategy.mbatch = [
            torch.cat([mine, theirs.to(mine.dtype)])
            for mine, theirs in zip(batch, parts, strict=False)
        ]

    def after_forward(self, strategy: Any, **_: Any) -> None:
        """Stand in for the strategy's loss, where it is not that of the joined minibatch as a
        whole.
        """
        if self.drawn is not None and (self.rule is not None or self.drawn.targets is not None):
            if isinstance(strategy._criterion, ICaRLLossPlugin):
                raise UsageError(
                    "CondensedReplay: iCaRL's loss is that of a whole minibatch, so soft labels or"
                    " a rule have no place in it; use a set with hard labels and no rule"
                )
            rule = self.rule or MeanLoss()
            self.own = JoinedLoss(strategy, self.stream, self.drawn, rule.loss)

    def before_backward(self, strategy: Any, **_: Any) -> None:
        """Give the strategy its loss back."""
        if self.own is not None:
            self.own.withdraw()

    def after_training_iteration(self, strategy: Any, **_: Any) -> None:
        """Refuse, with UsageError, a strategy that did not ask for its loss."""
        own, self.own, self.drawn = self.own, None, None
        if own is not None and not own.used:
            raise UsageError(
                f"CondensedReplay: {type(strategy).__name__} does not compute its loss by its"
                " criterion, so the memory's soft labels or the rule given have no part in it; use"
                " another strategy, or a set with hard labels and no rule"
            )

    def after_training_exp(self, strategy: Any, **_: Any) -> None:
        """Take in the classes of the experience."""
        self._tell(strategy.model)
        self.memory.update(strategy)
        self._tell(strategy.model)

    def _tell(self, network: nn.Module) -> None:
        """Tell the rule of each change of the memory, one by one, for `memory.unchanged` speaks of
        the last alone.
        """
        if self.memory.held and self.memory.whole() is not self.known:
            if self.rule is not None:
                self.rule.learned(network, self.memory)
            self.known = self.memory.whole()

    def state_dict(self) -> dict[str, Any]:
        told = self.memory.held > 0 and self.memory.whole() is self.known
        return {"rule": {} if self.rule is None else self.rule.state_dict(), "told": told}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Give the memory its state first."""
        if self.rule is not None:
            self.rule.load_state_dict(state["rule"])
        self.known = self.memory.whole() if state["told"] else None


def soft_losses(logits: Tensor, targets: Tensor, scores: bool) -> Tensor:
    """(m,): the loss of each of the logits (m, K) on soft labels (m, L); outputs that one of the
    two lacks do not count.
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
    """The loss of logits (m, K) on the labels that the memory has: the criterion's for hard ones,
    the mean for soft ones.
    """
    if drawn.targets is None:
        return criterion(logits, drawn.y)
    return soft_losses(logits, drawn.targets, drawn.scores).mean()


def move_batch(drawn: MemoryBatch, like: Tensor) -> MemoryBatch:
    """The batch where `like` is, its images of that dtype."""
    targets = None if drawn.targets is None else drawn.targets.to(like.device)
    x, y, tasks = drawn.x.to(like), drawn.y.to(like.device), drawn.tasks.to(like.device)
    return MemoryBatch(x, y, targets, drawn.scores, tasks, drawn.index)
