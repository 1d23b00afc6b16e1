"""How a small synthetic set is made from a large real one.

`load` reads a set as a torch Dataset; only then is torch imported.
"""

from os import PathLike
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from condensers.sets.synthetic_set import SyntheticDataset


def load(path: "str | PathLike[str]") -> "SyntheticDataset":
    """The set in FILE.safetensors as a torch Dataset of (image, label); UsageError where it is
    missing, damaged or not a set.
    """
    from pathlib import Path

    from condensers.sets.files import load_set
    from condensers.sets.synthetic_set import SyntheticDataset

    return SyntheticDataset(load_set(Path(path)))
