"""Tables of tensors by name, as many codes save: {"images": ..., "labels": ...}, and data sets of tensors.

Images are (M, C, H, W) or (M, H, W, C), uint8 or float; the table does not say how they are normalised, unless it has `mean` and
`std`, as `harness export` writes them. `rates` or `lr`: learned learning rates.
"""

from pathlib import Path
from typing import Any

from condensers.errors import UsageError
from condensers.exchange.pickled import read as unpickle
from condensers.exchange.published import Published, as_images, as_labels, as_rates
from condensers.exchange.said import statements

IMAGES = ("images", "image", "image_syn", "data", "x", "X", "imgs")
LABELS = ("labels", "label", "label_syn", "targets", "target", "y", "Y")
RATES = ("rates", "lr", "syn_lr")


def names_in(content: Any) -> tuple[str, str] | None:
    """The keys of images and labels, where a table has both."""
    if not isinstance(content, dict):
        return None
    found = [next((key for key in keys if key in content), None) for keys in (IMAGES, LABELS)]
    return (found[0], found[1]) if found[0] is not None and found[1] is not None else None


def parse(content: Any, path: Path) -> Published:
    """UsageError where a table has no images and labels."""
    keys = names_in(content)
    if keys is None:
        raise UsageError(f"{path}: is no table of 'images' and 'labels'; pass --format")
    images = as_images(content[keys[0]], path)
    rates = next((as_rates(content[key], path) for key in RATES if key in content), None)
    recipe = {"lr": "rates"} if rates is not None and len(rates) == 1 else {}
    said = statements({key: content.get(key) for key in ("mean", "std", "class_names", "dataset", "recipe")}, path)
    labels = as_labels(content[keys[1]], len(images), path)
    return Published(path, "dict", images, labels, rates, **{**said, "recipe": recipe | said["recipe"]})


def read(path: Path) -> Published:
    return parse(unpickle(path), path)
