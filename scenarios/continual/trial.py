"""One trial: one strategy on one class order. Avalanche is imported when a trial runs, not before.

From scratch: at each experience a network is trained from its initial weights on the memory alone,
as GDumb does.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from condensers.engine.context import Context, Progress, derive_seed
from condensers.errors import Interrupted
from condensers.networks import build
from condensers.training.classifier import train
from scenarios.continual.accuracy_matrix import AccuracyMatrix
from scenarios.continual.learner_settings import Batches, LearnerSettings
from scenarios.continual.strategies.base import Strategy
from scenarios.protocol import Splits


@dataclass(frozen=True)
class ContinualTrial:
    """parts: the classes of each experience. outputs: the learner's output for each class of the
    data.

    source: a function that gives what a memory is made of and how many images it may hold; None for
    no memory.
    """

    strategy: Strategy
    order: int
    parts: Sequence[tuple[int, ...]]
    outputs: Sequence[int]
    network: Any
    settings: LearnerSettings
    source: Callable[[], tuple[Any, int | None]] | None = None

    def run(self, data: Splits, context: Context) -> dict[str, Any]:
        """R, seconds, images, ledger; kept in the context's folder when done.

        `context` is that of the class order.
        """
        here = context.fork(self.strategy.name)
        with warnings.catch_warnings():
            # About solvers that are not installed, loggers that are not wanted, and what a next
            # version will rename.
            warnings.filterwarnings("ignore", module=r"avalanche|qpsolvers")
            result = here.memo("result", lambda: self._learn(data, context, here))
        if here.folder:
            (here.folder / "state.pt").unlink(missing_ok=True)
        return result

    def _learn(self, data: Splits, context: Context, here: Context) -> dict[str, Any]:
        from scenarios.continual.memory.buffer import CondensedMemory
        from scenarios.continual.stream_run import StreamRun

        memory = None
        if self.source is not None:
            given, size = self.source()
            memory = CondensedMemory(given, size, outputs=self.outputs)

        def fresh() -> nn.Module:
            # The initial weights come from the order alone: the same for every strategy and every
            # subject of the seed.
            initial = context.fork("network").generator
            return build(
                self.network, data.train.shape, max(self.outputs) + 1, initial, context.device
            )

        name = f"continual order {self.order} {self.strategy.name}"
        given_to = (
            self.strategy,
            self.settings,
            self.parts,
            data,
            torch.tensor(self.outputs),
            memory,
            here,
            name,
        )
        result = (
            ScratchRun(*given_to).run(fresh)
            if self.strategy.from_scratch
            else StreamRun(*given_to).run(fresh())
        )
        ledger = (dict(memory.source.ledger) if memory else {}) | result.pop("extra")
        return result | {"ledger": ledger, "bytes": sum(ledger.values())}


@dataclass
class ScratchRun:
    """One strategy on one stream, by `condensers.training.classifier`, which goes on where it
    stopped. Fields as those of `StreamRun`.
    """

    strategy: Any
    settings: LearnerSettings
    parts: Sequence[tuple[int, ...]]
    data: Splits
    outputs: Tensor
    memory: Any
    context: Context
    name: str

    def run(self, fresh: Callable[[], nn.Module]) -> dict[str, Any]:
        """R (T x T, %), seconds, images, and what else was read. fresh: gives the network with its
        initial weights.
        """
        test = self.data.test.to(self.context.device)
        readings = AccuracyMatrix(self.strategy, test, self.outputs, self.parts, self.memory)
        readings.before(fresh())
        costs = {"seconds": 0.0, "images": 0}
        for index, classes in enumerate(self.parts):
            if self.context.must_stop():
                raise Interrupted(
                    f"{self.name}: stopped after {index} of {len(self.parts)} experiences"
                )
            self._fill(index, classes)
            here = self.context.fork(f"experience-{index}")
            found = here.memo("found", lambda here=here: self._train(here, fresh(), readings))  # type: ignore[misc]
            readings.matrix.append(found["row"])
            costs = {name: costs[name] + found[name] for name in costs}
            note = f"{readings.matrix[-1][index]:.3g} %"
            self.context.progress(Progress(self.name, index + 1, len(self.parts), note))
        return readings.as_json() | costs | {"extra": {}}

    def _fill(self, index: int, classes: tuple[int, ...]) -> None:
        """Bring the memory to the end of an experience; one that is made from the stream sees it
        pass.
        """
        if self.settings.online:
            seen, seed = (
                self.data.train.restrict(classes),
                derive_seed(self.context.seed, f"experience-{index}"),
            )
            batches = Batches(seen, seen.labels, self.settings.batch, 1, seed)
            for _ in batches:
                self.memory.observe(*batches.raw())
        self.memory.admit(classes)

    def _train(self, here: Context, network: nn.Module, readings: AccuracyMatrix) -> dict[str, Any]:
        held, training = self.memory.whole(), self.strategy.training(self.settings)
        labels = held.labels if held.targets is None else held.targets
        if held.scores:
            training = replace(training, loss="mse")
        device, name = here.device, f"{self.name} experience {len(readings.matrix)}"
        trained = train(
            network,
            held.images.to(device),
            labels.to(device),
            training,
            self.data.train,
            here,
            name,
        )
        return {"row": readings.row(network), "seconds": trained.seconds, "images": trained.images}
