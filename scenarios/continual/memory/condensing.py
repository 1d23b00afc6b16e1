"""Memories that are condensed along the stream, and which of them a scenario asks for.

`OnlineSource` is condensed from the stream as it passes: a full buffer of a class is condensed
together with its exemplars, each given as often as it stands for images that have passed; merge and
reduce, as for coresets of streams (Bentley & Saxe 1980; Har-Peled & Mazumdar, STOC 2004).
`MemoryFactory` gives every strategy of one class order the same sets.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.sets.merging import restrict
from condensers.sets.synthetic_set import SyntheticSet
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
from scenarios.continual.memory.fixed_size import FixedSize, count_most_images
from scenarios.continual.memory.per_experience import PerExperienceCondenser, share_budget
from scenarios.continual.memory.stream_buffer import StreamBuffer, pack_set, unpack_set
from scenarios.continual.memory.streaming import Streaming
from scenarios.protocol import CondensationRequest

if TYPE_CHECKING:
    from scenarios.continual.scenario import Continual

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
        self.update = max(update, request.condenser.images_within(data, request.budget))
        self.sets: list[SyntheticSet] = []
        self.exemplars: list[Exemplars] = []
        self.buffer = StreamBuffer(self.update)
        self.updates = 0

    @property
    def ledger(self) -> Mapping[str, int]:
        """The bytes of the sets, and of the buffer at its largest."""
        return add_ledgers(count_bytes(made) for made in self.sets) | {"buffer": self.buffer.peak}

    @property
    def card(self) -> Mapping[str, Any] | None:
        return self.sets[-1].card if self.sets else None

    def take(self, new: tuple[int, ...]) -> list[Exemplars]:
        """Condense what is left in the buffer."""
        if self.buffer.images:
            self._condense(sorted(self.buffer.images))
        # Decoded anew: after an experience no exemplar counts as unchanged.
        self.exemplars = [decode_set(kept) for kept in self.sets]
        for part in self.exemplars:
            new = tuple(c for c in new if c not in part.labels.tolist())
        if new:
            require_classes(self.exemplars[-1], new)
        return self.exemplars

    def observe(self, images: Tensor, labels: Tensor) -> bool:
        full = self.buffer.add(images, labels)
        if full:
            coupled = self.request.condenser.couples_classes
            self._condense(sorted(self.buffer.images if coupled else full))
        return bool(full)

    def _condense(self, classes: list[int]) -> None:
        """Replace what is held of `classes` by a new set."""
        images, labels = [], []
        for label in classes:
            past = self._repeat_past(label)
            gathered = self.buffer.pop(label)
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
        copies = min(MOST_COPIES, max(1, round(self.buffer.passed[label] / len(images))))
        return images.repeat(copies, 1, 1, 1)

    def state_dict(self) -> dict[str, Any]:
        return {
            "sets": [pack_set(made) for made in self.sets],
            "buffer": self.buffer.state_dict(),
            "updates": self.updates,
        }

    def restore(self, state: Mapping[str, Any], admitted: Sequence[tuple[int, ...]]) -> None:
        self.sets = [unpack_set(kept) for kept in state["sets"]]
        self.exemplars = [decode_set(kept) for kept in self.sets]
        self.buffer.load_state_dict(state["buffer"])
        self.updates = state["updates"]


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
            if self.scenario.growth == "fixed":
                how, context = self.scenario.shrink, self.context.fork("online")
                streaming = Streaming(request, self.data, update, how, context)
                return streaming, streaming.nbytes
            source = OnlineSource(request, self.data, update, self.context.fork("online"))
            # How many files the images of the past make is not known before; each has a byte.
            ipc = request.budget.ipc_of(request.condenser, self.data)
            return source, request.condenser.nbytes(self.data, ipc)
        if self.scenario.growth == "fixed":
            how = self.scenario.shrink
            return FixedSize(self.made, how), count_most_images(self.made, parts, how)
        return PerExperience(self.made), self.made.count_images(parts)

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
