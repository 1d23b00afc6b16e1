"""Identity: the real images as they are."""

from dataclasses import dataclass
from typing import ClassVar

from condensers.context import Context
from condensers.data import ClassData


@dataclass(frozen=True)
class Identity:
    """Real images as they are."""

    registered: ClassVar[str] = "identity"
    couples_classes: ClassVar[bool] = False

    def apply(self, data: ClassData, context: Context) -> ClassData:
        return data
