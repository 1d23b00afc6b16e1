"""One trial: one strategy on one class order. Avalanche is imported only when a trial runs."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from condensers.engine.context import Context, Progress, derive_seed
from condensers.errors import Interrupted, UsageError
from condensers.networks import build
from condensers.training.classifier import train
from scenarios.continual.accuracy_matrix import AccuracyMatrix
from scenarios.continual.learner_settings import Batches, LearnerSettings
from scenarios.continual.memory.exemplars import SourceLike
from scenarios.continual.strategies.base import Strategy
from scenarios.protocol import Splits

if TYPE_CHECKING:
    from scenarios.continual.memory.buffer import CondensedMemory


@dataclass(frozen=True)
class ContinualTrial:
    """One strategy on one class order.

    Attributes:
        strategy: How the learner uses stream and memory.
        order: The number of the class order.
        parts: The classes of each experience.
        outputs: The learner's output for each class of the data.
        network: The spec of the learner's network.
        settings: How it is trained.
        source: Gives the memory's source, and how many images it may hold; None for no memory.
    """

    strategy: Strategy
    order: int
    parts: Sequence[tuple[int, ...]]
    outputs: Sequence[int]
    network: Any
    settings: LearnerSettings
    source: Callable[[], tuple[SourceLike, int | None]] | None = None

    def run(self, data: Splits, context: Context) -> dict[str, Any]:
        """R, seconds, images, ledger; kept in the context's folder when done.

        `context` is that of the class order.
        """
        own = context.fork(self.strategy.name)
        with warnings.catch_warnings():
            # About solvers that are not installed, loggers that are not wanted, and what a next
            # version will rename.
            warnings.filterwarnings("ignore", module=r"avalanche|qpsolvers")
            result = own.memo("result", lambda: self._learn(data, context, own))
        if own.folder:
            (own.folder / "state.pt").unlink(missing_ok=True)
        return result

    def _learn(self, data: Splits, context: Context, own: Context) -> dict[str, Any]:
        from scenarios.continual.memory.buffer import CondensedMemory
        from scenarios.continual.stream_run import StreamRun

        memory = None
        if self.source is not None:
            given, size = self.source()
            memory = CondensedMemory(given, size, outputs=self.outputs)

        def build_initial() -> nn.Module:
            # The initial weights come from the order alone: the same for every strategy and every
            # subject of the seed.
            initial = context.fork("network").generator
            return build(
                self.network, data.train.shape, max(self.outputs) + 1, initial, context.device
            )

        name = f"continual order {self.order} {self.strategy.name}"
        outputs = torch.tensor(self.outputs)
        shared = (self.strategy, self.settings, self.parts, data, outputs)
        if self.strategy.from_scratch:
            if memory is None:
                raise UsageError(f"continual: {self.strategy.name} needs a memory to train on")
            result = ScratchRun(*shared, memory, own, name).run(build_initial)
        else:
            result = StreamRun(*shared, memory, own, name).run(build_initial())
        ledger = (dict(memory.source.ledger) if memory else {}) | result.pop("extra")
        return result | {"ledger": ledger, "bytes": sum(ledger.values())}


@dataclass
class ScratchRun:
    """Train from scratch on the memory after each experience; fields as those of `StreamRun`."""

    strategy: Strategy
    settings: LearnerSettings
    parts: Sequence[tuple[int, ...]]
    data: Splits
    outputs: Tensor
    memory: "CondensedMemory"
    context: Context
    name: str

    def run(self, fresh: Callable[[], nn.Module]) -> dict[str, Any]:
        """R (T x T, %), seconds, images, and what else was read. fresh: gives the network with its
        initial weights.
        """
        test = self.data.test.to(self.context.device)
        accuracies = AccuracyMatrix(self.strategy, test, self.outputs, self.parts, self.memory)
        accuracies.record_initial(fresh())
        costs = {"seconds": 0.0, "images": 0}
        for index, classes in enumerate(self.parts):
            if self.context.must_stop():
                raise Interrupted(
                    f"{self.name}: stopped after {index} of {len(self.parts)} experiences"
                )
            self._fill(index, classes)
            here = self.context.fork(f"experience-{index}")
            found = here.memo("found", lambda here=here: self._train(here, fresh(), accuracies))  # type: ignore[misc]
            accuracies.matrix.append(found["row"])
            costs = {name: costs[name] + found[name] for name in costs}
            note = f"{accuracies.matrix[-1][index]:.3g} %"
            self.context.progress(Progress(self.name, index + 1, len(self.parts), note))
        return accuracies.as_json() | costs | {"extra": {}}

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
                self.memory.observe(*batches.raw_minibatch())
        self.memory.admit(classes)

    def _train(
        self, here: Context, network: nn.Module, accuracies: AccuracyMatrix
    ) -> dict[str, Any]:
        held, training = self.memory.exemplars(), self.strategy.training(self.settings)
        labels = held.labels if held.targets is None else held.targets
        if held.scores:
            training = replace(training, loss="mse")
        device, name = here.device, f"{self.name} experience {len(accuracies.matrix)}"
        trained = train(
            network,
            held.images.to(device),
            labels.to(device),
            training,
            self.data.train,
            here,
            name,
        )
        return {
            "row": accuracies.measure_row(network),
            "seconds": trained.seconds,
            "images": trained.images,
        }
