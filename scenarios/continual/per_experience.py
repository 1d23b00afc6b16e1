"""Condensation anew for each experience: what a method that couples classes needs, for it may see no class to come."""

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.sets.synthetic_set import Budget, SyntheticSet
from scenarios.condensed import condensed
from scenarios.protocol import Recipe


class PerExperience:
    """Called with the classes of an experience, condenses their real images alone, and remembers the set.

    The sets are kept in the context's cache too, or else in its folder, so that a resumed run, the other strategies, and other
    scenarios with the same class order have the same ones at no cost. The seed of each comes from the context and its classes.
    """

    def __init__(self, recipe: Recipe, data: ClassData, context: Context) -> None:
        self.recipe, self.data, self.context = recipe, data, context
        self.sets: dict[tuple[tuple[int, ...], Budget], SyntheticSet] = {}

    def __call__(self, classes: tuple[int, ...], budget: Budget | None = None) -> SyntheticSet:
        """The set of `classes`, at their share of the recipe's budget unless one is given."""
        wanted = budget or share(self.recipe.budget, len(classes), len(self.data.classes))
        if (classes, wanted) not in self.sets:
            self.sets[classes, wanted] = self._kept(classes, wanted)
        return self.sets[classes, wanted]

    def _kept(self, classes: tuple[int, ...], budget: Budget) -> SyntheticSet:
        context = self.context.fork("condense-" + "-".join(map(str, classes)))
        return condensed(Recipe(self.recipe.condenser, budget), self.data.restrict(classes), context, "experiences")

    def images(self) -> int:
        """The number of images that all experiences together may bring."""
        condenser = self.recipe.condenser
        ipc = self.recipe.budget.ipc_of(condenser, self.data)
        return len(self.data.classes) * condenser.images_per_class(self.data, ipc)

    def seconds(self) -> float | None:
        """What condensing the sets used so far took; None where it was not recorded for all of them."""
        each = [made.cost.get("seconds") for made in self.sets.values()]
        recorded = [float(seconds) for seconds in each if seconds is not None]
        return sum(recorded) if len(recorded) == len(each) else None


def share(budget: Budget, classes: int, of: int) -> Budget:
    """The part of a budget that falls to some classes: images per class stay what they are, bytes are divided."""
    return budget if budget.nbytes is None else Budget(nbytes=budget.nbytes * classes // of)
