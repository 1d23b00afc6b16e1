"""Memories that are condensed along the stream.

`PerExperienceCondenser` condenses the classes of each experience, as a method that couples classes
must. `FixedSize` is a memory of one size, in which old classes make room for new ones as in iCaRL
(Rebuffi et al., CVPR 2017). `OnlineSource` is condensed from the stream as it passes: a full buffer
of a class is condensed together with its exemplars, each given as often as it stands for images
that have passed; merge and reduce, as for coresets of streams (Bentley & Saxe 1980; Har-Peled &
Mazumdar, STOC 2004). `MemoryFactory` gives every strategy of one class order the same sets.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.sets.merging import recondense, restrict, shrink
from condensers.sets.synthetic_set import Budget, SyntheticSet
from scenarios.caching import condense_once
from scenarios.continual.memory.exemplars import (
    Exemplars,
    MemorySource,
    PerExperience,
    SourceLike,
    add_ledgers,
    count_bytes,
    decode_set,
    require_classes,
)
from scenarios.protocol import CondensationRequest

if TYPE_CHECKING:
    from scenarios.continual.scenario import Continual

if TYPE_CHECKING:
    pass


class PerExperienceCondenser:
    """Condense the real images of an experience's classes alone; each set is made once.

    Sets are kept in the context's cache, or else in its folder, so that a resumed run, the other
    strategies and other scenarios with the same class order share them. The seed of each comes
    from the context and its classes.
    """

    def __init__(self, request: CondensationRequest, data: ClassData, context: Context) -> None:
        self.request, self.data, self.context = request, data, context
        self.sets: dict[tuple[tuple[int, ...], Budget], SyntheticSet] = {}

    def __call__(self, classes: tuple[int, ...], budget: Budget | None = None) -> SyntheticSet:
        """Return the set of `classes`, at their share of the whole budget by default."""
        budget = budget or share_budget(self.request.budget, len(classes), len(self.data.classes))
        if (classes, budget) not in self.sets:
            self.sets[classes, budget] = self._condense(classes, budget)
        return self.sets[classes, budget]

    def _condense(self, classes: tuple[int, ...], budget: Budget) -> SyntheticSet:
        context = self.context.fork("condense-" + "-".join(map(str, classes)))
        return condense_once(
            CondensationRequest(self.request.condenser, budget),
            self.data.restrict(classes),
            context,
            "experiences",
        )

    def count_images(self) -> int:
        """Return how many images all experiences together may bring."""
        condenser = self.request.condenser
        ipc = self.request.budget.ipc_of(condenser, self.data)
        return len(self.data.classes) * condenser.images_per_class(self.data, ipc)

    def sum_seconds(self) -> float | None:
        """Return the seconds of all sets so far; None if some were not recorded."""
        each = [made.cost.get("seconds") for made in self.sets.values()]
        recorded = [float(seconds) for seconds in each if seconds is not None]
        return sum(recorded) if len(recorded) == len(each) else None


def share_budget(budget: Budget, classes: int, of: int) -> Budget:
    """Return the budget of some of the classes: images per class stay, bytes are divided."""
    return budget if budget.nbytes is None else Budget(nbytes=budget.nbytes * classes // of)


class FixedSize(MemorySource):
    """A memory of one size, in which old classes make room for new ones.

    Args:
        made: Condenses the classes of an experience.
        how: How a set shrinks: to its "herding", "random" or "first" images, or by "recondense".
    """

    kind: ClassVar[str] = "per experience"

    def __init__(self, made: PerExperienceCondenser, how: str) -> None:
        self.made, self.how = made, how
        self.seen: list[int] = []
        self.sets: list[SyntheticSet] = []
        self.exemplars: list[Exemplars] = []

    @property
    def ledger(self) -> Mapping[str, int]:
        return add_ledgers(count_bytes(kept) for kept in self.sets)

    @property
    def card(self) -> Mapping[str, Any] | None:
        return self.sets[-1].card if self.sets else None

    def take(self, new: tuple[int, ...]) -> list[Exemplars]:
        self.seen += new
        ipc = images_per_seen_class(self.made, self.seen)
        self.sets = [self._cut(kept, ipc) for kept in self.sets]
        self.sets.append(self.made(new, Budget(ipc=ipc)))
        self.exemplars = [decode_set(kept) for kept in self.sets]
        require_classes(self.exemplars[-1], new)
        return self.exemplars

    def _cut(self, kept: SyntheticSet, ipc: int) -> SyntheticSet:
        if ipc >= kept.ipc:
            return kept
        context = self.made.context.fork(f"{self.how}-{'-'.join(map(str, kept.classes))}-{ipc}")
        if self.how == "recondense":
            return recondense(kept, self.made.request.condenser, Budget(ipc=ipc), context)
        return shrink(kept, ipc, self.how, context.generator)

    def restore(self, state: Mapping[str, Any], admitted: Sequence[tuple[int, ...]]) -> None:
        self.seen, self.sets, self.exemplars = [], [], []
        for classes in admitted:
            self.take(classes)


def images_per_seen_class(made: PerExperienceCondenser, seen: Sequence[int]) -> int:
    """Return the images per class when the classes `seen` share the whole budget."""
    budget, condenser, data = made.request.budget, made.request.condenser, made.data
    if budget.nbytes is not None:
        return budget.ipc_of(condenser, data.restrict(seen))
    assert budget.ipc is not None
    ipc = budget.ipc * len(data.classes) // len(seen)
    if not ipc:
        raise UsageError(
            f"continual: a memory of ipc {budget.ipc} has no image for each of {len(seen)} classes;"
            " raise it"
        )
    return ipc


def count_most_images(made: PerExperienceCondenser, parts: Sequence[Sequence[int]]) -> int:
    """Return how many images a memory of fixed size holds at most, along the stream."""
    seen: list[int] = []
    most = 0
    for part in parts:
        seen += part
        most = max(
            most,
            len(seen)
            * made.request.condenser.images_per_class(made.data, images_per_seen_class(made, seen)),
        )
    return most


# A memory's image stands for at most so many images of the past, so that an update's cost stays
# bounded.
MOST_COPIES = 20


class OnlineSource(MemorySource):
    """A memory that is condensed from the stream as it passes; no image is seen twice.

    Args:
        request: The condenser, and the budget of all classes.
        data: Gives shape, statistics and class names; its images are not read.
        update: How many images of a class pass between two updates.
        context: What the updates draw from.
    """

    kind: ClassVar[str] = "online"

    def __init__(
        self, request: CondensationRequest, data: ClassData, update: int, context: Context
    ) -> None:
        self.request, self.data, self.context = request, data, context
        ipc = request.budget.ipc_of(request.condenser, data)
        self.update = max(update, request.condenser.images_per_class(data, ipc))
        self.sets: list[SyntheticSet] = []
        self.exemplars: list[Exemplars] = []
        self.buffer: dict[int, Tensor] = {}
        self.passed: dict[int, int] = {}
        self.peak = self.updates = 0

    @property
    def ledger(self) -> Mapping[str, int]:
        """The bytes of the sets, and of the buffer at its largest."""
        return add_ledgers(count_bytes(made) for made in self.sets) | {"buffer": self.peak}

    @property
    def card(self) -> Mapping[str, Any] | None:
        return self.sets[-1].card if self.sets else None

    def take(self, new: tuple[int, ...]) -> list[Exemplars]:
        """Condense what is left in the buffer."""
        if self.buffer:
            self._condense(sorted(self.buffer))
        # Decoded anew: after an experience no exemplar counts as unchanged.
        self.exemplars = [decode_set(kept) for kept in self.sets]
        for part in self.exemplars:
            new = tuple(c for c in new if c not in part.labels.tolist())
        if new:
            require_classes(self.exemplars[-1], new)
        return self.exemplars

    def observe(self, images: Tensor, labels: Tensor) -> bool:
        for label in torch.unique(labels).tolist():
            mine = images[labels == label].cpu()
            self.buffer[label] = torch.cat([self.buffer.get(label, mine[:0]), mine])
        self.peak = max(self.peak, sum(images.numel() for images in self.buffer.values()))
        full = [label for label, gathered in self.buffer.items() if len(gathered) >= self.update]
        if full:
            self._condense(sorted(self.buffer if self.request.condenser.couples_classes else full))
        return bool(full)

    def _condense(self, classes: list[int]) -> None:
        """Replace what is held of `classes` by a new set."""
        images, labels = [], []
        for label in classes:
            gathered = self.buffer.pop(label)
            past = self._repeat_past(label)
            self.passed[label] = self.passed.get(label, 0) + len(gathered)
            images += [past, gathered]
            labels += [label] * (len(past) + len(gathered))
        seen = replace(
            self.data, images=torch.cat(images), labels=torch.tensor(labels), classes=tuple(classes)
        )
        budget = share_budget(self.request.budget, len(classes), len(self.data.classes))
        made = self.request.condenser.condense(
            seen, budget, self.context.fork(f"update-{self.updates}")
        )
        self.updates += 1
        others = [(kept, tuple(c for c in kept.classes if c not in classes)) for kept in self.sets]
        self.sets = [
            kept if rest == kept.classes else restrict(kept, rest) for kept, rest in others if rest
        ] + [made]
        self.exemplars = [decode_set(kept) for kept in self.sets]

    def _repeat_past(self, label: int) -> Tensor:
        """Return a class's exemplars (n, C, H, W) uint8, each as often as it stands for images."""
        held = [decode_set(kept).restrict([label]) for kept in self.sets if label in kept.classes]
        if not held:
            return torch.empty(0, *self.data.shape, dtype=torch.uint8)
        images = self.data.quantise(held[0].images)
        copies = min(MOST_COPIES, max(1, round(self.passed[label] / len(images))))
        return images.repeat(copies, 1, 1, 1)

    def state_dict(self) -> dict[str, Any]:
        return {
            "sets": [
                {"tensors": dict(made.tensors), "card": json.dumps(dict(made.card))}
                for made in self.sets
            ],
            "buffer": dict(self.buffer),
            "passed": dict(self.passed),
            "peak": self.peak,
            "updates": self.updates,
        }

    def restore(self, state: Mapping[str, Any], admitted: Sequence[tuple[int, ...]]) -> None:
        self.sets = [
            SyntheticSet(
                {name: t.cpu() for name, t in kept["tensors"].items()}, json.loads(kept["card"])
            )
            for kept in state["sets"]
        ]
        self.exemplars = [decode_set(kept) for kept in self.sets]
        self.buffer = {label: images.cpu() for label, images in state["buffer"].items()}
        self.passed = dict(state["passed"])
        self.peak, self.updates = state["peak"], state["updates"]


