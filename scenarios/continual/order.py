"""In which order a stream brings what, and what the learner calls it."""

from collections.abc import Sequence
from dataclasses import dataclass

from condensers.data import ClassData
from condensers.engine.context import Context
from scenarios.continual.stream import Parts, class_order, published_order, split
from scenarios.datasets.domains import outputs as domain_outputs


@dataclass(frozen=True)
class Layout:
    """How classes are laid out over experiences. order: "random" by the seed, "given", or "dm" (its published permutations)."""

    experiences: int
    base_classes: int
    sizes: Sequence[int]
    order: str

    def parts(self, data: ClassData, number: int, orders: int, context: Context) -> Parts:
        """The classes of each experience in class order `number` of `orders`; `context` is that of the cell.

        Of a data set of domains, each experience brings all classes of one domain, and the order is that of the domains.
        """
        named = domain_outputs(data.name, len(data.class_names))
        if named is None:
            return split(self._ordered(data.classes, number, orders, context), self.experiences, self.base_classes, self.sizes)
        domains = self._ordered(sorted(set(named.domains)), number, orders, context)
        return [tuple(c for c in data.classes if named.domains[c] == domain) for domain in domains]

    def _ordered(self, items: Sequence[int], number: int, orders: int, context: Context) -> list[int]:
        if self.order == "dm":
            return published_order(items, context.seed * orders + number)
        if self.order == "given":
            return list(items)
        return class_order(items, context.fork(f"order-{number}").fork("classes").generator)


def outputs(data: ClassData) -> list[int]:
    """The learner's output for each class of the data: domains share the outputs of their classes."""
    named = domain_outputs(data.name, len(data.class_names))
    return list(range(len(data.class_names))) if named is None else list(named.outputs)
