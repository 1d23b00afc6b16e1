"""Hard labels: the class of each image, one whole number for each stored unit."""

from dataclasses import dataclass
from typing import ClassVar

from condensers.labels.base import label_dtype


@dataclass(frozen=True)
class Hard:
    """The class of each stored unit."""

    registered: ClassVar[str] = "hard"
    learned: ClassVar[bool] = False
    couples_classes: ClassVar[bool] = False
    form: ClassVar[str] = "hard"

    def nbytes(self, classes: int, units: int, images: int) -> int:
        return units * label_dtype(classes).itemsize
