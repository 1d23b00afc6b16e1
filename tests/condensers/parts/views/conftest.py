"""Images with an object whose place is known, and rough masks of it in a file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from condensers.data import ClassData

SIDE, CLASSES, PER_CLASS = 28, 3, 4


class Composed(NamedTuple):
    """objects: (N, H, W) bool, true where the object is. rough: a view of blurred masks of it, as a
    suite names it.
    """

    data: ClassData
    objects: Tensor
    rough: dict[str, Any]


@pytest.fixture
def composed(tmp_path: Path) -> Callable[..., Composed]:
    """`composed(channels, seed=0)`: bright objects, a shape for each class, on dark textures, a
    texture for each image.
    """

    def compose(channels: int, seed: int = 0) -> Composed:
        generator = torch.Generator().manual_seed(seed)
        count = CLASSES * PER_CLASS
        labels = torch.arange(CLASSES).repeat(PER_CLASS)
        tint = torch.tensor([30, 70, 110])[:channels].view(-1, 1, 1)
        coarse = torch.randint(0, 25, (count, channels, 7, 7), generator=generator).float()
        backgrounds = functional.interpolate(coarse, (SIDE, SIDE)) + tint
        objects = torch.zeros(count, SIDE, SIDE, dtype=torch.bool)
        corners = torch.randint(4, 12, (count, 2), generator=generator)
        for index, (row, column) in enumerate(corners.tolist()):
            height, width = ((12, 6), (6, 12), (9, 9))[int(labels[index])]
            objects[index, row : row + height, column : column + width] = True
        colour = torch.tensor([230, 200, 20])[:channels].view(-1, 1, 1)
        shade = torch.randint(-10, 10, (count, 1, SIDE, SIDE), generator=generator)
        images = torch.where(objects[:, None], colour + shade, backgrounds).round().to(torch.uint8)
        names = tuple(f"class {c}" for c in range(CLASSES))
        data = ClassData(
            "composed",
            images,
            labels,
            names,
            (0.4, 0.4, 0.4)[:channels],
            (0.3, 0.3, 0.3)[:channels],
        )
        return Composed(data, objects, rough_of(objects, tmp_path / f"rough{channels}{seed}.npy"))

    return compose


def rough_of(objects: Tensor, path: Path) -> dict[str, Any]:
    """Blurred masks, so wide that a threshold alone keeps much of the background, as a file for the
    view `mask`.
    """
    blurred = functional.avg_pool2d(objects.float()[:, None], 9, 1, 4)[:, 0]
    relative = blurred / blurred.amax((1, 2), keepdim=True)
    numpy.save(path, (relative * 255).round().to(torch.uint8).numpy())
    return {"name": "mask", "file": str(path)}
