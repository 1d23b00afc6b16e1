"""The files of MTT and those that follow it: `images_best.pt` and `labels_best.pt`, a tensor each, and often `lr_best.pt`.

Images are (M, C, H, W) float32, normalised; labels (M,) int64, or soft (TESLA), then (M, K); the learned rate is one number.
Where the run whitened its images (ZCA, as MTT's did for CIFAR), no file says so: `condensers.exchange.pixels` asks and undoes it.
"""

from pathlib import Path
from typing import Any

from condensers.errors import UsageError
from condensers.exchange.pickled import read as unpickle
from condensers.exchange.published import Published, as_images, as_labels, as_rates


def parse(content: Any, path: Path, labels: Path | None, rate: Path | None) -> Published:
    """Images from `content`, the rest from its own files."""
    images = as_images(content, path)
    if labels is None:
        raise UsageError(f"{path}: holds images alone; pass the file of their labels: --with-labels labels_best.pt")
    rates = None if rate is None else as_rates(unpickle(rate), rate)
    if rates is not None and len(rates) != 1:
        raise UsageError(f"{rate}: holds {len(rates)} learning rates where a set of this kind has one; leave --with-lr out")
    recipe = {} if rates is None else {"lr": "rates"}
    return Published(path, "mtt", images, as_labels(unpickle(labels), len(images), labels), rates, recipe=recipe)


def read(path: Path, labels: Path | None, rate: Path | None) -> Published:
    return parse(unpickle(path), path, labels, rate)
