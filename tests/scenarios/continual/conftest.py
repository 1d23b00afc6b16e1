"""Small images of ten classes that a narrow network tells apart: a bright bar at a place of its own
for each class.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch

from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.parts.parameterisations.pixels import Pixels
from condensers.registry.registry import SELECTIONS
from condensers.sets.synthetic_set import Budget, SyntheticSet
from scenarios.protocol import Splits


def bars(per_class: int, seed: int) -> ClassData:
    """Ten classes of (1, 8, 8) images: rows 0 to 4 and columns 0 to 4 are lit, over noise."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 90, (10 * per_class, 1, 8, 8), generator=generator, dtype=torch.uint8)
    labels = torch.arange(10).repeat_interleave(per_class)
    for image, label in zip(images, labels.tolist(), strict=True):
        if label < 5:
            image[0, label + 1] = 255
        else:
            image[0, :, label - 4] = 255
    return ClassData("bars", images, labels, tuple("abcdefghij"), (0.28,), (0.3,), mirror=False)


@pytest.fixture(scope="session")
def splits() -> Splits:
    return Splits(train=bars(24, 0), validation=bars(4, 1), test=bars(10, 2))


def random_set(data: ClassData, ipc: int) -> SyntheticSet:
    made: SyntheticSet = SELECTIONS.create("random").condense(
        data, Budget(ipc=ipc), Context(seed=5)
    )
    return made


@pytest.fixture(scope="session")
def memory_of() -> Callable[[ClassData, int], SyntheticSet]:
    """`memory_of(data, ipc)`: random real images as a set."""
    return random_set


@dataclass
class Spy:
    """A condenser that keeps account of what it was shown: `calls` by classes, and every image as
    bytes.
    """

    registered: ClassVar[str] = "spy"
    parameterisation: ClassVar[Pixels] = Pixels()
    couples_classes: bool = True
    evaluation: str = "none"

    def __post_init__(self) -> None:
        self.calls: Counter[tuple[int, ...]] = Counter()
        self.shown: list[tuple[tuple[int, ...], set[bytes]]] = []

    def nbytes(self, data: ClassData, ipc: int) -> int:
        size: int = SELECTIONS.create("random").nbytes(data, ipc)
        return size

    def images_per_class(self, data: ClassData, ipc: int) -> int:
        return ipc

    def images_within(self, data: ClassData, budget: Budget) -> int:
        return self.images_per_class(data, budget.ipc_of(self, data))

    def condense(self, data: ClassData, budget: Budget, context: Context) -> SyntheticSet:
        assert sorted(set(data.labels.tolist())) == sorted(data.classes)
        self.calls[data.classes] += 1
        self.shown.append((data.classes, {image.numpy().tobytes() for image in data.images}))
        made: SyntheticSet = SELECTIONS.create("random").condense(data, budget, context)
        return made


@pytest.fixture
def spy() -> Spy:
    return Spy()
