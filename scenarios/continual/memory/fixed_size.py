"""A memory of one size, in which old classes make room for new ones: by fewer images, as in iCaRL
(Rebuffi et al., CVPR 2017), or by a lower rate of what is stored, all images kept.

Where bytes decide how many images there are, the whole memory has B bytes at every experience. New
classes get their share, B times new / seen, and what is held gets the rest: it is coded again by
one quality for all classes, or loses images, until it fits. Sets that can be one are stored as one,
so that the head of files, and what a coder learns, are paid for once. New sets are coded as
coarsely as what is held.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from condensers.condenser import Condenser
from condensers.errors import UsageError
from condensers.sets.merging import recondense, shrink
from condensers.sets.reducing import REENCODE, pool, reduce_sets
from condensers.sets.synthetic_set import Budget, SyntheticSet
from condensers.sets.units import units_of
from scenarios.continual.memory.exemplars import (
    Exemplars,
    MemorySource,
    add_ledgers,
    count_bytes,
    decode_set,
    require_classes,
)
from scenarios.continual.memory.matching import lowest_quality, match, require_recodable
from scenarios.continual.memory.per_experience import PerExperienceCondenser

RECONDENSE = "recondense"
HOW = ("herding", "random", "first", RECONDENSE, REENCODE)


class FixedSize(MemorySource):
    """A memory of one size, in which old classes make room for new ones.

    Args:
        made: Condenses the classes of an experience.
        how: How sets shrink: to their "herding", "random" or "first" images; by "recondense"; or by
            "re-encode", which keeps the images as long as their lowest quality allows.

    Raises:
        UsageError: Sets are to be coded again, and those of the condenser cannot be.
    """

    kind: ClassVar[str] = "per experience"

    def __init__(self, made: PerExperienceCondenser, how: str) -> None:
        self.made, self.how = made, how
        if how == REENCODE:
            require_recodable(made.request.condenser)
        self.nbytes = None if how == RECONDENSE else total_bytes(made)
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
        key = self.how, tuple(self.seen)
        known = self.made.memories  # other strategies of the class order come to the same
        if key not in known:
            known[key] = (
                self._share_images(new)
                if self.nbytes is None
                else self._share_bytes(new, self.nbytes)
            )
        self.sets = list(known[key])
        self.exemplars = [decode_set(kept) for kept in self.sets]
        for part in self.exemplars:
            new = tuple(c for c in new if c not in part.labels.tolist())
        if new:
            require_classes(self.exemplars[-1], new)
        return self.exemplars

    def _share_bytes(self, new: tuple[int, ...], nbytes: int) -> list[SyntheticSet]:
        """The sets of old and new classes, of `nbytes` at most."""
        condenser, data = self.made.request.condenser, self.made.data.restrict(new)
        share = nbytes * len(new) // len(self.seen)
        held, least = self.sets, None
        name = f"{self.how}-{'-'.join(map(str, self.seen))}"
        generator = self.made.context.fork(name).generator
        if held and self.how == REENCODE:
            least = lowest_quality(condenser, data, share)
        held = reduce_sets(held, nbytes - share, self.how, generator, least)
        if held and self.how == REENCODE:
            condenser = match(condenser, held, data, share)
        # Files of one quality have one head, of which the memory holds one already.
        spared = max(
            (
                sum(one.tensors[name].numel() for name in ("head", "tail"))
                for one in held
                if "head" in one.tensors
            ),
            default=0,
        )
        made = self.made(new, Budget(nbytes=share + spared), condenser)
        found = pool([*held, made])
        return reduce_sets(found, nbytes, self.how, generator, least)

    def _share_images(self, new: tuple[int, ...]) -> list[SyntheticSet]:
        """The sets of old and new classes, each of as many images of a class, as a budget counts
        them.
        """
        ipc = images_per_seen_class(self.made, self.seen)
        held = [self._cut(kept, ipc) for kept in self.sets]
        return [*held, self.made(new, Budget(ipc=ipc))]

    def _cut(self, kept: SyntheticSet, ipc: int) -> SyntheticSet:
        """The set at `ipc` images of a class."""
        if ipc >= kept.ipc:
            return kept
        context = self.made.context.fork(f"{self.how}-{'-'.join(map(str, kept.classes))}-{ipc}")
        if self.how == RECONDENSE:
            return recondense(kept, self.made.request.condenser, Budget(ipc=ipc), context)
        # A budget counts images; what is stored of them may be codes or canvases.
        units = min(map(len, units_of(kept).values()))
        cut = shrink(kept, max(1, units * ipc // kept.ipc), self.how, context.generator)
        return replace(cut, card={**cut.card, "ipc": ipc})

    def restore(self, state: Mapping[str, Any], admitted: Sequence[tuple[int, ...]]) -> None:
        self.seen, self.sets, self.exemplars = [], [], []
        for classes in admitted:
            self.take(classes)


def total_bytes(made: PerExperienceCondenser) -> int | None:
    """Return the bytes of a memory of all classes; None where a budget counts images, and no bytes
    decide how many there are.
    """
    budget, condenser, data = made.request.budget, made.request.condenser, made.data
    if budget.nbytes is not None:
        return budget.nbytes
    assert budget.ipc is not None
    images = condenser.images_per_class(data, budget.ipc)
    if not _counts_bytes(condenser, budget.ipc, images):
        return None
    return condenser.nbytes(data, budget.ipc)


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


def count_most_images(
    made: PerExperienceCondenser, parts: Sequence[tuple[int, ...]], how: str
) -> int:
    """Return the most images that a memory of fixed size may hold at any time of the stream.

    Where bytes decide, a stored unit has one byte at least: its label.

    Args:
        made: Condenses the classes of an experience.
        parts: The classes of each experience.
        how: How sets shrink.
    """
    condenser = made.request.condenser
    nbytes = None if how == RECONDENSE else total_bytes(made)
    if nbytes is not None:
        return nbytes * condenser.parameterisation.copies
    seen: list[int] = []
    arrived: list[tuple[int, int, int]] = []  # classes, ipc, and images of a class
    most = 0
    for part in parts:
        seen += part
        ipc = images_per_seen_class(made, seen)
        images = condenser.images_per_class(made.data.restrict(part), ipc)
        arrived.append((len(part), ipc, images))
        held = 0
        for classes, first, images in arrived:
            # What is condensed anew is as many files as fit then, of the images that there are.
            stays = how == RECONDENSE and _counts_bytes(condenser, first, images)
            held += classes * (images if stays else max(1, images * min(ipc, first) // first))
        most = max(most, held)
    return most


def _counts_bytes(condenser: Condenser, ipc: int, images: int) -> bool:
    """Whether bytes decide how many images a set of `ipc` decodes to."""
    return images != ipc * condenser.parameterisation.copies
