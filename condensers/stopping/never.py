"""Never: all steps are taken, and the last state is what counts."""

from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from condensers.data import ClassData
from condensers.learning import Learnable
from condensers.setting import Setting


@dataclass(frozen=True)
class Never:
    """Takes all steps."""

    registered: ClassVar[str] = "never"
    couples_classes: ClassVar[bool] = False

    def split(self, data: ClassData, generator: torch.Generator) -> tuple[ClassData, None]:
        """Nothing is held out."""
        return data, None

    def image_passes(self, steps: int, images: int, classes: int) -> list[tuple[Any, float]]:
        return []

    def begin(self, method: Any, setting: Setting) -> "Nothing":
        return Nothing()


class Nothing:
    """Has no state."""

    finished = False

    def after(self, index: int, learned: Learnable) -> None:
        return None

    def choose(self, learned: Learnable) -> dict[str, Any]:
        return {}

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        return None
