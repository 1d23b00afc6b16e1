"""The files of IDC and DREAM, `data.pt`: [images, labels].

Images are (M, C, H, W) float32 in 0 to 1, not normalised (some overshoot: the authors clamp them now and then); with a factor f,
each is a canvas of f x f tiles. Labels are (M,) int64, ordered by class. The file does not say the factor.
"""

from pathlib import Path
from typing import Any

from condensers.errors import UsageError
from condensers.exchange.pickled import read as unpickle
from condensers.exchange.published import Published, as_images, as_labels


def parse(content: Any, path: Path) -> Published:
    if not isinstance(content, list | tuple) or len(content) != 2:
        raise UsageError(f"{path}: is not [images, labels], as files of IDC are; pass --format")
    images = as_images(content[0], path)
    return Published(path, "idc", images, as_labels(content[1], len(images), path), pixels="unit")


def read(path: Path) -> Published:
    return parse(unpickle(path), path)
