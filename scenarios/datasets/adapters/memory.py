"""Arrays and torch data sets of a Python program -> the parts of a data set.

    data = from_torch("faces,resize=32", train_set, test_set)
    data = from_arrays("faces", (images, labels), (test_images, test_labels))

The name carries the options of images, as names of data sets do. Cards call the data memory:NAME,
and a note says what they were made of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset

from condensers.errors import UsageError, shown
from scenarios.datasets import require_options
from scenarios.datasets.adapters.pooling import (
    TEST,
    TRAIN,
    VALIDATION,
    Facts,
    LabelledImages,
    pool_parts,
    prepare_pixels,
)
from scenarios.datasets.adapters.preparation import Preparation
from scenarios.datasets.adapters.samples import SampleReader, as_bytes, as_planes, read_label
from scenarios.datasets.derived import limit_images, shrink_images
from scenarios.datasets.naming import MEMORY, parse_name
from scenarios.datasets.split import as_splits
from scenarios.protocol import Splits

Array = npt.NDArray[Any] | Tensor
ArrayPair = tuple[Array, Array | Sequence[int | str]]
Pairs = Dataset[Any]
HELD = 0.1  # share of the training images that is for validation
TRIED = 4  # samples that are read twice, to find random transforms


def from_arrays(
    name: str,
    train: ArrayPair,
    test: ArrayPair | None = None,
    validation: ArrayPair | None = None,
    class_names: Sequence[str] | None = None,
    licence: str = "not recorded",
) -> Splits:
    """Make a data set of arrays or tensors.

    Args:
        name: What cards call it, perhaps with options and marks: "faces,resize=32,mirror=false".
        train: Images (N, H, W), (N, H, W, C) or (N, C, H, W), whole numbers 0 to 255 or fractions
            0 to 1, and labels (N,) or (N, 1), numbers or names.
        test: Likewise; a fifth of the training images of each class if left out.
        validation: Likewise; a tenth of the training images of each class if left out.
        class_names: The classes by number; each is called by its label if left out.
        licence: Of the images.

    Returns:
        The three parts; their images are (N, C, H, W) uint8.

    Raises:
        UsageError: The name has an unknown option.
        DataMissing: The arrays are no images with one class each.

    Examples:
        >>> import numpy as np
        >>> from scenarios import from_arrays
        >>> images = np.arange(40 * 8 * 8).reshape(40, 8, 8) % 256
        >>> data = from_arrays("stripes", (images, np.arange(40) % 2), class_names=["a", "b"])
        >>> data.train.name, data.train.shape, len(data.test.images)
        ('memory:stripes', (1, 8, 8), 8)
    """

    def read(part: ArrayPair, reader: SampleReader) -> LabelledImages:
        images, labels = part
        last = not isinstance(images, Tensor)
        values = images.detach().cpu().numpy() if isinstance(images, Tensor) else np.asarray(images)
        planes = as_bytes(as_planes(values, reader.where, last), reader.where)
        known = [read_label(label, f"{reader.where}, label {i}") for i, label in enumerate(labels)]
        if len(known) != len(planes) or not known:
            raise UsageError(f"{reader.where}: has {len(known)} labels for {len(planes)} images")
        return prepare_pixels(planes, reader.preparation, reader.log), known

    parts = {TRAIN: train, VALIDATION: validation, TEST: test}
    facts = Facts(class_names, licence=licence, notes=("was made of arrays in memory",))
    return _make_data(name, parts, read, facts)


def from_torch(
    name: str,
    train: Pairs,
    test: Pairs | None = None,
    validation: Pairs | None = None,
    class_names: Sequence[str] | None = None,
    licence: str = "not recorded",
) -> Splits:
    """Make a data set of torch data sets, which give pairs of an image and a class.

    Args:
        name: As for `from_arrays`.
        train: Its images are of Pillow, or tensors (C, H, W) before they are normalised, or arrays
            (H, W) or (H, W, C). Its transforms draw nothing at random.
        test: Likewise; a fifth of the training images of each class if left out.
        validation: Likewise; a tenth of the training images of each class if left out.
        class_names: The classes by number; each is called by its label if left out.
        licence: Of the images.

    Returns:
        The three parts; their images are (N, C, H, W) uint8.

    Raises:
        UsageError: The name has an unknown option, or a data set cannot be read by index.
        DataMissing: The samples are no images with one class each.
    """

    def read(part: Pairs, reader: SampleReader) -> LabelledImages:
        count = _count_samples(part, reader.where)
        _refuse_random(part, count, reader.where)
        return reader.read(_list_pairs(part, count, reader.where), count)

    kind = type(train)
    made_of = f"was made of the torch data set {kind.__module__}.{kind.__qualname__}"
    facts = Facts(class_names, licence=licence, notes=(made_of,))
    return _make_data(name, {TRAIN: train, VALIDATION: validation, TEST: test}, read, facts)


def _make_data(
    name: str,
    given: Mapping[str, Any],
    read: Callable[[Any, SampleReader], LabelledImages],
    facts: Facts,
) -> Splits:
    called = f"{MEMORY}{name.removeprefix(MEMORY)}"
    parsed = parse_name(called)
    if not parsed.place.strip() or set(parsed.place) & set("/\\:+"):
        raise UsageError(f"{shown(name)} is no name of a data set; write a word, such as faces")
    require_options(parsed, called)
    options = dict(parsed.options)
    reader = SampleReader(called, Preparation.from_options(options, called))
    parts = {
        part: read(value, replace(reader, where=f"{called}, {part} part"))
        for part, value in given.items()
        if value is not None
    }
    raw = pool_parts(called, parts, replace(facts, mirror=options.get("mirror") != "false"))
    notes = (*raw.notes, *reader.log.sentences(reader.preparation))
    raw = replace(raw, notes=notes)
    raw = raw if parsed.count is None else limit_images(called, raw, parsed.count)
    raw = raw if parsed.height is None else shrink_images(called, raw, parsed.height)
    return as_splits(called, raw, HELD)


def _count_samples(part: Pairs, where: str) -> int:
    try:
        count = 0 if isinstance(part, IterableDataset) else len(cast(Sequence[Any], part))
    except TypeError:
        count = 0
    if count < 1:
        raise UsageError(
            f"{where}: {type(part).__name__} has no samples that are read by index; give a data"
            " set with __len__ and __getitem__"
        )
    return count


def _list_pairs(part: Pairs, count: int, where: str) -> Iterator[tuple[Any, Any]]:
    for index in range(count):
        sample = part[index]
        if not isinstance(sample, tuple | list) or len(sample) != 2:
            raise UsageError(
                f"{where}, sample {index}: is {type(sample).__name__}, not a pair of an image and"
                " its class"
            )
        yield sample[0], sample[1]


def _refuse_random(part: Pairs, count: int, where: str) -> None:
    """Refuse transforms that draw: condensing and measuring would see other images."""
    reader = SampleReader(where, Preparation(convert="rgb"))
    for index in range(min(TRIED, count)):
        (first, _), (again, _) = (
            next(_list_pairs(torch.utils.data.Subset(part, [index]), 1, where)) for _ in range(2)
        )
        sample = f"{where}, sample {index}"
        if not np.array_equal(reader.read_image(first, sample), reader.read_image(again, sample)):
            raise UsageError(
                f"{sample}: is another image each time it is read; leave out its random transforms"
            )
