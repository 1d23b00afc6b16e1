"""Halves: which images each shadow's condenser sees, so that members and non-members come from one distribution.

Shadows come in pairs: the second of a pair has the images that the first has not, class by class, so that every image is in
half of all shadows. Where a target and the other of its pair are left out, an image is still in half of the rest, be it a member
or not. With the target alone left out, members would have one shadow fewer that saw them, and the attack would judge them by a
worse mean: under no leak at all its AUC would be below 1/2.
"""

import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.errors import UsageError


def pool_of(train: ClassData, images: int) -> ClassData:
    """At most about `images` training images, equally many of every class: the first ones, as data sets come shuffled."""
    each = max(2, images // len(train.classes))
    few = next((c for c in train.classes if train.count(c) < 2), None)
    if few is not None:
        raise UsageError(f"privacy: class '{train.class_names[few]}' has one image, which has no halves; leave the class out")
    return train.subset(torch.cat([train.members(c)[:each] for c in train.classes]).sort().values)


def halves(pool: ClassData, shadows: int, generator: torch.Generator) -> Tensor:
    """(shadows, N) bool: whether shadow s sees image i. The odd image of a class goes to either of a pair in turn."""
    inside = torch.zeros(shadows, len(pool.images), dtype=torch.bool)
    for first in range(0, shadows, 2):
        for label in pool.classes:
            members = pool.members(label).cpu()
            count = (len(members) + first // 2 % 2) // 2
            inside[first, members[torch.randperm(len(members), generator=generator)[:count]]] = True
        inside[first + 1] = ~inside[first]
    return inside


def others_of(target: int, shadows: int) -> list[int]:
    """The shadows that the attack on `target` may read: all but its pair."""
    return [index for index in range(shadows) if index // 2 != target // 2]
