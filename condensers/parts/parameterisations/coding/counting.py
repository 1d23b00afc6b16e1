"""The order in which images are counted against bytes, and how many of each class fit under a code
whose size no image has alone.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.parts.labels import hard_label_bytes

FIXED_ORDER = 0  # the seed of the order in which images are counted
TRIALS = 12  # sets that are measured for a count
FIRST = 16  # images of each class in the first


def order_images(data: ClassData) -> list[Tensor]:
    """Return the indices (n,) int64 of each class's images in an order in which no seed has a
    part.
    """
    generator = torch.Generator().manual_seed(FIXED_ORDER)
    members = [data.members(label) for label in data.classes]
    return [of[torch.randperm(len(of), generator=generator).to(of.device)] for of in members]


def count_fitting(
    data: ClassData,
    limit: int,
    measure: Callable[[int], float],
    exact: Callable[[int], int],
    label: int | None = None,
) -> int:
    """Return the most images of each class that fit with their labels, 0 if not even one does.

    Args:
        data: The real images.
        limit: In bytes.
        measure: About the bytes of so many images of each class, quickly.
        exact: Their bytes, asked once, for what `measure` is off by.
        label: Bytes of the label of an image; those of a hard one if None.
    """
    most = min(map(data.count, data.classes))
    labels = len(data.classes) * (hard_label_bytes(data) if label is None else label)
    found = _search(limit, measure, most, labels)
    if not 0 < found < most:
        return found
    off = exact(found) / measure(found)
    return _search(limit, lambda each: off * measure(each), most, labels)


def _search(limit: int, measure: Callable[[int], float], most: int, labels: int) -> int:
    """The most images of each class; `labels`: bytes of one label of each class."""
    fits, above, trial = 0, most + 1, min(FIRST, most)
    for _ in range(TRIALS):
        size = measure(trial) + trial * labels
        fits, above = (trial, above) if size <= limit else (fits, trial)
        if above - fits <= 1:
            break
        trial = min(max(int(trial * limit / size), fits + 1), above - 1)
    return fits
