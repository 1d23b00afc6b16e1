"""One learner on one class-incremental stream, through Avalanche: train, evaluate, keep the state, experience by experience."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from avalanche.core import SupervisedPlugin
from avalanche.training.plugins import GDumbPlugin, ReplayPlugin
from avalanche.training.supervised import Naive
from torch import nn

from condensers.context import Context, Progress
from condensers.data import ClassData
from condensers.engine import read_state, write_state
from condensers.errors import Interrupted
from condensers.registry import AUGMENTATIONS
from condensers.training import predict
from scenarios.continual.memory import SyntheticBuffer
from scenarios.continual.settings import Settings


class Watch(SupervisedPlugin):
    """Counts training images, augments each minibatch, and stops within one iteration of being asked to."""

    def __init__(self, augmentation: str, data: ClassData, context: Context) -> None:
        super().__init__()
        self.augmentation, self.shape = AUGMENTATIONS.create(augmentation).for_data(data), data.shape
        self.context, self.generator = context, context.generator
        self.images = 0

    def before_training_iteration(self, strategy: Any, **_: Any) -> None:
        if self.context.must_stop():
            raise Interrupted("continual: stopped in the middle of an experience, which starts again when resumed")
        self.images += len(strategy.mbatch[0])

    def before_forward(self, strategy: Any, **_: Any) -> None:
        x = strategy.mbatch[0]
        strategy.mbatch[0] = self.augmentation.apply(x, self.augmentation.draw(len(x), self.shape, self.generator))


class Learner:
    """A network, its memory (None: no memory) and what has been measured so far; the state is saved at each experience."""

    def __init__(
        self, network: nn.Module, settings: Settings, memory: SyntheticBuffer | None, test: ClassData, context: Context
    ) -> None:
        self.settings, self.memory, self.test, self.context = settings, memory, test.to(context.device), context
        self.watch = Watch(settings.augmentation, test, context)
        optimiser = torch.optim.SGD(
            network.parameters(), lr=settings.lr, momentum=settings.momentum, weight_decay=settings.weight_decay
        )
        self.strategy: Any = Naive(
            model=network,
            optimizer=optimiser,
            train_mb_size=settings.batch,
            train_epochs=settings.epochs,
            device=context.device,
            plugins=[*_memory_plugins(settings, memory), self.watch],
            evaluator=None,
        )
        self.accuracies: list[list[float]] = []
        self.seconds = 0.0

    def run(self, stream: Sequence[Any], parts: Sequence[Sequence[int]], name: str) -> dict[str, Any]:
        """Learn `stream`, whose experience t brings the classes parts[t]; resume where an earlier run stopped.

        Returns R (T x T, percent on the test images of each part), seconds, training images, and bytes of memory.
        """
        path = self.context.folder / "state.pt" if self.context.folder else None
        done = self._restore(path)
        for index, experience in enumerate(stream):
            if index < done:
                if self.memory is not None:
                    self.memory.post_adapt(self.strategy, experience)
                continue
            if self.context.must_stop():
                raise Interrupted(f"{name}: stopped after {index} of {len(parts)} experiences")
            self._learn(experience, index)
            self.accuracies.append(self._evaluate(parts))
            self._save(path, index + 1)
            self.context.progress(Progress(name, index + 1, len(parts), f"{self.accuracies[-1][index]:.3g} %"))
        stored = self.memory.nbytes if self.memory else 0
        return {"R": self.accuracies, "seconds": self.seconds, "images": self.watch.images, "bytes": stored}

    def _learn(self, experience: Any, index: int) -> None:
        """Train on one experience. Its randomness depends on nothing that came before, so a resumed run repeats it."""
        fork = self.context.fork(f"experience-{index}")
        self.watch.generator = fork.generator
        begun = time.perf_counter()
        # Avalanche's loaders shuffle by the global generator: it is borrowed, and given back as it was.
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(fork.seed)
            self.strategy.train(experience, eval_streams=[], reset_optimizer_state=True)
        self.seconds += time.perf_counter() - begun

    def _evaluate(self, parts: Sequence[Sequence[int]]) -> list[float]:
        """Percentage of the test images of each part classified correctly, among all classes."""
        correct = (predict(self.strategy.model, self.test).argmax(1) == self.test.labels).double().cpu()
        labels = self.test.labels.cpu()
        return [correct[torch.isin(labels, torch.tensor(list(part)))].mean().item() * 100 for part in parts]

    def _save(self, path: Path | None, done: int) -> None:
        if path is None:
            return
        state = {"done": done, "R": self.accuracies, "seconds": self.seconds, "images": self.watch.images}
        if not self.settings.from_scratch:
            state["network"] = self.strategy.model.state_dict()
        write_state(path, state)

    def _restore(self, path: Path | None) -> int:
        """Load what was saved, if anything; return the number of experiences already learned."""
        state = read_state(path, self.context.device)
        if state is None:
            return 0
        self.accuracies, self.seconds, self.watch.images = state["R"], state["seconds"], state["images"]
        if not self.settings.from_scratch:
            self.strategy.model.load_state_dict(state["network"])
        done: int = state["done"]
        return done


def _memory_plugins(settings: Settings, memory: SyntheticBuffer | None) -> list[Any]:
    """How the memory comes into training; none for a learner without one."""
    if memory is None:
        return []
    if not settings.from_scratch:
        return [ReplayPlugin(mem_size=memory.max_size, batch_size_mem=settings.batch_size_mem, storage_policy=memory)]
    plugin = GDumbPlugin(mem_size=memory.max_size)
    plugin.storage_policy = memory
    return [plugin]
