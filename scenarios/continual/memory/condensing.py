"""Condensation anew for each experience: what a method that couples classes needs, for it may see
no class to come.

Fixed: a memory of one size from the first experience to the last; old classes make room for new
ones.

Source: iCaRL (Rebuffi et al., CVPR 2017), where each of t classes has K / t exemplars of a memory
of K.

Streamed: a memory that is condensed from the stream as it passes; every image is seen once and not
kept.

Images of a class gather in a small buffer; when it is full they are condensed together with what
the memory holds of that class, each of whose images is given as often as it stands for images that
have passed. Merge and reduce, as for coresets of streams (Bentley & Saxe 1980; Har-Peled &
Mazumdar, STOC 2004), here with any condenser as the reduction.

What the memories of one class order are made of: the same sets for every strategy.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.sets.merging import recondense, restrict, shrink
from condensers.sets.synthetic_set import Budget, SyntheticSet
from scenarios.caching import condense_once
from scenarios.continual.memory.exemplars import Exemplars, decode_set
from scenarios.continual.memory.sources import (
    PerExperience,
    Unmoved,
    add_ledgers,
    count_bytes,
    require_classes,
)
from scenarios.protocol import CondensationRequest


class PerExperienceCondenser:
    """Called with the classes of an experience, condenses their real images alone, and remembers
    the set.

    The sets are kept in the context's cache too, or else in its folder, so that a resumed run, the
    other strategies, and other scenarios with the same class order have the same ones at no cost.
    The seed of each comes from the context and its classes.
    """

    def __init__(self, recipe: CondensationRequest, data: ClassData, context: Context) -> None:
        self.recipe, self.data, self.context = recipe, data, context
        self.sets: dict[tuple[tuple[int, ...], Budget], SyntheticSet] = {}

    def __call__(self, classes: tuple[int, ...], budget: Budget | None = None) -> SyntheticSet:
        """The set of `classes`, at their share of the recipe's budget unless one is given."""
        wanted = budget or share_budget(self.recipe.budget, len(classes), len(self.data.classes))
        if (classes, wanted) not in self.sets:
            self.sets[classes, wanted] = self._kept(classes, wanted)
        return self.sets[classes, wanted]

    def _kept(self, classes: tuple[int, ...], budget: Budget) -> SyntheticSet:
        context = self.context.fork("condense-" + "-".join(map(str, classes)))
        return condense_once(
            CondensationRequest(self.recipe.condenser, budget),
            self.data.restrict(classes),
            context,
            "experiences",
        )

    def images(self) -> int:
        """The number of images that all experiences together may bring."""
        condenser = self.recipe.condenser
        ipc = self.recipe.budget.ipc_of(condenser, self.data)
        return len(self.data.classes) * condenser.images_per_class(self.data, ipc)

    def seconds(self) -> float | None:
        """What condensing the sets used so far took; None where it was not recorded for all of
        them.
        """
        each = [made.cost.get("seconds") for made in self.sets.values()]
        recorded = [float(seconds) for seconds in each if seconds is not None]
        return sum(recorded) if len(recorded) == len(each) else None


