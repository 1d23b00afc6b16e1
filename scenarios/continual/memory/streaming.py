"""A memory of one size that is made from the passing stream: a sample of each class, stored as real
images, files or coded images.

Each class is a reservoir (Vitter 1985): of the N images of a class that have passed, its n units
are a uniform sample, as every update draws how many of the new images belong to a sample of n of
N + m, and replaces as many old ones. While the bytes are not full, all images stay. From then on a
class holds as many as the largest does. Where new classes need room, all classes shrink: by fewer
images, or coded again at a lower rate, all from their own codes (`condensers.sets.reducing`).

With raw images it is class-balanced reservoir sampling (Chrysakis & Moens, ICML 2020), but that a
class's share is cut when others come.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.parts.labels import stored_hard
from condensers.sets.merging import ORDERS
from condensers.sets.origins import REAL
from condensers.sets.reducing import REENCODE, drop_units, plain, reencode
from condensers.sets.synthetic_set import SyntheticSet, card_of
from condensers.sets.units import groups_of, units_of
from scenarios.continual.memory.exemplars import (
    Exemplars,
    MemorySource,
    count_bytes,
    decode_set,
    require_classes,
)
from scenarios.continual.memory.matching import require_recodable
from scenarios.continual.memory.stream_buffer import StreamBuffer, pack_set, unpack_set
from scenarios.protocol import CondensationRequest

# Of the bytes: what is coded again is brought to, so that not each of the next updates codes again.
SPARED = 0.97


class Streaming(MemorySource):
    """A memory of real images, of one size, made as the stream passes.

    Args:
        request: What stores the images, a selection of real ones, and the bytes of the memory; a
            budget in images means their bytes.
        data: Gives shape, statistics and class names; its images are not read.
        update: How many images of a class pass between two updates.
        how: How classes make room for new ones: "herding", "random", "first" or "re-encode".
        context: What the updates draw from.

    Raises:
        UsageError: The condenser makes images of its own, or cannot make room in that way.
    """

    kind: ClassVar[str] = "online"

    def __init__(
        self, request: CondensationRequest, data: ClassData, update: int, how: str, context: Context
    ) -> None:
        self.condenser, self.data, self.how, self.context = request.condenser, data, how, context
        if self.condenser.origin != REAL or self.condenser.couples_classes:
            raise UsageError(
                f"continual.growth: a memory of {self.condenser.registered} cannot take in image"
                " after image at a fixed size; take a selection of real images such as random,"
                " real-jpeg or real-transform, or growth growing"
            )
        if how == REENCODE:
            require_recodable(self.condenser)
        elif how not in ORDERS:
            raise UsageError(
                f"continual.shrink: an online memory of fixed size cannot shrink by {how}; take"
                f" {', '.join(ORDERS)} or {REENCODE}"
            )
        budget = request.budget
        ipc = budget.ipc_of(self.condenser, data)  # refuses bytes that are too few
        self.nbytes = budget.nbytes or self.condenser.nbytes(data, ipc)
        self.buffer = StreamBuffer(update)
        self.held: SyntheticSet | None = None
        self.exemplars: list[Exemplars] = []
        self.full, self.updates = False, 0

    @property
    def ledger(self) -> Mapping[str, int]:
        """The bytes of the set, and of the buffer at its largest."""
        held = {} if self.held is None else count_bytes(self.held)
        return held | {"buffer": self.buffer.peak}

    @property
    def card(self) -> Mapping[str, Any] | None:
        return None if self.held is None else self.held.card

    def take(self, new: tuple[int, ...]) -> list[Exemplars]:
        """Take in what is left in the buffer."""
        self._update(sorted(self.buffer.images))
        if self.held is not None:
            self.exemplars = [decode_set(self.held)]
            require_classes(self.exemplars[0], new)
        return self.exemplars

    def observe(self, images: Tensor, labels: Tensor) -> bool:
        full = self.buffer.add(images, labels)
        self._update(sorted(full))
        if full and self.held is not None:
            self.exemplars = [decode_set(self.held)]
        return bool(full)

    def _update(self, classes: Sequence[int]) -> None:
        for label in classes:
            before = self.buffer.passed.get(label, 0)
            images = self.buffer.pop(label)
            context = self.context.fork(f"update-{self.updates}")
            self._sample(label, images, before, context)
            self.updates += 1

    def _sample(self, label: int, images: Tensor, passed: int, context: Context) -> None:
        """Bring a class to a sample of what has passed of it; `passed`: before these images."""
        generator = context.generator
        if self.held is None:
            self.held = self._begin(label, images, context)
        else:
            units = units_of(self.held)
            own = units.get(label, torch.empty(0, dtype=torch.int64))
            size = len(own) + len(images)
            if self.full:
                most = max(map(len, units.values()))
                size = min(size, most) if len(own) == passed else len(own)
            drawn = torch.randperm(passed + len(images), generator=generator)[:size]
            new = images[drawn[drawn >= passed] - passed]
            stay = torch.randperm(len(own), generator=generator)[: size - len(new)]
            self.held = self._exchange(label, own[stay], new, own)
        if self.held.nbytes > self.nbytes:
            self.full = True
            self.held = self._reduce(self.held, generator)

    def _begin(self, label: int, images: Tensor, context: Context) -> SyntheticSet:
        """The set of the first images."""
        labels = torch.full((len(images),), label)
        seen = replace(self.data, images=images, labels=labels, classes=(label,))
        settled = self.condenser.settle(seen, self.nbytes)[0]
        card = card_of(settled, seen, context, 1, {"labels": "hard"})
        stored = stored_hard((label,), len(images), len(self.data.class_names))
        card |= {"images_per_class": len(images)}
        return plain(SyntheticSet({**settled.store_all(seen), "labels": stored}, card))

    def _exchange(self, label: int, stay: Tensor, new: Tensor, own: Tensor) -> SyntheticSet:
        """The set in which units `stay` and images `new` are all of a class; own: its old units."""
        held = self.held
        assert held is not None
        units = units_of(held)
        others = [of for c, of in units.items() if c != label]
        kept = torch.cat([*others, stay])
        like = int(own[0]) if len(own) else None
        part = self.condenser.parameterisation.stored_form(groups_of(held))
        groups = part.append(groups_of(held), kept, new, like)
        more = torch.full((len(new),), label, dtype=held.tensors["labels"].dtype)
        labels = torch.cat([held.tensors["labels"][kept], more])
        found = torch.unique(labels.long()).tolist()
        counts = {held.card["class_names"][c]: int((labels == c).sum()) for c in found}
        card = {key: value for key, value in held.card.items() if key != "counts"}
        card |= {"classes": found, "images_per_class": max(counts.values())}
        card |= {"counts": counts} if len(set(counts.values())) > 1 else {}
        return SyntheticSet({**groups, "labels": labels}, card)

    def _reduce(self, held: SyntheticSet, generator: torch.Generator) -> SyntheticSet:
        """The set within the bytes of the memory."""
        how, sets = self.how, [held]
        if how == REENCODE:
            how, sets = "random", reencode(sets, int(SPARED * self.nbytes))
        return drop_units(sets, self.nbytes, how, generator)[0]

    def state_dict(self) -> dict[str, Any]:
        return {
            "held": [] if self.held is None else [pack_set(self.held)],
            "buffer": self.buffer.state_dict(),
            "full": self.full,
            "updates": self.updates,
        }

    def restore(self, state: Mapping[str, Any], admitted: Sequence[tuple[int, ...]]) -> None:
        self.held = next(map(unpack_set, state["held"]), None)
        self.exemplars = [] if self.held is None else [decode_set(self.held)]
        self.buffer.load_state_dict(state["buffer"])
        self.full, self.updates = state["full"], state["updates"]
