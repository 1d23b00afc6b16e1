"""Class-incremental streams: an order of the classes, its split into experiences, and the Avalanche benchmark of it.

Avalanche's own `class_incremental_benchmark` drops classes where they do not divide evenly and shuffles with the global
generator; both are why the split is made here.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch

from condensers.data import ClassData
from condensers.errors import UsageError


def class_order(classes: Sequence[int], generator: torch.Generator) -> list[int]:
    """The classes in the order in which they come, drawn uniformly."""
    return [classes[i] for i in torch.randperm(len(classes), generator=generator).tolist()]


def split(order: Sequence[int], experiences: int) -> list[tuple[int, ...]]:
    """The classes of each experience, none left out; the first ones get one more where they do not divide evenly."""
    if not 1 <= experiences <= len(order):
        raise UsageError(f"continual: {len(order)} classes cannot make {experiences} experiences; take 1 to {len(order)}")
    size, larger = divmod(len(order), experiences)
    starts = [t * size + min(t, larger) for t in range(experiences + 1)]
    return [tuple(order[a:b]) for a, b in pairwise(starts)]


def benchmark(train: ClassData, test: ClassData, parts: Sequence[Sequence[int]]) -> Any:
    """An Avalanche benchmark with a train and a test stream, one experience for each of `parts` (classes).

    Items are (x, y), x float32 normalised with `train`'s mean and std and y the label as in ClassData, with no task label.
    """
    from avalanche.benchmarks import benchmark_from_datasets, with_classes_timeline

    from scenarios.continual.items import as_dataset

    streams: dict[str, list[Any]] = {"train": [], "test": []}
    for name, data in (("train", train), ("test", test)):
        for classes in parts:
            seen = data.restrict(classes)
            streams[name].append(as_dataset(train.normalise(seen.images), seen.labels))
    return with_classes_timeline(benchmark_from_datasets(train=streams["train"], test=streams["test"]))
