"""CondensedReplay: minibatches of a stream joined by images of a memory, in any Avalanche strategy, soft labels included."""

from collections.abc import Mapping
from typing import Any, Protocol

import torch
from avalanche.core import SupervisedPlugin
from torch import Tensor, nn
from torch.nn import functional

from scenarios.continual.memory import CondensedMemory
from scenarios.continual.pieces import MemoryBatch, Piece


class Rule(Protocol):
    """What is descended on a joined minibatch. Its state is what it keeps of the memory, such as logits.

    extra_bytes, where there is one: how much that is, by name, as {"logits": 4000}.
    """

    def loss(self, logits: Tensor, y: Tensor, drawn: MemoryBatch) -> Tensor:
        """logits (n + m, K) of n images of the stream and m of the memory; y (n,) labels of the former."""
        ...

    def learned(self, network: nn.Module, memory: CondensedMemory) -> None:
        """Called whenever the memory has changed: after an experience, and where a memory is made from the passing stream."""
        ...

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: dict[str, Any]) -> None: ...


class Retrieval(Protocol):
    """Which images of the memory join a minibatch."""

    def choose(self, strategy: Any, memory: CondensedMemory, n: int, generator: torch.Generator) -> MemoryBatch: ...


class Joint:
    """The mean loss over all images of the minibatch, as in Avalanche's replay; nothing is kept."""

    def loss(self, logits: Tensor, y: Tensor, drawn: MemoryBatch) -> Tensor:
        n, m = len(y), len(drawn.y)
        return (n * functional.cross_entropy(logits[:n], y) + m * memory_loss(logits[n:], drawn)) / (n + m)

    def learned(self, network: nn.Module, memory: CondensedMemory) -> None:
        return None

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        return None


class Uniform:
    """Images drawn uniformly, all of them before one comes twice."""

    def choose(self, strategy: Any, memory: CondensedMemory, n: int, generator: torch.Generator) -> MemoryBatch:
        return memory.batch(n, generator)


class CondensedReplay(SupervisedPlugin):
    """Joins each minibatch of the stream with `batch_size_mem` images of the memory, once that holds any.

    A smaller memory is drawn over and over, so every memory weighs the same in the loss. The labels in the minibatch stay whole
    numbers; the loss of the memory's images is that of its soft labels where it has them (cross-entropy for probabilities,
    half the squared distance for scores), and is computed here: give this plugin before others that add to the loss.
    generator: what draws; without one, torch's global generator gives a seed.

    >>> # Naive(model=..., optimizer=..., plugins=[CondensedReplay(CondensedMemory("set.safetensors"), 64)])
    """

    def __init__(
        self,
        memory: CondensedMemory,
        batch_size_mem: int,
        rule: Rule | None = None,
        retrieval: Retrieval | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.memory, self.size = memory, batch_size_mem
        self.rule, self.retrieval = rule or Joint(), retrieval or Uniform()
        self.generator = generator or torch.Generator().manual_seed(int(torch.randint(2**62, (1,))))
        self.stream, self.drawn = 0, None  # type: int, MemoryBatch | None
        self.known: Piece | None = None

    @property
    def extra_bytes(self) -> dict[str, int]:
        """What the rule keeps beside the memory."""
        return dict(getattr(self.rule, "extra_bytes", {}))

    def before_training_exp(self, strategy: Any, **_: Any) -> None:
        """Refuse, with UsageError, a stream that does not fit the memory, before anything is learned of it."""
        self.memory.require_fit(strategy.experience)

    def before_training_iteration(self, strategy: Any, **_: Any) -> None:
        """Join the minibatch: the stream's images stand first."""
        batch = strategy.mbatch
        self.stream, self.drawn = len(batch[0]), None
        if not self.memory.held:
            return
        self._tell(strategy.model)
        drawn = self.retrieval.choose(strategy, self.memory, self.size, self.generator)
        self.drawn = on_device(drawn, batch[0])
        parts = (self.drawn.x, self.drawn.y, self.drawn.tasks)
        strategy.mbatch = [torch.cat([mine, theirs.to(mine.dtype)]) for mine, theirs in zip(batch, parts, strict=False)]

    def before_backward(self, strategy: Any, **_: Any) -> None:
        """Set the loss of the joined minibatch."""
        if self.drawn is not None:
            strategy.loss = self.rule.loss(strategy.mb_output, strategy.mbatch[1][: self.stream], self.drawn)

    def after_training_exp(self, strategy: Any, **_: Any) -> None:
        """Take in the classes of the experience."""
        self._tell(strategy.model)
        self.memory.update(strategy)
        self._tell(strategy.model)

    def _tell(self, network: nn.Module) -> None:
        """Tell the rule of each change of the memory, one by one, for `memory.unchanged` speaks of the last alone."""
        if self.memory.held and self.memory.whole() is not self.known:
            self.rule.learned(network, self.memory)
            self.known = self.memory.whole()

    def state_dict(self) -> dict[str, Any]:
        told = self.memory.held > 0 and self.memory.whole() is self.known
        return {"rule": self.rule.state_dict(), "told": told}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Give the memory its state first."""
        self.rule.load_state_dict(state["rule"])
        self.known = self.memory.whole() if state["told"] else None


def memory_losses(logits: Tensor, drawn: MemoryBatch) -> Tensor:
    """(m,): the loss of each of the logits (m, K) on the labels that the memory has."""
    if drawn.targets is not None and drawn.scores:
        return 0.5 * (logits - drawn.targets).square().sum(1)
    return functional.cross_entropy(logits, drawn.y if drawn.targets is None else drawn.targets, reduction="none")


def memory_loss(logits: Tensor, drawn: MemoryBatch) -> Tensor:
    """The mean of `memory_losses`."""
    return memory_losses(logits, drawn).mean()


def on_device(drawn: MemoryBatch, like: Tensor) -> MemoryBatch:
    """The batch where `like` is, its images of that dtype."""
    targets = None if drawn.targets is None else drawn.targets.to(like.device)
    x, y, tasks = drawn.x.to(like), drawn.y.to(like.device), drawn.tasks.to(like.device)
    return MemoryBatch(x, y, targets, drawn.scores, tasks, drawn.index)
