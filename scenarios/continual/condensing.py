"""Condensation anew for each experience: what a method that couples classes needs, for it may see no class to come."""

import time
from dataclasses import replace

from condensers.artifact import load_set, save_set
from condensers.context import Context
from condensers.data import ClassData
from condensers.synthetic import Budget, SyntheticSet
from scenarios.protocol import Recipe


class PerExperience:
    """Called with the classes of an experience, condenses their real images alone, and remembers the set.

    The sets are kept in the context's folder too, so that a resumed run and the other protocols of the same class order
    have the same ones at no cost. The seed of each comes from the context and its classes.
    """

    def __init__(self, recipe: Recipe, data: ClassData, context: Context) -> None:
        self.recipe, self.data, self.context = recipe, data, context
        self.sets: dict[tuple[int, ...], SyntheticSet] = {}

    def __call__(self, classes: tuple[int, ...]) -> SyntheticSet:
        if classes not in self.sets:
            self.sets[classes] = self._condense(classes)
        return self.sets[classes]

    def _condense(self, classes: tuple[int, ...]) -> SyntheticSet:
        context = self.context.fork("condense-" + "-".join(map(str, classes)))
        path = context.folder / "set.safetensors" if context.folder else None
        if path and path.exists():
            return load_set(path)
        seen, begun = self.data.restrict(classes), time.perf_counter()
        budget = share(self.recipe.budget, len(classes), len(self.data.classes))
        made = self.recipe.condenser.condense(seen, budget, context)
        made = replace(made, cost={"seconds": time.perf_counter() - begun, **made.cost})
        if path:
            save_set(made, path)
        return made

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
