"""CondensedReplay: joins minibatches of a stream with exemplars, in any Avalanche strategy."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from avalanche.core import SupervisedPlugin
from avalanche.training import plugins, supervised
from avalanche.training.losses import ICaRLLossPlugin
from avalanche.training.storage_policy import ExemplarsBuffer
from avalanche.training.supervised.icarl import _ICaRLPlugin
from torch import Tensor, nn

from condensers.engine.devices import send, send_all
from condensers.errors import UsageError
from scenarios.continual.memory.buffer import CondensedMemory
from scenarios.continual.memory.criterion import JoinedLoss, MeanLoss, MemoryLoss
from scenarios.continual.memory.exemplars import Exemplars, MemoryBatch
from scenarios.continual.strategies.base import ResumablePlugin


class Retrieval(ABC):
    """Base class of what chooses the exemplars that join a minibatch."""

    @abstractmethod
    def choose(
        self, strategy: Any, memory: CondensedMemory, n: int, generator: torch.Generator
    ) -> MemoryBatch:
        """Choose exemplars.

        Args:
            strategy: The Avalanche strategy, its minibatch still the stream's alone.
            memory: What is chosen from; it holds an image at least.
            n: How many images.
            generator: What draws.
        """


class UniformRetrieval(Retrieval):
    """Uniform draws; all images come before one comes twice."""

    def choose(
        self, strategy: Any, memory: CondensedMemory, n: int, generator: torch.Generator
    ) -> MemoryBatch:
        return memory.draw(n, generator)


class CondensedReplay(SupervisedPlugin, ResumablePlugin):  # type: ignore[misc]
    """Join each minibatch of the stream with exemplars, in any Avalanche strategy.

    The plugin does nothing until the memory holds an image. A small memory is drawn over and over,
    so that every memory weighs the same in the loss. The loss of the joined minibatch is the
    strategy's own if labels are whole numbers. If the memory has soft labels, the loss of its
    images is cross-entropy for probabilities, or half the squared distance for scores; the
    stream's part stays the strategy's own. What other plugins add to the loss stays.

    Args:
        memory: What is replayed.
        batch_size_mem: How many exemplars join each minibatch.
        loss: What replaces the loss of the joined minibatch, such as a loss that keeps logits.
        retrieval: What chooses the exemplars; uniform draws by default.
        generator: What draws. By default torch's global generator gives a seed.

    Raises:
        UsageError: In training: the strategy has a memory of its own, or computes its loss in a
            way that leaves no place for soft labels or `loss`.

    Examples:
        >>> from avalanche.models import SimpleMLP
        >>> from avalanche.training.supervised import Naive
        >>> from torch.optim import SGD
        >>> from condensers.engine.context import Context
        >>> from condensers.registry.registry import create_condenser
        >>> from condensers.sets.synthetic_set import Budget
        >>> from scenarios import CondensedMemory, CondensedReplay, load_dataset
        >>> train = load_dataset("digits").train
        >>> condensed = create_condenser("random").condense(train, Budget(ipc=2), Context())
        >>> replay = CondensedReplay(CondensedMemory(condensed), batch_size_mem=64)
        >>> network = SimpleMLP(input_size=64, num_classes=10)
        >>> strategy = Naive(
        ...     model=network, optimizer=SGD(network.parameters(), 0.01), plugins=[replay]
        ... )  # then: for experience in benchmark.train_stream: strategy.train(experience)
    """

    def __init__(
        self,
        memory: CondensedMemory,
        batch_size_mem: int,
        loss: MemoryLoss | None = None,
        retrieval: Retrieval | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.memory, self.size = memory, batch_size_mem
        self.loss, self.retrieval = loss, retrieval or UniformRetrieval()
        self.generator = generator or torch.Generator().manual_seed(int(torch.randint(2**62, (1,))))
        self.stream, self.drawn = 0, None  # type: int, MemoryBatch | None
        self.known: Exemplars | None = None
        self.joined_loss: JoinedLoss | None = None

    @property
    def extra_bytes(self) -> dict[str, int]:
        """The bytes that the loss keeps beside the memory."""
        return {} if self.loss is None else self.loss.extra_bytes

    def before_training(self, strategy: Any, **_: Any) -> None:
        """Refuse a strategy with a memory of its own, and a second plugin of this class."""
        require_no_buffer(strategy)
        if sum(isinstance(plugin, CondensedReplay) for plugin in strategy.plugins) > 1:
            raise UsageError(
                "CondensedReplay: stands twice among the plugins; give one, with one memory"
            )

    def before_training_exp(self, strategy: Any, **_: Any) -> None:
        """Refuse a stream that does not fit the memory, before it is learned."""
        self.memory.require_fit(strategy.experience)

    def before_training_iteration(self, strategy: Any, **_: Any) -> None:
        """Join the minibatch; the images of the stream come first."""
        batch = strategy.mbatch
        self.stream, self.drawn = len(batch[0]), None
        if not self.memory.image_count:
            return
        self._notify_loss(strategy.model)
        drawn = self.retrieval.choose(strategy, self.memory, self.size, self.generator)
        self.drawn = move_batch(drawn, batch[0])
        parts = (self.drawn.x, self.drawn.y, self.drawn.tasks)
        strategy.mbatch = [
            torch.cat([mine, theirs.to(mine.dtype)])
            for mine, theirs in zip(batch, parts, strict=False)
        ]

    def after_forward(self, strategy: Any, **_: Any) -> None:
        """Replace the strategy's loss if it is not that of the whole joined minibatch."""
        if self.drawn is not None and (self.loss is not None or self.drawn.targets is not None):
            if isinstance(strategy._criterion, ICaRLLossPlugin):
                raise UsageError(
                    "CondensedReplay: iCaRL's loss is that of a whole minibatch, so soft labels"
                    " and `loss` have no place in it; use a set with hard labels and no `loss`"
                )
            loss = self.loss or MeanLoss()
            self.joined_loss = JoinedLoss(strategy, self.stream, self.drawn, loss)

    def before_backward(self, strategy: Any, **_: Any) -> None:
        """Give the strategy its loss back."""
        if self.joined_loss is not None:
            self.joined_loss.withdraw()

    def after_training_iteration(self, strategy: Any, **_: Any) -> None:
        """Refuse a strategy that did not compute its loss by its criterion."""
        joined_loss, self.joined_loss, self.drawn = self.joined_loss, None, None
        if joined_loss is not None and not joined_loss.used:
            raise UsageError(
                f"CondensedReplay: {type(strategy).__name__} does not compute its loss by its"
                " criterion, so the memory's soft labels or the rule given have no part in it; use"
                " another strategy, or a set with hard labels and no `loss`"
            )

    def after_training_exp(self, strategy: Any, **_: Any) -> None:
        """Take in the classes of the experience."""
        self._notify_loss(strategy.model)
        self.memory.update(strategy)
        self._notify_loss(strategy.model)

    def _notify_loss(self, network: nn.Module) -> None:
        """Tell the loss of each change, one by one: `unchanged_count` is that of the last alone."""
        if self.memory.image_count and self.memory.exemplars() is not self.known:
            if self.loss is not None:
                self.loss.update(network, self.memory)
            self.known = self.memory.exemplars()

    def state_dict(self) -> dict[str, Any]:
        notified = self.memory.image_count > 0 and self.memory.exemplars() is self.known
        return {"rule": {} if self.loss is None else self.loss.state_dict(), "told": notified}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Load a state, after that of the memory."""
        if self.loss is not None:
            self.loss.load_state_dict(state["rule"])
        self.known = self.memory.exemplars() if state["told"] else None


def move_batch(drawn: MemoryBatch, like: Tensor) -> MemoryBatch:
    """Move a batch to the device of `like`, and its images to its dtype."""
    targets = None if drawn.targets is None else send(drawn.targets, like.device)
    x = send(drawn.x, like.device).to(like.dtype)
    y, tasks = send_all([drawn.y, drawn.tasks], like.device)
    return MemoryBatch(x, y, targets, drawn.scores, tasks, drawn.index)


# Those whose memory is no ExemplarsBuffer among their fields, or that would replay the condensed
# one a second time.
KEEPERS = (
    supervised.AR1,
    supervised.MER,
    supervised.SCR,
    _ICaRLPlugin,
    plugins.AGEMPlugin,
    plugins.GEMPlugin,
    plugins.GDumbPlugin,
    plugins.GSS_greedyPlugin,
    plugins.GenerativeReplayPlugin,
    plugins.ReplayPlugin,
)


def require_no_buffer(strategy: Any) -> None:
    """Refuse a strategy that has a memory, itself or by a plugin: it would be measured too."""
    for part in (strategy, *strategy.plugins):
        buffers = [name for name, value in vars(part).items() if _is_buffer(value)]
        if buffers or isinstance(part, KEEPERS):
            name = type(strategy).__name__
            by = "" if part is strategy else f" by {type(part).__name__.lstrip('_')}"
            raise UsageError(
                f"CondensedReplay: {name} replays a memory of its own{by}, beside which the"
                " condensed one cannot stand; use Naive or another strategy without a memory"
            )


def _is_buffer(value: object) -> bool:
    return isinstance(value, ExemplarsBuffer) and not isinstance(value, CondensedMemory)
