"""The step that all learned methods share: a network, a loss, one update of the set."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from condensers.composition.learnable_set import LearnableSet
from condensers.composition.real_statistics import RealStatistics
from condensers.composition.recorded_matching import RecordedMatching
from condensers.engine.capture import captures_of
from condensers.engine.context import Stateful
from condensers.networks import build, has_batch_norm
from condensers.networks.precision import AUTO, precision
from condensers.networks.precision_choice import resolve
from condensers.parts.augmentations.base import send_draws
from condensers.parts.augmentations.dsa import apply_several
from condensers.parts.objectives.base import (
    Pair,
    PairwiseObjective,
    StatisticsObjective,
    Whole,
    WholeSetObjective,
)
from condensers.parts.samplers import read_batches
from condensers.parts.setting import Given, Needs, RunSetting, network_of, require_network

if TYPE_CHECKING:
    from condensers.composition.composition import Composition

# Learned and real images of the classes that share one pass: of images up to 32 x 32 so many, of
# larger ones so many pixels. A graph takes about 2.3 kB a pixel (ConvNet, width 128), real images
# take 12 B a pixel, and as much again while they are augmented.
SMALL, SMALL_AT_ONCE, PIXELS_AT_ONCE = 32 * 32, (1024, 2**15), (2**18, 2**24)


def settle_precision(method: "Composition", setting: RunSetting) -> str:
    """Return the precision of a run: where it is left open, the faster one for its network.

    Without a network there is nothing to gain. An interrupted run goes on in the one it began with.
    """
    wanted, data = method.precision, setting.data
    if wanted not in (AUTO, "bf16"):
        return wanted
    if method.model_schedule.gives is Needs.NOTHING:
        return "fp32" if wanted == AUTO else wanted

    def choose() -> str:
        drawn = torch.Generator().manual_seed(0)
        classes = len(data.class_names)
        network = build(method.network, setting.shape, classes, drawn, data.device)
        return resolve(wanted, network, (method.batch_real, *setting.shape), data.device)

    return setting.context.memo("precision", choose) if wanted == AUTO else choose()


class CondensationLoop:
    """The engine loop of a composition."""

    def __init__(self, method: "Composition", setting: RunSetting, start: Tensor) -> None:
        """Begin a run.

        Args:
            method: Its parts are built.
            setting: What the run lends.
            start: The images it begins with, (classes * per_class, C, H, W), ordered by class.
        """
        self.captures = captures_of(setting.data.device)
        setting = replace(setting, captures=self.captures)
        self.method, self.setting, self.matching = method, setting, setting.matching
        self.set = LearnableSet(method, setting, start)
        self.steps = method.steps(setting.ipc)
        self.schedule = method.model_schedule.begin(setting)
        self.sampler = method.sampler.begin(self.matching)
        self.real = RealStatistics(method, self.matching, self.sampler)
        self.watcher = method.stop.begin(method, setting)
        self.precision = settle_precision(method, setting)
        self.recorded = RecordedMatching(self.captures)
        begun = {
            term.registered: term.begin(method.parameterisation, setting, self.steps)
            for term in method.regularisers
        }
        self.storage_terms = {name: term for name, term in begun.items() if term is not None}

    @property
    def finished(self) -> bool:
        """Whether the stop rule wants no further step."""
        return self.watcher.finished

    def step(self, index: int) -> float | Tensor:
        """Take one step on the set and return its loss.

        The model schedule gives a network; the loss is taken under it, of all classes together or,
        with update "class", class by class.
        """
        with precision(self.precision):
            self.set.slow(index / self.steps)
            self._follow_view(index)
            given = self.schedule.next(index, self.set.present)
            self.real.enter_step(self.schedule.slot)
            classes = range(len(self.setting.data.classes))
            updates = [[one] for one in classes] if self.method.update == "class" else [classes]
            loss: float | Tensor = sum(self._update(given, index, each) for each in updates)
            for term in self.storage_terms.values():
                term.after_step(index, self.set.groups)
            self.watcher.after(index, self.set)
            return loss

    def _follow_view(self, index: int) -> None:
        """Show as much of the view as a step sees."""
        view, before = self.method.view, (index - 1) / self.steps
        if not view.varies:
            return
        self.see(index / self.steps)
        if view.strength(before) > 0 and view.strength(index / self.steps) == 0:
            self.real.forget()

    def see(self, done: float) -> None:
        """Show as much of the view as is seen after this part of the run, 0 to 1."""
        if self.setting.view is not None and self.setting.view.blend is not None:
            self.setting.view.blend.set(self.method.view.strength(done))

    def describe_terms(self) -> dict[str, Any]:
        """Return what the card says of the terms of what is stored."""
        return {name: term.describe() for name, term in self.storage_terms.items()}

    def _update(self, given: Given, index: int, positions: Sequence[int]) -> float | Tensor:
        """Take one step of the optimiser on the loss of the classes at `positions`."""
        self.set.optimiser.zero_grad()
        objective = self.method.objective
        if isinstance(objective, PairwiseObjective):
            loss = self._match_classes(objective, given, index, positions)
        else:
            assert isinstance(objective, WholeSetObjective)
            loss = self._match_whole(objective, given, index, positions)
        for term in self.storage_terms.values():
            loss = loss + self._backward(term.loss(self.set.groups))
        self.set.optimiser.step()
        self.set.project()
        return loss

    def _match_classes(
        self, objective: PairwiseObjective, given: Given, index: int, positions: Sequence[int]
    ) -> float | Tensor:
        """Add the gradient of the loss, in backward passes over portions of the classes."""
        network = require_network(given)
        total: float | Tensor = 0.0
        records = self.recorded.takes(objective) and self.real.slot is None
        if records:
            self.recorded.enter_step(network)
        for portion in self._portions(objective, given, positions):
            if self.real.slot is not None:
                assert isinstance(objective, StatisticsObjective)
                images = dict(zip(portion, self.set.of_classes(portion), strict=True))
                loss, pairs = self.real.loss(objective, network, index, images)
            else:
                pairs = self._pairs(given, index, portion)
                loss = (
                    self.recorded.loss(objective, pairs)
                    if records
                    else objective.loss_in_run(
                        network, pairs, self.set.extra, self.setting.generator
                    )
                )
            if self.method.image_terms:
                loss = loss + self._regularisation(given, pairs)
            total = total + self._backward(loss)
        return total

    def _match_whole(
        self, objective: WholeSetObjective, given: Given, index: int, positions: Sequence[int]
    ) -> float | Tensor:
        """Add the gradient of the loss of the set as a whole, and that of the regularisers."""
        setting = self._matching_at(index)
        count = self.method.batch_real if objective.real else 0
        whole = Whole(
            self.set.images(),
            self.set.labels(),
            *setting.data.batch(count, setting.generator),
            extra=self.set.extra,
            augment=setting.augment,
            setting=setting,
            leaves=self.set.leaves,
        )
        if isinstance(given, nn.Module) and self.recorded.takes(objective):
            self.recorded.enter_step(given)
            loss: float | Tensor = self._backward(self.recorded.loss_of_whole(objective, whole))
        else:
            loss = objective.backward(given, whole)
        if self.method.image_terms:
            pairs = self._pairs(given, index, positions)
            loss = loss + self._backward(self._regularisation(given, pairs))
        return loss

    def _matching_at(self, index: int) -> RunSetting:
        """What the run lends to what is matched at a step: its augmentation may change."""
        seen = self.matching.augmentation
        now = seen.at(index / self.steps)
        return self.matching if now is seen else replace(self.matching, augmentation=now)

    def _portions(
        self, objective: PairwiseObjective, given: Given, positions: Sequence[int]
    ) -> Iterator[Sequence[int]]:
        """Yield the positions of the classes that share one backward pass."""
        size = 1
        if self.method.image_terms or objective.couples_classes:
            size = len(positions)
        elif objective.batches_classes:
            size = (
                len(positions)
                if has_batch_norm(require_network(given))
                else self._classes_at_once()
            )
        for first in range(0, len(positions), size):
            yield positions[first : first + size]

    def _classes_at_once(self) -> int:
        """How many classes share one pass, for a memory that does not grow with their number."""
        pixels = self.setting.shape[1] * self.setting.shape[2]
        learned, real = (
            SMALL_AT_ONCE if pixels <= SMALL else (each // pixels for each in PIXELS_AT_ONCE)
        )
        return max(
            1, min(learned // self.setting.per_class, real // max(1, self.method.batch_real))
        )

    def _pairs(self, given: Given, index: int, positions: Sequence[int]) -> list[Pair]:
        """Pair a new real batch of each class with its synthetic images, under one shared draw."""
        setting, network = self._matching_at(index), network_of(given)
        labels = [setting.data.classes[position] for position in positions]
        chosen, draws = [], []
        for label in labels:
            chosen.append(self.sampler.choose(label, self.method.batch_real, index, network))
            draws.append(setting.augmentation.draw(1, setting.shape, setting.generator))
        real = read_batches(setting.data, labels, chosen)
        draws = send_draws(draws, setting.data.device)
        real = apply_several(setting.augmentation, real, draws)
        synthetic = apply_several(setting.augmentation, self.set.of_classes(positions), draws)
        return [Pair(*each) for each in zip(labels, real, synthetic, strict=True)]

    def _regularisation(self, given: Given, pairs: Sequence[Pair]) -> Tensor:
        """Return the sum of the weighted regularisers."""
        network = require_network(given)
        terms = [
            term.weight * term.loss(network, pairs, self.matching)
            for term in self.method.image_terms
        ]
        return torch.stack(terms).sum()

    def _backward(self, loss: Tensor) -> Tensor:
        # The networks' weights need no gradient here: naming what is learned spares the work for
        # them.
        torch.autograd.backward(loss, inputs=self.set.leaves)
        return loss.detach()

    def state_dict(self) -> dict[str, Any]:
        """Return the state of all parts."""
        return {name: part.state_dict() for name, part in self._parts().items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        for name, part in self._parts().items():
            part.load_state_dict(state[name])

    def _parts(self) -> dict[str, Stateful]:
        return {
            "set": self.set,
            "schedule": self.schedule,
            "sampler": self.sampler,
            "real": self.real,
            "stop": self.watcher,
            **self.storage_terms,
        }
