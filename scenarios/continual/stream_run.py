"""A stream run: one strategy on one stream, with its accuracy matrix and a checkpoint of all.

The state is kept after each experience, every `checkpoint_seconds` within one, and when asked to
stop; a run that goes on from it gives the same as one that was never stopped. Avalanche's own
checkpoints do neither.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from condensers.engine.context import Context, Progress, derive_seed
from condensers.engine.files import raise_damaged, read_state, write_state
from condensers.errors import Interrupted, UsageError
from scenarios.continual.accuracy_matrix import AccuracyMatrix
from scenarios.continual.learner import CheckpointClock, Learner, MinibatchHooks, build_learner
from scenarios.continual.learner_settings import Batches, LearnerSettings
from scenarios.continual.strategies.base import ResumablePlugin, Setup, Strategy
from scenarios.continual.stream import make_experience
from scenarios.protocol import Splits

if TYPE_CHECKING:
    from scenarios.continual.memory.buffer import CondensedMemory


@dataclass
class StreamRun:
    """One strategy on one stream, experience by experience.

    Attributes:
        strategy: How the learner uses stream and memory.
        settings: How it is trained.
        parts: The classes of each experience.
        data: The images of the whole stream.
        outputs: (classes,) int64, the learner's output for each class of the data.
        memory: What is replayed, or None.
        context: That of the trial.
        name: What progress calls the run.
    """

    strategy: Strategy
    settings: LearnerSettings
    parts: Sequence[tuple[int, ...]]
    data: Splits
    outputs: Tensor
    memory: "CondensedMemory | None"
    context: Context
    name: str
    accuracies: AccuracyMatrix = field(init=False)

    def __post_init__(self) -> None:
        self.accuracies = AccuracyMatrix(
            self.strategy,
            self.data.test.to(self.context.device),
            self.outputs,
            self.parts,
            self.memory,
        )
        self.clock = CheckpointClock(self.context.checkpoint_seconds)
        self.seconds, self.index = 0.0, 0
        self.path: Path | None = self.context.folder / "state.pt" if self.context.folder else None

    def run(self, network: nn.Module) -> dict[str, Any]:
        """Learn the stream from `network`'s weights: R (T x T, %), seconds, images, bytes, and what
        else was read.
        """
        self.learner = self._build_learner(network)
        start = self._restore()
        if self.index == 0 and start == 0:
            self.accuracies.record_initial(network)
        while self.index < len(self.parts):
            if self.context.must_stop():
                raise Interrupted(
                    f"{self.name}: stopped after {self.index} of {len(self.parts)} experiences"
                )
            self._learn(start)
            self.accuracies.record_experience(self.learner.model)
            self.index, start = self.index + 1, 0
            self._save()
            note = f"{self.accuracies.matrix[-1][self.index - 1]:.3g} %"
            self.context.progress(Progress(self.name, self.index, len(self.parts), note))
        extra = {name: size for plugin in self.plugins for name, size in plugin.extra_bytes.items()}
        images = self.hooks.images + sum(plugin.extra_images for plugin in self.plugins)
        return self.accuracies.as_json() | {
            "seconds": self.seconds,
            "images": images,
            "extra": extra,
        }

    def _build_learner(self, network: nn.Module) -> Learner:
        settings, context = self.settings, self.context
        self.hooks = MinibatchHooks(settings, self.data.train, context, self._finish_minibatch)
        setup = Setup(self.memory, settings, context.generator, self.data.train)
        self.plugins = list(self.strategy.plugins(setup))
        for plugin in self.plugins:
            if not isinstance(plugin, ResumablePlugin):
                raise UsageError(
                    f"strategy {self.strategy.name}: its plugin {type(plugin).__name__} cannot be"
                    " stopped and resumed; derive it from"
                    " scenarios.continual.strategies.base.ResumablePlugin too"
                )
        return build_learner(network, settings, [*self.plugins, self.hooks], context.device)

    def _learn(self, start: int) -> None:
        """Train on one experience, from its minibatch `start`.

        Its draws depend on nothing that came before it.
        """
        seed = derive_seed(self.context.seed, f"experience-{self.index}")
        seen = self.data.train.restrict(self._classes_shown(self.index)).to(self.context.device)
        settings, experience = (
            self.settings,
            make_experience(seen, self.outputs.tolist(), self.index),
        )
        labels = self.outputs.to(seen.device)[seen.labels]
        self.learner.batches = Batches(
            seen, labels, settings.batch, settings.epochs, seed, settings.repeats, start
        )
        self.begun = time.perf_counter()
        # Layers that draw, and Avalanche itself, use the global generator: it is borrowed, and
        # given back as it was.
        with torch.random.fork_rng(devices=[]):
            if not start:
                self.context.generator.manual_seed(seed)
                torch.default_generator.manual_seed(seed)
            else:
                torch.default_generator.set_state(self.drawn)
            fresh = not self.settings.online or self.index == 0
            self.learner.train(experience, eval_streams=[], reset_optimizer_state=fresh)
        self.seconds += time.perf_counter() - self.begun

    def _classes_shown(self, index: int) -> tuple[int, ...]:
        """The classes whose images an experience shows."""
        shown = self.parts if self.strategy.shows == "all" else self.parts[: index + 1]
        return (
            self.parts[index]
            if self.strategy.shows == "experience"
            else tuple(c for part in shown for c in part)
        )

    def _finish_minibatch(self, index: int) -> None:
        batches, every = self.learner.batches, self.settings.evaluate_every
        if self.settings.online and self.memory is not None and batches.is_first_repeat():
            self.memory.observe(*batches.raw_minibatch())
        if every and (index + 1) % every == 0:
            self.seconds += time.perf_counter() - self.begun
            self.accuracies.record_within(self.learner.model, self.index)
            self.begun = time.perf_counter()
        stop = self.context.must_stop()
        if index + 1 < len(batches) and (stop or self.clock.is_due()):
            self._save(index + 1)
        if stop:
            raise Interrupted(
                f"{self.name}: stopped at minibatch {index + 1} of {len(batches)} of experience"
                f" {self.index}"
            )

    def _save(self, minibatch: int = 0) -> None:
        if self.path is None:
            return
        spent = time.perf_counter() - self.begun if minibatch else 0.0
        memory = {} if self.memory is None else self.memory.state_dict()
        state = {
            "index": self.index,
            "minibatch": minibatch,
            "readings": self.accuracies.state_dict(),
            "seconds": self.seconds + spent,
            "images": self.hooks.images,
            "network": self.learner.model.state_dict(),
            "optimiser": self.learner.optimizer.state_dict(),
            "generator": self.context.generator.get_state(),
            "global": torch.default_generator.get_state(),
            "plugins": [plugin.state_dict() for plugin in self.plugins],
            "memory": memory,
        }
        write_state(self.path, state)

    def _restore(self) -> int:
        """Load what was saved, if anything; return the minibatch to go on from."""
        state = read_state(self.path, self.context.device)
        if state is None:
            return 0
        with raise_damaged(self.path):
            return self._load_state(state)

    def _load_state(self, state: Mapping[str, Any]) -> int:
        self.index, self.seconds, self.hooks.images = (
            state["index"],
            state["seconds"],
            state["images"],
        )
        self.accuracies.load_state_dict(state["readings"])
        self.learner.model.load_state_dict(state["network"])
        self.context.generator.set_state(state["generator"].cpu())
        self.drawn = state["global"].cpu()
        self.learner.clock.train_exp_counter = self.index
        if self.memory is not None:
            self.memory.load_state_dict(state["memory"])
        for plugin, saved in zip(self.plugins, state["plugins"], strict=True):
            plugin.load_state_dict(saved)
        if state["minibatch"] or self.settings.online:
            self.hooks.optimiser = state["optimiser"]
        start: int = state["minibatch"]
        return start
