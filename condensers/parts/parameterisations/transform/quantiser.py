"""Real images as quantised coefficients, how many of them fit, and how a set is made to fit."""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from condensers.clustering import coarse_clusters
from condensers.data import ClassData
from condensers.errors import UsageError
from condensers.parts.parameterisations.coding.counting import (
    FIXED_ORDER,
    count_fitting,
    order_images,
)
from condensers.parts.parameterisations.transform.cosines import transform
from condensers.parts.parameterisations.transform.stream import (
    STEPS,
    CodedImages,
    encode,
    measure,
)

FINE, FINER, MANY = 2, 4, 100  # how finely means are kept: finer for so many images each
LONGEST = 4095  # what a stream can tell of a side
TRIALS, ROUNDS = 12, 2  # how close a threshold is sought, and how often


class Means(NamedTuple):
    """What is taken from coefficients first.

    Attributes:
        values: (T, F) float, coefficients of mean images, ordered by class.
        each: Means of a class; 0 if there is one of all classes.
    """

    values: Tensor
    each: int


@dataclass(frozen=True)
class Quantiser:
    """How images become whole numbers.

    Attributes:
        step: In parts of the pixels' range.
        dead_zone: What a coefficient must exceed half a step by, in steps, not to be zero.
        templates: Mean images of a class; 0 for one of all.
    """

    step: float
    dead_zone: float
    templates: int

    @property
    def whole_step(self) -> int:
        """The step as it is stored."""
        return round(self.step * STEPS)

    def round(self, coefficients: Tensor) -> Tensor:
        """Return coefficients, in steps, as whole numbers."""
        size = (coefficients.abs() + (0.5 - self.dead_zone)).floor().clamp(min=0)
        return size * coefficients.sign()

    def means(self, data: ClassData) -> Means:
        """Return the mean images of `data`; those of clusters come from an order of their own."""
        if max(data.shape[1:]) > LONGEST:
            raise UsageError(
                f"images of {data.name} have a side above {LONGEST}, which a coded set cannot tell;"
                " take another parameterisation"
            )
        known = _MEANS.setdefault(data, {})
        if self.templates not in known:
            known[self.templates] = self._means(data)
        return known[self.templates]

    def _means(self, data: ClassData) -> Means:
        generator = torch.Generator().manual_seed(FIXED_ORDER)
        found = []
        for label in data.classes:
            images = data.images[data.members(label)].float() / 255
            count = max(1, self.templates)
            cluster = torch.zeros(len(images), dtype=torch.int64, device=images.device)
            if 1 < count < len(images):
                cluster = coarse_clusters(images, count, generator)
            of = [images[cluster == at] for at in range(count)]
            found.append(torch.stack([(one if len(one) else images).mean(0) for one in of]))
        every = torch.cat(found)
        if not self.templates:
            every = every.mean(0, keepdim=True)
        return Means(transform(every), self.templates)

    def origins(self, coefficients: Tensor, classes: int, means: Means) -> Tensor:
        """Return the mean (M,) int64 that is nearest to each image, among those of its class.

        Args:
            coefficients: (M, F), ordered by class, as many of each.
            classes: How many.
            means: Those of the data.
        """
        if not means.each:
            return torch.zeros(len(coefficients), dtype=torch.int64, device=coefficients.device)
        images = coefficients.view(classes, -1, coefficients.shape[1])
        near = torch.cdist(images, means.values.view(classes, means.each, -1)).argmin(2)
        first = torch.arange(classes, device=near.device)[:, None] * means.each
        return (near + first).flatten()

    def quantise(self, images: Tensor, data: ClassData) -> tuple[CodedImages, Tensor]:
        """Return coded images, and their coefficients (M, F) in steps, less the means.

        Args:
            images: (M, C, H, W) in [0, 1], ordered by class, as many of each.
            data: The real images, which the means are taken from.
        """
        coefficients, means = transform(images), self.means(data)
        origins = self.origins(coefficients, len(data.classes), means)
        fineness = FINER if len(images) > MANY * len(means.values) else FINE
        step = self.whole_step / STEPS
        kept = (means.values / (step / fineness)).round()
        free = (coefficients - kept[origins] * (step / fineness)) / step
        count = np.ones(len(kept), dtype=np.int64)
        coded = CodedImages(
            data.shape,
            count * self.whole_step,
            count * fineness,
            *as_numbers(kept, origins, self.round(free)),
        )
        return coded, free

    def quantise_like(self, images: Tensor, coded: CodedImages, unit: int | None) -> CodedImages:
        """Return images coded under a mean that is stored already.

        Args:
            images: (M, C, H, W) in [0, 1], of one class.
            coded: A set.
            unit: One of its images, whose mean and step are taken; if None, the mean is that of
                `images`, and the step the coarsest of the set.
        """
        values = transform(images.cpu()).double().numpy()
        if unit is None:
            step = coded.steps.max(keepdims=True)
            fine = np.full_like(step, FINE)
            kept = np.rint(values.mean(0, keepdims=True) * STEPS / step * FINE).astype(np.int64)
        else:
            of = coded.origins[unit : unit + 1]
            step, fine, kept = coded.steps[of], coded.finenesses[of], coded.means[of]
        free = torch.from_numpy(values * STEPS / step - kept / fine)
        origins = np.zeros(len(values), dtype=np.int64)
        (whole,) = as_numbers(self.round(free))
        return CodedImages(coded.shape, step, fine, kept, origins, whole)

    def sort(self, images: Tensor, data: ClassData) -> Tensor:
        """Return the order (M,) int64 in which images of one mean follow each other.

        Args:
            images: (M, C, H, W) in [0, 1], ordered by class, as many of each.
            data: The real images.
        """
        origins = self.origins(transform(images), len(data.classes), self.means(data))
        return origins.argsort(stable=True)

    def measure(self, data: ClassData, each: int) -> float:
        """Return about the bytes of `each` images of each class in a fixed order."""
        known = _BYTES.setdefault(data, {})
        if (self, each) not in known:
            known[self, each] = measure(self._first(data, each))
        return known[self, each]

    def _first(self, data: ClassData, each: int) -> CodedImages:
        images = data.images[torch.cat([of[:each] for of in order_images(data)])].float() / 255
        return self.quantise(images[self.sort(images, data)], data)[0]

    def count_fitting(self, data: ClassData, limit: int, label: int | None = None) -> int:
        """Return the most images of each class that fit `limit` bytes with their labels.

        They are counted in a fixed order, so that no seed has a part in it.

        Args:
            data: The real images.
            limit: In bytes.
            label: Bytes of the label of an image; those of a hard one if None.
        """
        known = _COUNTS.setdefault(data, {})
        if (self, limit, label) not in known:
            known[self, limit, label] = count_fitting(
                data,
                limit,
                lambda each: self.measure(data, each),
                lambda each: len(encode(self._first(data, each))),
                label,
            )
        return known[self, limit, label]


