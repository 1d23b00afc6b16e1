"""Condense the classes of each experience alone, as a method that couples classes must."""

from collections.abc import Sequence

from condensers.condenser import Condenser
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.sets.synthetic_set import Budget, SyntheticSet
from scenarios.caching import condense_once
from scenarios.protocol import CondensationRequest


class PerExperienceCondenser:
    """Condense the real images of an experience's classes alone; each set is made once.

    Sets are kept in the context's cache, or else in its folder, so that a resumed run, the other
    strategies and other scenarios with the same class order share them. The seed of each comes
    from the context and its classes.
    """

    def __init__(self, request: CondensationRequest, data: ClassData, context: Context) -> None:
        self.request, self.data, self.context = request, data, context
        self.sets: dict[tuple[tuple[int, ...], Budget, str], SyntheticSet] = {}
        # What memories of fixed size held, by how they shrink and the classes seen.
        self.memories: dict[tuple[str, tuple[int, ...]], list[SyntheticSet]] = {}

    def __call__(
        self,
        classes: tuple[int, ...],
        budget: Budget | None = None,
        condenser: Condenser | None = None,
    ) -> SyntheticSet:
        """Return the set of `classes`.

        Args:
            classes: Those of the experience.
            budget: Their share of the whole budget if left out.
            condenser: The request's if left out.
        """
        budget = budget or share_budget(self.request.budget, len(classes), len(self.data.classes))
        condenser = condenser or self.request.condenser
        key = classes, budget, repr(condenser)
        found = self.sets.get(key)
        if found is None:
            context = self.context.fork("condense-" + "-".join(map(str, classes)))
            request = CondensationRequest(condenser, budget)
            found = condense_once(request, self.data.restrict(classes), context, "experiences")
            self.sets[key] = found
        return found

    def count_images(self, parts: Sequence[tuple[int, ...]]) -> int:
        """Return how many images the experiences together bring, each of its classes in `parts`.

        Of files, those of some classes may be more than those of all: how many fit depends on the
        images.
        """
        condenser, count = self.request.condenser, 0
        for part in parts:
            data = self.data.restrict(part)
            budget = share_budget(self.request.budget, len(part), len(self.data.classes))
            count += len(part) * condenser.images_within(data, budget)
        return count

    def sum_seconds(self) -> float | None:
        """Return the seconds of all sets so far; None if some were not recorded."""
        each = [made.cost.get("seconds") for made in self.sets.values()]
        recorded = [float(seconds) for seconds in each if seconds is not None]
        return sum(recorded) if len(recorded) == len(each) else None


def share_budget(budget: Budget, classes: int, of: int) -> Budget:
    """Return the budget of some of the classes: images per class stay, bytes are divided."""
    return budget if budget.nbytes is None else Budget(nbytes=budget.nbytes * classes // of)
