"""Halves: which images each shadow's condenser sees, so that members and non-members come from one
distribution.

Shadows come in pairs: the second of a pair has the images that the first has not, class by class,
so that every image is in half of all shadows. Where a target and the other of its pair are left
out, an image is still in half of the rest, be it a member or not. With the target alone left out,
members would have one shadow fewer that saw them, and the attack would judge them by a worse mean:
under no leak at all its AUC would be below 1/2.

One shadow: a set condensed from a half of the images (or the half itself), a network trained on it,
and what both tell.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from condensers import networks
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.errors import UsageError
from condensers.sets.synthetic_set import SyntheticSet
from condensers.training.classifier import Trained, predict
from scenarios.caching import condense_once
from scenarios.embeddings import Embed
from scenarios.privacy.attacks import confidence, find_nearest, near_copy_rate
from scenarios.protocol import CondensationRequest, Reference, Splits
from scenarios.row_pictures import encode_png


def select_pool(train: ClassData, images: int) -> ClassData:
    """At most about `images` training images, equally many of every class: the first ones, as data
    sets come shuffled.
    """
    each = max(2, images // len(train.classes))
    few = next((c for c in train.classes if train.count(c) < 2), None)
    if few is not None:
        raise UsageError(
            f"privacy: class '{train.class_names[few]}' has one image, which has no halves; leave"
            " the class out"
        )
    return train.subset(torch.cat([train.members(c)[:each] for c in train.classes]).sort().values)


def draw_halves(pool: ClassData, shadows: int, generator: torch.Generator) -> Tensor:
    """(shadows, N) bool: whether shadow s sees image i.

    The odd image of a class goes to either of a pair in turn.
    """
    inside = torch.zeros(shadows, len(pool.images), dtype=torch.bool)
    for first in range(0, shadows, 2):
        for label in pool.classes:
            members = pool.members(label).cpu()
            count = (len(members) + first // 2 % 2) // 2
            inside[first, members[torch.randperm(len(members), generator=generator)[:count]]] = True
        inside[first + 1] = ~inside[first]
    return inside


def list_usable_shadows(target: int, shadows: int) -> list[int]:
    """The shadows that the attack on `target` may read: all but its pair."""
    return [index for index in range(shadows) if index // 2 != target // 2]


Fit = Callable[[nn.Module, SyntheticSet | Reference, Splits, Context, str], Trained]
Reading = dict[str, Any]


@dataclass(frozen=True, eq=False)
class ShadowExperiment:
    """What all shadows of a subject share. pool: (N) images, of which each sees the half that
    `inside` (S, N) bool marks.

    fit: trains a network in place on a set or as a reference says. shown: how many images are
    pictured.
    """

    subject: CondensationRequest | Reference
    pool: ClassData
    inside: Tensor
    data: Splits
    network: Any
    fit: Fit
    embeddings: Mapping[str, Embed]
    shown: int

    def read(self, index: int, own: Context) -> Reading:
        """As JSON values: the confidences of all images, the distances of all from the set, and
        what it took.
        """
        pool, here = self.pool, self.inside[index].to(own.device)
        half = pool.subset(here.nonzero().flatten())
        made = (
            condense_once(self.subject, half, own.fork("condense"), "halves")
            if isinstance(self.subject, CondensationRequest)
            else None
        )
        network = networks.build(
            self.network, pool.shape, len(pool.class_names), own.generator, own.device
        )
        name = f"shadow {index + 1} of {len(self.inside)}"
        shown = made if made is not None else self.subject
        assert not isinstance(shown, CondensationRequest)
        trained = self.fit(
            network, shown, Splits(half, self.data.validation, self.data.test), own, name
        )
        begun = time.perf_counter()
        test = self.data.test.to(own.device)
        with trained.keep_if_interrupted():
            right = (predict(network, test, lent=own).argmax(1) == test.labels).double().mean()
            known = predict(network, pool, lent=own)
        found: Reading = {
            "confidence": confidence(known, pool.labels).tolist(),
            "accuracy": 100 * float(right),
        }
        if made is not None:
            found |= self._measure_set(made, here, own, index == 0)
        return {
            **found,
            "seconds": trained.seconds + time.perf_counter() - begun,
            "images": trained.images,
        }

    def _measure_set(
        self, made: SyntheticSet, here: Tensor, own: Context, pictured: bool
    ) -> Reading:
        images, _ = made.decode(own.device)
        real = self.pool.normalise(self.pool.images)
        far = {
            name: find_nearest(embed(real), embed(images))[0].tolist()
            for name, embed in self.embeddings.items()
        }
        members = real[here].flatten(1)
        found: Reading = {
            "nearest": far,
            "near-copies": near_copy_rate(images.flatten(1), members, real[~here].flatten(1)),
        }
        if pictured:
            found["pictures"] = self._draw_nearest(images, self.pool.images[here], members)
        return found | {"condensation_seconds": made.cost.get("seconds")}

    def _draw_nearest(self, images: Tensor, real: Tensor, members: Tensor) -> str:
        """The images of the set that are nearest to a training image, each above that image."""
        distance, index = find_nearest(images.flatten(1), members)
        some = torch.argsort(distance, stable=True)[: self.shown]
        return encode_png((self.pool.quantise(images[some]), real[index[some]]))
