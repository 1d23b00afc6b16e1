"""The files of DD, `results.pth`: [(images, labels, rate), ...], a triple a training step.

Every step has images of its own, one a class; with several passes over them the triples repeat. Images are normalised float32.
The order and the rates belong to the set: it is kept as an ordered set, the s-th image of each class for step s.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from condensers.errors import UsageError
from condensers.exchange.pickled import read as unpickle
from condensers.exchange.published import Published, as_images, as_labels, as_rates


def parse(content: Any, path: Path) -> Published:
    triples = isinstance(content, list | tuple) and content and all(isinstance(s, list | tuple) and len(s) == 3 for s in content)
    if not triples:
        raise UsageError(f"{path}: is not a list of (images, labels, rate), as files of DD are; pass --format")
    images = [as_images(step[0], path) for step in content]
    labels = [as_labels(step[1], len(images[0]), path) for step in content]
    rates = torch.cat([as_rates(step[2], path) for step in content])
    if any(one.ndim != 1 or sorted(one.tolist()) != sorted(set(labels[0].tolist())) for one in labels) or len(rates) != len(
        images
    ):
        raise UsageError(f"{path}: a step is not one image and hard label of each class with one rate; such sets are not read")
    distinct = _period(images)
    recipe = {"ordered": True, "epochs": len(images) // distinct}
    return Published(path, "dd", torch.cat(images[:distinct]), torch.cat(labels[:distinct]), rates, recipe=recipe)


def _period(steps: list[Tensor]) -> int:
    """After how many steps the images come again; all of them where they never do."""
    fits = (n for n in range(1, len(steps)) if len(steps) % n == 0)
    return next((n for n in fits if all(torch.equal(a, b) for a, b in zip(steps, steps[n:], strict=False))), len(steps))


def read(path: Path) -> Published:
    return parse(unpickle(path), path)
