"""Streamed: a memory that is condensed from the stream as it passes; every image is seen once and not kept.

Images of a class gather in a small buffer; when it is full they are condensed together with what the memory holds of that
class, each of whose images is given as often as it stands for images that have passed. Merge and reduce, as for coresets of
streams (Bentley & Saxe 1980; Har-Peled & Mazumdar, STOC 2004), here with any condenser as the reduction.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.sets.merging import restrict
from condensers.sets.synthetic_set import SyntheticSet
from scenarios.continual.per_experience import share
from scenarios.continual.pieces import Piece, decoded
from scenarios.continual.sources import added, require_classes, stored
from scenarios.protocol import Recipe

# A memory's image stands for at most so many images of the past, so that an update's cost stays bounded.
MOST_COPIES = 20


class Streamed:
    """data: shape, statistics and class names only, its images are not read. update: images of a class between two updates."""

    kind: ClassVar[str] = "online"

    def __init__(self, recipe: Recipe, data: ClassData, update: int, context: Context) -> None:
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
        return added(stored(made) for made in self.sets) | {"buffer": self.peak}

    @property
    def card(self) -> Mapping[str, Any] | None:
        return self.sets[-1].card if self.sets else None

    @property
    def pieces(self) -> list[Piece]:
        return [decoded(made) for made in self.sets]

    def take(self, new: tuple[int, ...]) -> list[Piece]:
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
        seen = replace(self.data, images=torch.cat(images), labels=torch.tensor(labels), classes=tuple(classes))
        budget = share(self.recipe.budget, len(classes), len(self.data.classes))
        made = self.recipe.condenser.condense(seen, budget, self.context.fork(f"update-{self.updates}"))
        self.updates += 1
        others = [(kept, tuple(c for c in kept.classes if c not in classes)) for kept in self.sets]
        self.sets = [kept if rest == kept.classes else restrict(kept, rest) for kept, rest in others if rest] + [made]

    def _past(self, label: int) -> Tensor:
        """What the memory holds of a class, (n, C, H, W) uint8, each image as often as it stands for ones that have passed."""
        held = [decoded(kept).of([label]) for kept in self.sets if label in kept.classes]
        if not held:
            return torch.empty(0, *self.data.shape, dtype=torch.uint8)
        images = self.data.quantise(held[0].images)
        copies = min(MOST_COPIES, max(1, round(self.passed[label] / len(images))))
        return images.repeat(copies, 1, 1, 1)

    def state_dict(self) -> dict[str, Any]:
        return {
            "sets": [{"tensors": dict(made.tensors), "card": json.dumps(dict(made.card))} for made in self.sets],
            "buffer": dict(self.buffer),
            "passed": dict(self.passed),
            "peak": self.peak,
            "updates": self.updates,
        }

    def restore(self, state: Mapping[str, Any], admitted: Sequence[tuple[int, ...]]) -> None:
        self.sets = [
            SyntheticSet({name: t.cpu() for name, t in kept["tensors"].items()}, json.loads(kept["card"]))
            for kept in state["sets"]
        ]
        self.buffer = {label: images.cpu() for label, images in state["buffer"].items()}
        self.passed, self.peak, self.updates = dict(state["passed"]), state["peak"], state["updates"]
