"""Fixed: a memory of one size from the first experience to the last; old classes make room for new ones.

Source: iCaRL (Rebuffi et al., CVPR 2017), where each of t classes has K / t exemplars of a memory of K.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from condensers.errors import UsageError
from condensers.sets.merging import recondense, shrink
from condensers.sets.synthetic_set import Budget, SyntheticSet
from scenarios.continual.per_experience import PerExperience
from scenarios.continual.pieces import Piece, decoded
from scenarios.continual.sources import Unmoved, added, require_classes, stored


class Fixed(Unmoved):
    """made: condenses the classes of an experience; how: "herding", "random" or "first" of what is there, or "recondense"."""

    kind: ClassVar[str] = "per experience"

    def __init__(self, made: PerExperience, how: str) -> None:
        self.made, self.how = made, how
        self.seen: list[int] = []
        self.sets: list[SyntheticSet] = []
        self.pieces: list[Piece] = []

    @property
    def ledger(self) -> Mapping[str, int]:
        return added(stored(kept) for kept in self.sets)

    @property
    def card(self) -> Mapping[str, Any] | None:
        return self.sets[-1].card if self.sets else None

    def take(self, new: tuple[int, ...]) -> list[Piece]:
        self.seen += new
        ipc = share_of(self.made, self.seen)
        self.sets = [self._cut(kept, ipc) for kept in self.sets]
        self.sets.append(self.made(new, Budget(ipc=ipc)))
        self.pieces = [decoded(kept) for kept in self.sets]
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


def share_of(made: PerExperience, seen: Sequence[int]) -> int:
    """The images per class that a memory of the recipe's whole budget has when the classes `seen` share it."""
    budget, condenser, data = made.recipe.budget, made.recipe.condenser, made.data
    if budget.nbytes is not None:
        return budget.ipc_of(condenser, data.restrict(seen))
    assert budget.ipc is not None
    ipc = budget.ipc * len(data.classes) // len(seen)
    if not ipc:
        raise UsageError(f"continual: a memory of ipc {budget.ipc} has no image for each of {len(seen)} classes; raise it")
    return ipc


def most_images(made: PerExperience, parts: Sequence[Sequence[int]]) -> int:
    """How many images such a memory holds at most, along the stream."""
    seen: list[int] = []
    most = 0
    for part in parts:
        seen += part
        most = max(most, len(seen) * made.recipe.condenser.images_per_class(made.data, share_of(made, seen)))
    return most
