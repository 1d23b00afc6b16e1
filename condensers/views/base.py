"""What is done to the real images before a method sees them."""

from typing import ClassVar, Protocol

from torch import Tensor

from condensers.context import Context
from condensers.data import ClassData


class View(Protocol):
    """A frozen dataclass. `apply` gives the same images, labels and classes in the same order, changed image by image."""

    registered: ClassVar[str]
    couples_classes: ClassVar[bool]

    def apply(self, data: ClassData, context: Context) -> ClassData: ...


class MaskSource(View, Protocol):
    """A view that keeps what its masks keep and fills the rest.

    masks: (N, H, W) uint8 on the CPU, one for each image of `data` in its order, 255 for what is kept: most relevant to
    the image's own class, or to any class where the view knows none. Equal data, settings and seed give equal masks.
    """

    def masks(self, data: ClassData, context: Context) -> Tensor: ...
