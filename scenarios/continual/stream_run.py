"""A course: one strategy on one stream, experience by experience, with the accuracy matrix and a
checkpoint of all of it.

The state is kept after each experience, every `checkpoint_seconds` within one, and when asked to
stop; a run that goes on from it gives the same as one that was never stopped. Avalanche's own
checkpoints do neither.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from condensers.engine.context import Context, Progress, derive_seed
from condensers.engine.loop import read_state, taking_up, write_state
from condensers.errors import Interrupted
from scenarios.continual.accuracy_matrix import AccuracyMatrix
from scenarios.continual.learner import CheckpointClock, Learner, MinibatchHooks, build_learner
from scenarios.continual.learner_settings import Batches, LearnerSettings
from scenarios.continual.strategies.base import Setup, Strategy
from scenarios.continual.stream import make_experience
from scenarios.protocol import Splits


@dataclass
class StreamRun:
    """parts: the classes of each experience. outputs: (classes,) int64, the learner's output for
    each class of the data.
    """

    strategy: Strategy
    settings: LearnerSettings
    parts: Sequence[tuple[int, ...]]
    data: Splits
    outputs: Tensor
    memory: Any
    context: Context
    name: str
    readings: AccuracyMatrix = field(init=False)

    def __post_init__(self) -> None:
        self.readings = AccuracyMatrix(
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
        self.learner = self._learner(network)
        start = self._restore()
        if self.index == 0 and start == 0:
            self.readings.before(network)
        while self.index < len(self.parts):
            if self.context.must_stop():
                raise Interrupted(
                    f"{self.name}: stopped after {self.index} of {len(self.parts)} experiences"
                )
            self._learn(start)
            self.readings.after(self.learner.model)
            self.index, start = self.index + 1, 0
            self._save()
            note = f"{self.readings.matrix[-1][self.index - 1]:.3g} %"
            self.context.progress(Progress(self.name, self.index, len(self.parts), note))
        kept = {
            name: size
            for plugin in self.plugins
            for name, size in getattr(plugin, "extra_bytes", {}).items()
        }
        # A plugin's images: those that passed the network beside the minibatch.
        images = self.watch.images + sum(getattr(plugin, "images", 0) for plugin in self.plugins)
        return self.readings.as_json() | {"seconds": self.seconds, "images": images, "extra": kept}

    def _learner(self, network: nn.Module) -> Learner:
        settings, context = self.settings, self.context
        self.watch = MinibatchHooks(settings, self.data.train, context, self._after_minibatch)
        setup = Setup(self.memory, settings, context.generator, self.data.train)
        self.plugins = list(self.strategy.plugins(setup))
        return build_learner(network, settings, [*self.plugins, self.watch], context.device)

    def _learn(self, start: int) -> None:
        """Train on one experience, from its minibatch `start`.

        Its draws depend on nothing that came before it.
        """
        seed = derive_seed(self.context.seed, f"experience-{self.index}")
        seen = self.data.train.restrict(self._shown(self.index)).to(self.context.device)
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

    def _shown(self, index: int) -> tuple[int, ...]:
        """The classes whose images an experience shows."""
        shown = self.parts if self.strategy.shows == "all" else self.parts[: index + 1]
        return (
            self.parts[index]
            if self.strategy.shows == "experience"
            else tuple(c for part in shown for c in part)
        )

    def _after_minibatch(self, index: int) -> None:
        batches, every = self.learner.batches, self.settings.evaluate_every
        if self.settings.online and self.memory is not None and batches.begins():
            self.memory.observe(*batches.raw())
        if every and (index + 1) % every == 0:
            self.seconds += time.perf_counter() - self.begun
            self.readings.within(self.learner.model, self.index)
            self.begun = time.perf_counter()
        stop = self.context.must_stop()
        if index + 1 < len(batches) and (stop or self.clock.due()):
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
            "readings": self.readings.state_dict(),
            "seconds": self.seconds + spent,
            "images": self.watch.images,
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
        with taking_up(self.path):
            return self._take_up(state)

    def _take_up(self, state: Mapping[str, Any]) -> int:
        self.index, self.seconds, self.watch.images = (
            state["index"],
            state["seconds"],
            state["images"],
        )
        self.readings.load_state_dict(state["readings"])
        self.learner.model.load_state_dict(state["network"])
        self.context.generator.set_state(state["generator"].cpu())
        self.drawn = state["global"].cpu()
        self.learner.clock.train_exp_counter = self.index
        if self.memory is not None:
            self.memory.load_state_dict(state["memory"])
        for plugin, saved in zip(self.plugins, state["plugins"], strict=True):
            plugin.load_state_dict(saved)
        if state["minibatch"] or self.settings.online:
            self.watch.optimiser = state["optimiser"]
        start: int = state["minibatch"]
        return start