class MemoryFactory:
    """Give each trial an empty source of its own; no set is condensed twice.

    Args:
        scenario: Says when and how the memory is condensed.
        subject: A finished set, or a condenser still to be run.
        data: The training images of the whole stream.
        context: That of the class order.
    """

    def __init__(
        self,
        scenario: "Continual",
        subject: SyntheticSet | CondensationRequest,
        data: ClassData,
        context: Context,
    ) -> None:
        self.scenario, self.subject, self.data, self.context = scenario, subject, data, context
        self.made = (
            PerExperienceCondenser(subject, data, context)
            if isinstance(subject, CondensationRequest)
            else None
        )

    def make_source(self, parts: Sequence[tuple[int, ...]]) -> tuple[SourceLike, int | None]:
        """Return a source, and how many images the memory may hold (None: the set's size)."""
        if isinstance(self.subject, SyntheticSet):
            return self.subject, None
        assert self.made is not None
        if self.scenario.memory == "online":
            request, update = self.made.request, self.scenario.online_update
            source = OnlineSource(request, self.data, update, self.context.fork("online"))
            return source, self.made.count_images()
        if self.scenario.growth == "fixed":
            return FixedSize(self.made, self.scenario.shrink), count_most_images(self.made, parts)
        return PerExperience(self.made), self.made.count_images()

    def sum_seconds(self) -> float | None:
        """Return the seconds of condensing; None if they were not recorded."""
        return None if self.made is None or not self.made.sets else self.made.sum_seconds()

    def list_doubts(self) -> list[str]:
        """Return the doubts about the sets that were condensed along the stream, each once."""
        made = () if self.made is None else self.made.sets.values()
        return list(dict.fromkeys(doubt for one in made for doubt in one.card.get("doubts", [])))

    def list_precisions(self) -> list[str]:
        """Return what precision "auto" came to in the sets condensed along the stream."""
        made = () if self.made is None else self.made.sets.values()
        return sorted({str(one.card["precision"]) for one in made if "precision" in one.card})
