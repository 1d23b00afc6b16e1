"""Whether the images that a stream calls by an id look like those of the class that the memory
takes it for.

Each image goes to the class of the set whose mean image it correlates with most. Where ids are
another numbering of the same classes, the images of an id go to another class than its own.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from avalanche.benchmarks.utils import AvalancheDataset
from torch import Tensor

from condensers.errors import UsageError
from scenarios.continual.memory.exemplars import Exemplars

# Standard deviations by which a count must exceed another to tell.
CLEAR = 3.0
# Images of each id that are looked at, and of all ids together.
LEAST, MOST, TOTAL = 4, 32, 512


@dataclass(frozen=True)
class Votes:
    """Of n images of the id `id`: `own` went to the class that it is taken for, `other` to
    `looks`, the best of all others.
    """

    id: int
    n: int
    own: int
    looks: int
    other: int

    @property
    def against(self) -> bool:
        return self.other - self.own > CLEAR * math.sqrt(self.other + self.own)


def require_likeness(
    x: Tensor, y: Sequence[int], classes: Mapping[int, int], known: Exemplars, trust: str
) -> None:
    """Refuse, with UsageError, images x (n, C, H, W) of ids y that do not look like the set's
    classes: id -> class.

    Where the ids are "assumed" to be classes, the images must say so, and none of them the
    contrary. Where a benchmark has "mapped" them, an id that looks like another class may be one
    that this class is hard to tell from; but not most of the ids, and not two that look like each
    other's class.
    """
    votes = count_votes(x, y, classes, known)
    n, own, width = sum(v.n for v in votes), sum(v.own for v in votes), len(known.labels.unique())
    chance = n / width + CLEAR * math.sqrt(n / width * (1 - 1 / width))
    against = [v for v in votes if v.against]
    if trust == "mapped" and 2 * len(against) <= len(votes):
        against = [
            v
            for v in against
            if any(w.looks == classes[v.id] and v.looks == classes[w.id] for w in against)
        ]
    if against:
        first = against[0]
        raise UsageError(
            f"CondensedMemory: {first.other} of {first.n} images that the stream calls {first.id}"
            f" look like the set's class {first.looks}, {first.own} like class {classes[first.id]};"
            " say what each id means by class_ids={id: class of the set}, or a list of such"
            " tables, one for each experience"
        )
    if trust == "assumed" and own <= chance:
        raise UsageError(
            "CondensedMemory: the stream carries no class mapping, and its images do not tell"
            f" whether its ids {', '.join(map(str, classes))} are the set's classes; say what each"
            " means by class_ids={id: class of the set}, or a list of such tables, one for each"
            " experience"
        )


def sample_images(dataset: AvalancheDataset, ids: Sequence[int]) -> tuple[Tensor, list[int]]:
    """Images (n, C, H, W) and labels of a stream's data set, as many of each id and spread over all
    that it has.

    Raises UsageError where an item's label is not the one by which `targets` lists it.
    """
    each = min(MOST, max(LEAST, TOTAL // len(ids)))
    x, y = [], []
    for one in ids:
        among = list(dataset.targets.val_to_idx[one])
        for i in torch.linspace(0, len(among) - 1, min(each, len(among))).round().int().tolist():
            item = dataset[int(among[i])]
            if int(item[1]) != one:
                raise UsageError(
                    f"CondensedMemory: an item of the stream has label {int(item[1])}, and its data"
                    f" set's `targets` say {one}; renumber the labels before the data set is made,"
                    " not by a transform of the target"
                )
            x.append(item[0])
            y.append(one)
    return torch.stack(x), y


def count_votes(
    x: Tensor, y: Sequence[int], classes: Mapping[int, int], known: Exemplars
) -> list[Votes]:
    """The votes of the images of each id; the set's means are those of standardised images, so
    scale does not matter.
    """
    names, which = known.labels.unique(return_inverse=True)
    images = _standardise(known.images)
    means = images.new_zeros(len(names), images.shape[1]).index_add_(0, which, images)
    means = means / which.bincount()[:, None]
    # What the images of all classes share tells nothing.
    means = _standardise(means - means.mean(0))
    found = names[(_standardise(x) @ means.T).argmax(1)]
    votes, ids = [], torch.tensor(y)
    for one in classes:
        counts = found[ids == one].bincount(minlength=int(names.max()) + 1)
        own = int(counts[classes[one]]) if classes[one] < len(counts) else 0
        others = counts.clone()
        others[classes[one] : classes[one] + 1] = 0
        votes.append(Votes(one, int(counts.sum()), own, int(others.argmax()), int(others.max())))
    return votes


def _standardise(x: Tensor) -> Tensor:
    """(n, D): each image without its mean, of length 1."""
    flat = x.detach().flatten(1).float()
    flat = flat - flat.mean(1, keepdim=True)
    return flat / flat.norm(dim=1, keepdim=True).clamp_min(1e-9)
