"""A memory of one size, in which old classes make room for new ones as in iCaRL (Rebuffi et al.,
CVPR 2017), or are encoded at a lower rate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from condensers.composition.composition import Composition
from condensers.condenser import Condenser
from condensers.errors import UsageError
from condensers.parts.parameterisations.compressed import Compressed
from condensers.parts.parameterisations.jpeg.coefficients import JPEG
from condensers.selections.real_files import RealJPEG
from condensers.sets.merging import recondense, shrink
from condensers.sets.reencoding import LEAST, quality_of, reencode
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
from scenarios.continual.memory.per_experience import PerExperienceCondenser

REENCODE = "re-encode"
HOW = ("herding", "random", "first", "recondense", REENCODE)


class FixedSize(MemorySource):
    """A memory of one size, in which old classes make room for new ones.

    Args:
        made: Condenses the classes of an experience.
        how: How a set shrinks: to its "herding", "random" or "first" images; by "recondense"; or
            by "re-encode", which keeps the images and lowers the quality of their JPEG files.

    Raises:
        UsageError: Files are to be encoded anew, and the condenser stores none.
    """

    kind: ClassVar[str] = "per experience"

    def __init__(self, made: PerExperienceCondenser, how: str) -> None:
        self.made, self.how = made, how
        if how == REENCODE:
            at_quality(made.request.condenser, LEAST)
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
        self.sets.append(self.made(new, Budget(ipc=ipc), self._condenser_now()))
        self.exemplars = [decode_set(kept) for kept in self.sets]
        require_classes(self.exemplars[-1], new)
        return self.exemplars

    def _condenser_now(self) -> Condenser:
        """The condenser, at the quality to which the files of the past have fallen."""
        condenser = self.made.request.condenser
        qualities = [quality_of(kept) for kept in self.sets if "head" in kept.tensors]
        if self.how != REENCODE or not qualities:
            return condenser
        return at_quality(condenser, min(qualities))

    def _cut(self, kept: SyntheticSet, ipc: int) -> SyntheticSet:
        """The set at the bytes of `ipc` images of a class."""
        if ipc >= kept.ipc:
            return kept
        context = self.made.context.fork(f"{self.how}-{'-'.join(map(str, kept.classes))}-{ipc}")
        if self.how == "recondense":
            return recondense(kept, self.made.request.condenser, Budget(ipc=ipc), context)
        data = self.made.data.restrict(kept.classes)
        limit = self.made.request.condenser.nbytes(data, ipc)
        if self.how == REENCODE and "head" in kept.tensors:
            kept = reencode(kept, limit)
            if kept.nbytes <= limit:
                return replace(kept, card={**kept.card, "ipc": ipc})
        # A budget counts images or their bytes; what is stored of them may be codes or files.
        units = min(map(len, units_of(kept).values()))
        how = "herding" if self.how == REENCODE else self.how
        for left in range(max(1, units * ipc // kept.ipc), 0, -1):
            cut = shrink(kept, left, how, context.generator)
            if cut.nbytes <= limit:
                break
        return replace(cut, card={**cut.card, "ipc": ipc})

    def restore(self, state: Mapping[str, Any], admitted: Sequence[tuple[int, ...]]) -> None:
        self.seen, self.sets, self.exemplars = [], [], []
        for classes in admitted:
            self.take(classes)


def at_quality(condenser: Condenser, quality: int) -> Condenser:
    """Return a condenser whose sets are JPEG files of a quality.

    Raises:
        UsageError: Its sets are no JPEG files.
    """
    if isinstance(condenser, RealJPEG) and isinstance(condenser.parameterisation, Compressed):
        return replace(condenser, quality=quality)
    if isinstance(condenser, Composition):
        built, part = condenser.built, condenser.built.parameterisation
        if isinstance(part, JPEG) and part.coder == "huffman":
            return replace(built, parameterisation=replace(part, quality=quality))
    raise UsageError(
        f"continual.shrink: sets of {condenser.registered} are not stored as JPEG files alone, and"
        " cannot be encoded at a lower quality; take real-jpeg, the parameterisation jpeg, or"
        " another way to shrink"
    )


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

    Args:
        made: Condenses the classes of an experience.
        parts: The classes of each experience.
        how: How sets shrink. One that is encoded anew keeps its images, and later ones may come at
            the lowest quality.
    """
    condenser = made.request.condenser
    seen: list[int] = []
    arrived: list[tuple[int, int, int]] = []  # classes, ipc, and images of a class
    most = 0
    for part in parts:
        seen += part
        ipc = images_per_seen_class(made, seen)
        now = at_quality(condenser, LEAST) if how == REENCODE and arrived else condenser
        arrived.append((len(part), ipc, now.images_per_class(made.data.restrict(part), ipc)))
        held = 0
        for classes, first, images in arrived:
            # What is condensed anew is as many files as fit then, of the images that there are.
            anew = how == "recondense" and _counts_bytes(condenser, first, images)
            stays = how == REENCODE or anew
            held += classes * (images if stays else max(1, images * min(ipc, first) // first))
        most = max(most, held)
    return most


def _counts_bytes(condenser: Condenser, ipc: int, images: int) -> bool:
    """Whether bytes decide how many images a set of `ipc` decodes to."""
    return images != ipc * condenser.parameterisation.copies
