"""Streams: the order of the classes, their split into experiences, and the Avalanche benchmark of
it.

Avalanche's own `class_incremental_benchmark` drops classes where they do not divide evenly and
shuffles with the global generator; both are why the split is made here.

In which order a stream brings what, and what the learner calls it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
import torch

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from scenarios.datasets.derived import map_domains as domain_outputs

Parts = list[tuple[int, ...]]


def draw_class_order(classes: Sequence[int], generator: torch.Generator) -> list[int]:
    """The classes in the order in which they come, drawn uniformly."""
    return [classes[i] for i in torch.randperm(len(classes), generator=generator).tolist()]


def dm_class_order(classes: Sequence[int], seed: int) -> list[int]:
    """The classes in the order of DM's continual learning: `np.random.seed(seed)`, then
    `np.random.permutation`.
    """
    return [classes[i] for i in np.random.RandomState(seed).permutation(len(classes)).tolist()]


def split_classes(
    order: Sequence[int], experiences: int, base: int = 0, sizes: Sequence[int] = ()
) -> Parts:
    """The classes of each experience, none left out.

    base: how many classes the first experience brings; the rest is divided over the other ones.
    Where classes do not divide evenly the first ones get one more. sizes: the number of classes of
    each experience, in place of all that.
    """
    if sizes:
        return _cut_by_sizes(order, sizes)
    if base:
        return _split_after_base(order, experiences, base)
    if not 1 <= experiences <= len(order):
        raise UsageError(
            f"continual: {len(order)} classes cannot make {experiences} experiences; take 1 to"
            f" {len(order)}"
        )
    size, larger = divmod(len(order), experiences)
    return _cut_by_sizes(order, [size + (t < larger) for t in range(experiences)])


def _split_after_base(order: Sequence[int], experiences: int, base: int) -> Parts:
    left = len(order) - base
    if not 1 <= experiences - 1 <= left:
        raise UsageError(
            f"continual: {base} classes first leave {left} for the other {experiences - 1}"
            " experiences; change `base_classes` or `experiences`, that each has a class"
        )
    return [tuple(order[:base]), *split_classes(order[base:], experiences - 1)]


def _cut_by_sizes(order: Sequence[int], sizes: Sequence[int]) -> Parts:
    if sum(sizes) != len(order) or min(sizes) < 1:
        raise UsageError(
            f"continual: experiences of {', '.join(map(str, sizes))} classes take {sum(sizes)}, the"
            f" data has {len(order)}; give sizes of at least 1 that add up to it"
        )
    return [tuple(order[a:b]) for a, b in pairwise([0, *accumulate(sizes)])]


def make_benchmark(train: ClassData, test: ClassData, parts: Sequence[Sequence[int]]) -> Any:
    """An Avalanche benchmark with a train and a test stream, one experience for each of `parts`
    (classes).

    Items are (x, y), x float32 normalised with `train`'s mean and std and y the label as in
    ClassData, with no task label.
    """
    from avalanche.benchmarks import CLScenario, EagerCLStream, with_classes_timeline

    from scenarios.continual.items import KnownExperience, as_dataset

    streams = []
    for name, data in (("train", train), ("test", test)):
        experiences = []
        for index, classes in enumerate(parts):
            seen = data.restrict(classes)
            dataset = as_dataset(train.normalise(seen.images), seen.labels)
            experiences.append(KnownExperience(dataset, seen.classes, index))
        streams.append(EagerCLStream(name, experiences))
    return with_classes_timeline(CLScenario(streams))


def make_experience(seen: ClassData, outputs: Sequence[int], index: int) -> Any:
    """The Avalanche experience number `index`: the images of `seen`, each class c of the data
    called outputs[c].

    Items are (x, y, t), t always 0; `data_classes` are the classes of the data.
    """
    from scenarios.continual.items import KnownExperience, as_dataset

    labels = torch.tensor(list(outputs))[seen.labels.cpu()]
    dataset = as_dataset(
        seen.images, labels, [0] * len(labels), lambda x: seen.normalise(x[None])[0]
    )
    return KnownExperience(dataset, seen.classes, index)


@dataclass(frozen=True)
class StreamOrder:
    """How classes are laid out over experiences. order: "random" by the seed, "given", or "dm" (its
    published permutations).
    """

    experiences: int
    base_classes: int
    sizes: Sequence[int]
    order: str

    def parts(self, data: ClassData, number: int, orders: int, context: Context) -> Parts:
        """The classes of each experience in class order `number` of `orders`; `context` is that of
        the cell.

        Of a data set of domains, each experience brings all classes of one domain, and the order is
        that of the domains.
        """
        named = domain_outputs(data.name, len(data.class_names))
        if named is None:
            return split_classes(
                self._draw_order(data.classes, number, orders, context),
                self.experiences,
                self.base_classes,
                self.sizes,
            )
        domains = self._draw_order(sorted(set(named.domains)), number, orders, context)
        return [tuple(c for c in data.classes if named.domains[c] == domain) for domain in domains]

    def _draw_order(
        self, items: Sequence[int], number: int, orders: int, context: Context
    ) -> list[int]:
        if self.order == "dm":
            return dm_class_order(items, context.seed * orders + number)
        if self.order == "given":
            return list(items)
        return draw_class_order(items, context.fork(f"order-{number}").fork("classes").generator)


def learner_outputs(data: ClassData) -> list[int]:
    """The learner's output for each class of the data: domains share the outputs of their
    classes.
    """
    named = domain_outputs(data.name, len(data.class_names))
    return list(range(len(data.class_names))) if named is None else list(named.outputs)
