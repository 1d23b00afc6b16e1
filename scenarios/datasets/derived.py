"""NAME~COUNT: a data set with the first COUNT training images of each class alone; its test images
are all there.

Mean and deviation are computed anew, from the images that are left.

NAME@PIXELS: a data set's images at a lesser height, each pixel the mean of a square of f x f of
them.

x'_ij = round( 1/f^2 sum_{a,b<f} x_{fi+a, fj+b} ),  halves rounded up

Mean and deviation are computed anew: those of the whole images are not those of averages.

NAME,test=validation: what is held out for validation takes the place of the test images, so that
settings are chosen without them; validation images are held out anew from what is left.

domains:A+B+C, the same classes as several data sets show them: every class of every data set is a
class of its own.

label = d K + k for class k of K in data set d. All images have the largest height and width
(antialiased bilinear), and three equal channels where any has colours. The parts of each data set
stay apart: no image changes between them. Source: ours, for domain-incremental streams (van de Ven
and Tolias, "Three scenarios for continual learning", 2019).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from condensers.data import ClassData
from condensers.errors import UsageError
from scenarios.datasets.naming import DOMAINS, domain_names
from scenarios.datasets.raw import Indices, Pixels, RawData, RawPart
from scenarios.datasets.split import SEED, hold_out, statistics
from scenarios.protocol import Splits


def limit_images(name: str, raw: RawData, count: int) -> RawData:
    """The first `count` training images of each class in the order of the files; UsageError where
    no class has more.
    """
    chosen = first_of_each(name, raw.train.labels, count)
    return replace(raw, train=raw.train.take(chosen), mean=None, std=None)


def first_of_each(name: str, labels: Indices, count: int) -> Indices:
    """Positions of the first `count` of each label among `labels`, ascending; UsageError where no
    class has more.
    """
    most = int(np.bincount(labels).max())
    if count >= most:
        raise UsageError(
            f"dataset '{name}': no class has more than {most} training images; leave out ~{count}"
        )
    found = [np.flatnonzero(labels == label)[:count] for label in np.unique(labels)]
    return np.sort(np.concatenate(found))


def shrink_images(name: str, raw: RawData, height: int) -> RawData:
    """All parts with images (N, C, height, W / f) for f = H / height; UsageError where f is no
    whole number above 1.
    """
    train, test, validation = (
        part and RawPart(average_squares(name, part.images, height), part.labels, part.files)
        for part in (raw.train, raw.test, raw.validation)
    )
    assert train is not None and test is not None
    return replace(raw, train=train, test=test, validation=validation, mean=None, std=None)


def average_squares(name: str, images: Pixels, height: int) -> Pixels:
    """Images (N, C, H, W) at the lesser height, each pixel the mean of a square."""
    count, channels, rows, columns = images.shape
    factor = rows // height
    if factor < 2 or rows % height or columns % factor:
        known = [str(rows // f) for f in range(2, rows + 1) if rows % f == 0 and columns % f == 0]
        fitting = f"take one of {', '.join(known)}" if known else "no lesser one fits"
        raise UsageError(
            f"dataset '{name}': images of {rows} x {columns} pixels are not brought to {height} by"
            f" averages; {fitting}"
        )
    squares = images.reshape(count, channels, height, factor, columns // factor, factor)
    sums = squares.sum((3, 5), dtype=np.uint32)
    rounded: Pixels = ((2 * sums + factor**2) // (2 * factor**2)).astype(np.uint8)
    return rounded


def replace_test(name: str, raw: RawData, validation: float) -> RawData:
    """The data with their validation images as test images and no validation images; the test
    images are gone.

    Args:
        name: For messages.
        raw: All parts.
        validation: The share of each class that is held out where there are no validation images
            yet, as without this.
    """
    train, held = raw.train, raw.validation
    if held is None:
        train, held = hold_out(name, raw.train, raw.class_names, validation, "validation")
    note = "the test part holds the images held out for validation; the true ones are not read"
    return replace(raw, train=train, test=held, validation=None, notes=(*raw.notes, note))


@dataclass(frozen=True)
class DomainClasses:
    """For each class of a data set of domains: which of the common outputs it means, and which
    domain shows it.
    """

    outputs: tuple[int, ...]
    domains: tuple[int, ...]


def map_domains(name: str, classes: int) -> DomainClasses | None:
    """What the `classes` classes of the data set `name` mean; None for one without domains,
    whatever its classes are called.
    """
    if not name.startswith(DOMAINS):
        return None
    each = classes // len(domain_names(name))
    return DomainClasses(
        tuple(c % each for c in range(classes)), tuple(c // each for c in range(classes))
    )


def combine(sets: Sequence[Splits]) -> Splits:
    """The splits of all domains as those of one data set; UsageError where their classes differ."""
    first = sets[0].train
    for one in sets:
        if one.train.class_names != first.class_names:
            raise UsageError(
                f"domains: {first.name} and {one.train.name} do not have the same classes"
                f" ({_describe_classes(first)}; {_describe_classes(one.train)}); take data sets of"
                " the same classes"
            )
    shapes = [one.train.shape for one in sets]
    shape = max(s[0] for s in shapes), max(s[1] for s in shapes), max(s[2] for s in shapes)
    named = DOMAINS + "+".join(one.train.name for one in sets)
    parts = zip(*((one.train, one.validation, one.test) for one in sets), strict=True)
    pooled = [_pool_domains(part, shape) for part in parts]
    mean, std = statistics(pooled[0][0].numpy())
    data = [
        ClassData(
            name=named,
            images=images,
            labels=labels,
            class_names=tuple(
                f"{one.train.name}: {name}" for one in sets for name in one.train.class_names
            ),
            mean=mean,
            std=std,
            mirror=all(one.train.mirror for one in sets),
            licence="; ".join(dict.fromkeys(one.train.licence for one in sets)),
            notes=tuple(f"{one.train.name} {note}" for one in sets for note in one.train.notes),
        )
        for images, labels in pooled
    ]
    return Splits(*data)


def _describe_classes(data: ClassData) -> str:
    return f"{len(data.class_names)}: {', '.join(data.class_names[:3])}, ..."


def _pool_domains(parts: Sequence[ClassData], shape: tuple[int, int, int]) -> tuple[Tensor, Tensor]:
    """Images (N, C, H, W) uint8 of `shape` and labels of one part of every domain, in one shuffled
    order.
    """
    each = len(parts[0].class_names)
    images = torch.cat([_resize(part.images, shape) for part in parts])
    labels = torch.cat([part.labels + domain * each for domain, part in enumerate(parts)])
    order = torch.from_numpy(np.random.RandomState(SEED).permutation(len(labels)))
    return images[order], labels[order]


def _resize(images: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """Images (N, c, h, w) uint8 as (N, C, H, W) uint8."""
    if tuple(images.shape[2:]) != shape[1:]:
        sized = functional.interpolate(
            images.float(), size=shape[1:], mode="bilinear", antialias=True
        )
        images = sized.round().clamp(0, 255).to(torch.uint8)
    return images.expand(-1, shape[0], -1, -1)
