"""How many images fit as files, and how chosen ones are made to fit."""

from collections.abc import Callable, Sequence
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from condensers.data import ClassData
from condensers.parts.labels import hard_label_bytes
from condensers.parts.parameterisations.coding.counting import order_images
from condensers.parts.parameterisations.compressed import SHORT
from condensers.parts.parameterisations.jpeg import files

_LENGTHS: WeakKeyDictionary[ClassData, dict[tuple[str, int], dict[int, int]]] = WeakKeyDictionary()


class Sizes:
    """The files of `data` under one codec and quality, each made when it is first asked for.

    How long they are is known from then on to all who count images of the same data.
    """

    def __init__(self, data: ClassData, codec: str, quality: int) -> None:
        self.data, self.codec, self.quality = data, codec, quality
        self.frame = files.frame(codec, quality, data.shape)
        self.made: dict[int, bytes] = {}
        known = _LENGTHS.setdefault(data, {})
        self.known = known.setdefault((codec, quality), {})

    def bodies(self, indices: Sequence[int]) -> list[bytes]:
        """What each of these images adds to the frame."""
        new = [index for index in dict.fromkeys(indices) if index not in self.made]
        if new:
            images = self.data.images[torch.tensor(new, device=self.data.device)].cpu().numpy()
            self.made.update(zip(new, files.bodies(self.codec, self.quality, images), strict=True))
        return [self.made[index] for index in indices]

    def lengths(self, indices: Sequence[int]) -> list[int]:
        """The bytes that each of these images adds to the frame."""
        new = [index for index in indices if index not in self.known]
        self.known.update(zip(new, map(len, self.bodies(new)), strict=True))
        return [self.known[index] for index in indices]

    def length(self, index: int) -> int:
        """Return the bytes that an image adds to the frame."""
        return self.lengths([index])[0]

    def total(self, content: int, longest: int, images: int, label: int | None = None) -> int:
        """Stored bytes of a set of `images` whose bodies have `content` bytes, the longest
        `longest`; `label`: those of the label of an image, of a hard one if None.
        """
        own = hard_label_bytes(self.data) if label is None else label
        each = (2 if longest < SHORT else 4) + own
        return sum(map(len, self.frame)) + content + images * each

    def fitting(self, limit: int, label: int | None = None) -> int:
        """The most images of each class that fit `limit` bytes, counted in a fixed order, so that
        no seed has a part in it; `label` as in `total`.
        """
        orders, content, longest = self._orders(), 0, 0
        for rank, images in enumerate(zip(*orders, strict=False)):
            lengths = self.lengths(images)
            content, longest = content + sum(lengths), max(longest, *lengths)
            if self.total(content, longest, (rank + 1) * len(orders), label) > limit:
                return rank
        return min(map(len, orders))

    def fitting_alike(self, lengths: Sequence[int], limit: int) -> int:
        """The most images of each class that fit `limit` bytes if all are as long as these on
        average; no more than there are, and one at least.
        """
        classes, most = len(self.data.classes), min(map(self.data.count, self.data.classes))
        frame = sum(map(len, self.frame))
        taken = self.total(sum(lengths), max(lengths), len(lengths)) - frame
        each = (limit - frame) * len(lengths) // (taken * classes)
        return max(1, min(most, each))

    def content(self, images: int) -> int:
        """Bytes of the bodies of so many images of each class, in that order."""
        return sum(sum(self.lengths(of[:images])) for of in self._orders())

    def _orders(self) -> list[list[int]]:
        """The indices of each class's images in the fixed order."""
        return [of.tolist() for of in order_images(self.data)]


def fit_images(
    chosen: Sequence[Sequence[int]], sizes: Sizes, limit: int, features: Callable[[Tensor], Tensor]
) -> list[list[int]]:
    """The chosen images of each class, with as few replaced as make them fit `limit`; as many must
    be known to fit.

    The largest file goes first, for the nearest image with a smaller one: the n smallest files of
    each class are the end of it.
    """
    found = [list(of) for of in chosen]
    while True:
        lengths = {
            (c, i): sizes.length(index) for c, of in enumerate(found) for i, index in enumerate(of)
        }
        if sizes.total(sum(lengths.values()), max(lengths.values()), len(lengths)) <= limit:
            return found
        _replace_one(found, lengths, sizes, features)


def _replace_one(
    found: list[list[int]],
    lengths: dict[tuple[int, int], int],
    sizes: Sizes,
    features: Callable[[Tensor], Tensor],
) -> None:
    for place in sorted(lengths, key=lambda place: -lengths[place]):
        c, i = place
        members = sizes.data.members(sizes.data.classes[c])
        points = features(members)
        own = points[int((members == found[c][i]).nonzero())]
        for index in members[(points - own).norm(dim=1).argsort()].tolist():
            if index not in found[c] and sizes.length(index) < lengths[place]:
                found[c][i] = index
                return
    raise AssertionError("the smallest files of each class do not fit, though as many images did")
