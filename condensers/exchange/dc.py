"""The files of DC, DSA and DM, `res_*.pt`: {"data": [[images, labels], ...], "accs_all_exps": {...}}, a pair an experiment.

Images are (M, C, H, W) float32, normalised by the mean and std that the authors' code has for the data set; the file does not say
which. Labels are (M,) int64, ordered by class. What `harness export --to pt` writes adds keys that say the rest.
"""

from pathlib import Path
from typing import Any

import torch

from condensers.errors import UsageError
from condensers.exchange.pickled import read as unpickle
from condensers.exchange.published import Published, as_images, as_labels, as_rates
from condensers.exchange.said import statements

KEYS = ("mean", "std", "class_names", "dataset", "origin", "recipe", "card")


def parse(content: Any, path: Path, experiment: int = -1) -> Published:
    """One experiment of a loaded file; UsageError where it has no such one."""
    pairs = content.get("data") if isinstance(content, dict) else None
    if not isinstance(pairs, list) or not pairs:
        raise UsageError(f"{path}: has no list 'data' of [images, labels], as files of DC, DSA and DM have; pass --format")
    if not -len(pairs) <= experiment < len(pairs):
        raise UsageError(f"{path}: has {len(pairs)} experiments; pass --experiment 0 to {len(pairs) - 1}")
    pair = pairs[experiment]
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        raise UsageError(f"{path}: its experiment {experiment} is not [images, labels]; pass another --experiment")
    images = as_images(pair[0], path)
    rates = as_rates(content["rates"], path) if "rates" in content else None
    labels = as_labels(pair[1], len(images), path)
    return Published(path, "dc", images, labels, rates, **statements({key: content.get(key) for key in KEYS}, path))


def write(path: Path, content: dict[str, Any]) -> None:
    """Write what `parse` reads; torch.load takes it with its defaults, and so does code that reads the authors' files."""
    pair = [content["images"], content["labels"]]
    rates = {"rates": content["rates"]} if "rates" in content else {}
    torch.save({"data": [pair], "accs_all_exps": {}, **rates, **{key: content[key] for key in KEYS}}, path)


def read(path: Path, experiment: int = -1) -> Published:
    return parse(unpickle(path), path, experiment)
