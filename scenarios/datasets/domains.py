"""domains:A+B+C, the same classes as several data sets show them: every class of every data set is a class of its own.

label = d K + k for class k of K in data set d. All images have the largest height and width (antialiased bilinear), and three
equal channels where any has colours. The parts of each data set stay apart: no image changes between them.
Source: ours, for domain-incremental streams (van de Ven and Tolias, "Three scenarios for continual learning", 2019).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from condensers.data import ClassData
from condensers.errors import UsageError
from scenarios.datasets.naming import DOMAINS, domain_names
from scenarios.datasets.split import SEED, statistics
from scenarios.protocol import Splits

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class DomainClasses:
    """For each class of a data set of domains: which of the common outputs it means, and which domain shows it."""

    outputs: tuple[int, ...]
    domains: tuple[int, ...]


def outputs(name: str, classes: int) -> DomainClasses | None:
    """What the `classes` classes of the data set `name` mean; None for one without domains, whatever its classes are called."""
    if not name.startswith(DOMAINS):
        return None
    each = classes // len(domain_names(name))
    return DomainClasses(tuple(c % each for c in range(classes)), tuple(c // each for c in range(classes)))


def combine(sets: Sequence[Splits]) -> Splits:
    """The splits of all domains as those of one data set; UsageError where their classes differ."""
    first = sets[0].train
    for one in sets:
        if one.train.class_names != first.class_names:
            raise UsageError(
                f"domains: {first.name} and {one.train.name} do not have the same classes ({_brief(first)}; {_brief(one.train)});"
                " take data sets of the same classes"
            )
    shapes = [one.train.shape for one in sets]
    shape = max(s[0] for s in shapes), max(s[1] for s in shapes), max(s[2] for s in shapes)
    named = DOMAINS + "+".join(one.train.name for one in sets)
    pooled = [_pooled([getattr(one, part) for one in sets], shape) for part in PARTS]
    mean, std = statistics(pooled[0][0].numpy())
    data = [
        ClassData(
            name=named,
            images=images,
            labels=labels,
            class_names=tuple(f"{one.train.name}: {name}" for one in sets for name in one.train.class_names),
            mean=mean,
            std=std,
            mirror=all(one.train.mirror for one in sets),
            licence="; ".join(dict.fromkeys(one.train.licence for one in sets)),
            notes=tuple(f"{one.train.name} {note}" for one in sets for note in one.train.notes),
        )
        for images, labels in pooled
    ]
    return Splits(*data)


def _brief(data: ClassData) -> str:
    return f"{len(data.class_names)}: {', '.join(data.class_names[:3])}, ..."


def _pooled(parts: Sequence[ClassData], shape: tuple[int, int, int]) -> tuple[Tensor, Tensor]:
    """Images (N, C, H, W) uint8 of `shape` and labels of one part of every domain, in one shuffled order."""
    each = len(parts[0].class_names)
    images = torch.cat([_resized(part.images, shape) for part in parts])
    labels = torch.cat([part.labels + domain * each for domain, part in enumerate(parts)])
    order = torch.from_numpy(np.random.RandomState(SEED).permutation(len(labels)))
    return images[order], labels[order]


def _resized(images: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """Images (N, c, h, w) uint8 as (N, C, H, W) uint8."""
    if tuple(images.shape[2:]) != shape[1:]:
        sized = functional.interpolate(images.float(), size=shape[1:], mode="bilinear", antialias=True)
        images = sized.round().clamp(0, 255).to(torch.uint8)
    return images.expand(-1, shape[0], -1, -1)
