"""One trial: one strategy on one class order. Avalanche is imported when a trial runs, not before."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from condensers.engine.context import Context
from condensers.networks import build
from scenarios.continual.settings import Settings
from scenarios.continual.strategies.base import Strategy
from scenarios.protocol import Splits


@dataclass(frozen=True)
class Trial:
    """parts: the classes of each experience. outputs: the learner's output for each class of the data.

    source: a function that gives what a memory is made of and how many images it may hold; None for no memory.
    """

    strategy: Strategy
    order: int
    parts: Sequence[tuple[int, ...]]
    outputs: Sequence[int]
    network: Any
    settings: Settings
    source: Callable[[], tuple[Any, int | None]] | None = None

    def run(self, data: Splits, context: Context) -> dict[str, Any]:
        """R, seconds, images, ledger; kept in the context's folder when done. `context` is that of the class order."""
        here = context.fork(self.strategy.name)
        with warnings.catch_warnings():
            # About solvers that are not installed, loggers that are not wanted, and what a next version will rename.
            warnings.filterwarnings("ignore", module=r"avalanche|qpsolvers")
            result = here.memo("result", lambda: self._learn(data, context, here))
        if here.folder:
            (here.folder / "state.pt").unlink(missing_ok=True)
        return result

    def _learn(self, data: Splits, context: Context, here: Context) -> dict[str, Any]:
        from scenarios.continual.course import Course
        from scenarios.continual.memory import CondensedMemory
        from scenarios.continual.scratch import Scratch

        memory = None
        if self.source is not None:
            given, size = self.source()
            memory = CondensedMemory(given, size, outputs=self.outputs)

        def fresh() -> nn.Module:
            # The initial weights come from the order alone: the same for every strategy and every subject of the seed.
            initial = context.fork("network").generator
            return build(self.network, data.train.shape, max(self.outputs) + 1, initial, context.device)

        name = f"continual order {self.order} {self.strategy.name}"
        given_to = (self.strategy, self.settings, self.parts, data, torch.tensor(self.outputs), memory, here, name)
        result = Scratch(*given_to).run(fresh) if self.strategy.from_scratch else Course(*given_to).run(fresh())
        ledger = (dict(memory.source.ledger) if memory else {}) | result.pop("extra")
        return result | {"ledger": ledger, "bytes": sum(ledger.values())}