def share_budget(budget: Budget, classes: int, of: int) -> Budget:
    """The part of a budget that falls to some classes: images per class stay what they are, bytes
    are divided.
    """
    return budget if budget.nbytes is None else Budget(nbytes=budget.nbytes * classes // of)


class FixedSize(Unmoved):
    """made: condenses the classes of an experience; how: "herding", "random" or "first" of what is
    there, or "recondense".
    """

    kind: ClassVar[str] = "per experience"

    def __init__(self, made: PerExperienceCondenser, how: str) -> None:
        self.made, self.how = made, how
        self.seen: list[int] = []
        self.sets: list[SyntheticSet] = []
        self.pieces: list[Exemplars] = []

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
        self.pieces = [decode_set(kept) for kept in self.sets]
        require_classes(self.pieces[-1], new)
        return self.pieces

    def _cut(self, kept: SyntheticSet, ipc: int) -> SyntheticSet:
        if ipc >= kept.ipc:
            return kept
        context = self.made.context.fork(f"{self.how}-{'-'.join(map(str, kept.classes))}-{ipc}")
        if self.how == "recondense":
            return recondense(kept, self.made.recipe.condenser, Budget(ipc=ipc), context)
        return shrink(kept, ipc, self.how, context.generator)

    def restore(self, state: Mapping[str, Any], admitted: Sequence[tuple[int, ...]]) -> None:
        self.seen, self.sets, self.pieces = [], [], []
        for classes in admitted:
            self.take(classes)


def images_per_seen_class(made: PerExperienceCondenser, seen: Sequence[int]) -> int:
    """The images per class that a memory of the recipe's whole budget has when the classes `seen`
    share it.
    """
    budget, condenser, data = made.recipe.budget, made.recipe.condenser, made.data
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


def most_images(made: PerExperienceCondenser, parts: Sequence[Sequence[int]]) -> int:
    """How many images such a memory holds at most, along the stream."""
    seen: list[int] = []
    most = 0
    for part in parts:
        seen += part
        most = max(
            most,
            len(seen)
            * made.recipe.condenser.images_per_class(made.data, images_per_seen_class(made, seen)),
        )
    return most


# A memory's image stands for at most so many images of the past, so that an update's cost stays
# bounded.
MOST_COPIES = 20


class OnlineSource:
    """data: shape, statistics and class names only, its images are not read. update: images of a
    class between two updates.
    """

    kind: ClassVar[str] = "online"

    def __init__(
        self, recipe: CondensationRequest, data: ClassData, update: int, context: Context
    ) -> None:
        self.recipe, self.data, self.context = recipe, data, context
        ipc = recipe.budget.ipc_of(recipe.condenser, data)
        self.update = max(update, recipe.condenser.images_per_class(data, ipc))
        self.sets: list[SyntheticSet] = []
        self.buffer: dict[int, Tensor] = {}
        self.passed: dict[int, int] = {}
        self.peak = self.updates = 0

    @property
    def ledger(self) -> Mapping[str, int]:
        """The sets, and the largest that the buffer ever was."""
        return add_ledgers(count_bytes(made) for made in self.sets) | {"buffer": self.peak}

    @property
    def card(self) -> Mapping[str, Any] | None:
        return self.sets[-1].card if self.sets else None

    @property
    def pieces(self) -> list[Exemplars]:
        return [decode_set(made) for made in self.sets]

    def take(self, new: tuple[int, ...]) -> list[Exemplars]:
        """Condense what is left in the buffer."""
        if self.buffer:
            self._condense(sorted(self.buffer))
        pieces = self.pieces
        for piece in pieces:
            new = tuple(c for c in new if c not in piece.labels.tolist())
        if new:
            require_classes(pieces[-1], new)
        return pieces

    def observe(self, images: Tensor, labels: Tensor) -> bool:
        for label in labels.unique().tolist():
            mine = images[labels == label].cpu()
            self.buffer[label] = torch.cat([self.buffer.get(label, mine[:0]), mine])
        self.peak = max(self.peak, sum(images.numel() for images in self.buffer.values()))
        full = [label for label, gathered in self.buffer.items() if len(gathered) >= self.update]
        if full:
            self._condense(sorted(self.buffer if self.recipe.condenser.couples_classes else full))
        return bool(full)

    def _condense(self, classes: list[int]) -> None:
        """Put a new set of `classes` in the place of what was held of them."""
        images, labels = [], []
        for label in classes:
            gathered = self.buffer.pop(label)
            past = self._past(label)
            self.passed[label] = self.passed.get(label, 0) + len(gathered)
            images += [past, gathered]
            labels += [label] * (len(past) + len(gathered))
        seen = replace(
            self.data, images=torch.cat(images), labels=torch.tensor(labels), classes=tuple(classes)
        )
        budget = share_budget(self.recipe.budget, len(classes), len(self.data.classes))
        made = self.recipe.condenser.condense(
            seen, budget, self.context.fork(f"update-{self.updates}")
        )
        self.updates += 1
        others = [(kept, tuple(c for c in kept.classes if c not in classes)) for kept in self.sets]
        self.sets = [
            kept if rest == kept.classes else restrict(kept, rest) for kept, rest in others if rest
        ] + [made]

    def _past(self, label: int) -> Tensor:
        """What the memory holds of a class, (n, C, H, W) uint8, each image as often as it stands
        for ones that have passed.
        """
        held = [decode_set(kept).of([label]) for kept in self.sets if label in kept.classes]
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
        self.buffer = {label: images.cpu() for label, images in state["buffer"].items()}
        self.passed, self.peak, self.updates = (
            dict(state["passed"]),
            state["peak"],
            state["updates"],
        )


class MemoryFactory:
    """Gives each trial a source of its own, which starts empty; what was condensed once is not
    condensed again.
    """

    def __init__(
        self,
        scenario: Any,
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

    def source(self, parts: Sequence[tuple[int, ...]]) -> tuple[Any, int | None]:
        """A source, and how many images the memory may hold (None: as many as the set has)."""
        if self.made is None:
            return self.subject, None
        if self.scenario.memory == "online":
            return (
                OnlineSource(
                    self.made.recipe,
                    self.data,
                    self.scenario.online_update,
                    self.context.fork("online"),
                ),
                self.made.images(),
            )
        if self.scenario.growth == "fixed":
            return FixedSize(self.made, self.scenario.shrink), most_images(self.made, parts)
        return PerExperience(self.made), self.made.images()

    def seconds(self) -> float | None:
        """What condensing took; None where it was not recorded."""
        return None if self.made is None or not self.made.sets else self.made.seconds()

    def doubts(self) -> list[str]:
        """What is doubtful of the sets that were condensed anew, each sentence once."""
        made = () if self.made is None else self.made.sets.values()
        return list(dict.fromkeys(doubt for one in made for doubt in one.card.get("doubts", [])))
