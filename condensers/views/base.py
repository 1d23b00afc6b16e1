"""What is done to the real images before a method sees them."""

from typing import ClassVar, Protocol

from condensers.context import Context
from condensers.data import ClassData


class View(Protocol):
    """A frozen dataclass. `apply` gives the same images, labels and classes in the same order, changed image by image."""

    registered: ClassVar[str]
    couples_classes: ClassVar[bool]

    def apply(self, data: ClassData, context: Context) -> ClassData: ...