_MEANS: WeakKeyDictionary[ClassData, dict[int, Means]] = WeakKeyDictionary()
_BYTES: WeakKeyDictionary[ClassData, dict[tuple[Quantiser, int], float]] = WeakKeyDictionary()
_COUNTS: WeakKeyDictionary[ClassData, dict[tuple[Quantiser, int, int | None], int]] = (
    WeakKeyDictionary()
)


def as_numbers(*values: Tensor) -> list[NDArray[np.int64]]:
    """Return tensors of whole numbers as numpy's, which one read brings to the processor."""
    flat = torch.cat([one.detach().long().flatten() for one in values]).cpu()
    parts = torch.split(flat, [one.numel() for one in values])
    return [part.view(one.shape).numpy() for part, one in zip(parts, values, strict=True)]


def encode_within(images: CodedImages, free: Tensor, limit: int) -> bytes:
    """Return the stream of images, of no more than `limit` bytes where that can be.

    What takes more loses its coefficients below a threshold, the least that is enough.

    Args:
        images: The set.
        free: (M, F) its coefficients in steps, not rounded.
        limit: In bytes.
    """
    content = encode(images)
    if len(content) <= limit:
        return content
    sizes = free.detach().abs().double().cpu().numpy()
    return _encode_above(images, sizes, limit, 0.5, float(sizes.max(initial=1.0)) + 1)


def fill(images: CodedImages, free: Tensor, limit: int, dead_zone: float) -> bytes:
    """Return the stream of images, of about `limit` bytes and no more where that can be.

    What takes more loses its coefficients below a threshold. What takes less has all of those kept
    that lie above one, which is half a step at the least: what is smaller is nearer to zero.

    Args:
        images: The set.
        free: (M, F) its coefficients in steps, not rounded, those that it leaves out among them.
        limit: In bytes.
        dead_zone: In steps; what exceeds half a step by as much is not zero.
    """
    edge = 0.5 + dead_zone
    content = encode(images)
    if len(content) > limit:
        return encode_within(images, free, limit)
    signed = free.detach().double().cpu().numpy()
    sizes = np.abs(signed)
    coefficients = images.coefficients
    whole = np.where((coefficients == 0) & (sizes < edge), np.sign(signed), coefficients)
    more = replace(images, coefficients=whole.astype(np.int64))
    found = _encode_above(more, sizes, limit, 0.5, edge)
    return found if len(content) < len(found) <= limit else content


def _encode_above(
    images: CodedImages, sizes: NDArray[np.float64], limit: int, low: float, high: float
) -> bytes:
    """Encode the coefficients whose `sizes` are above the least threshold that is enough."""
    most, worth = high, 1.0
    for _ in range(ROUNDS):  # once to see what a measured byte is worth, and with that again
        low_, high_ = low, most
        while high_ / low_ > 1 + 2**-TRIALS:
            threshold = math.sqrt(low_ * high_)
            enough = worth * measure(_without(images, sizes < threshold)) <= limit
            low_, high_ = (low_, threshold) if enough else (threshold, high_)
        kept = _without(images, sizes < high_)
        content = encode(kept)
        worth = len(content) / measure(kept)
    while len(content) > limit and high_ <= most:
        high_ *= 1.001
        content = encode(_without(images, sizes < high_))
    return content


def _without(images: CodedImages, dropped: NDArray[np.bool_]) -> CodedImages:
    kept = np.where(dropped, 0, images.coefficients)
    return replace(images, coefficients=kept)
