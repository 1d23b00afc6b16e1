"""When learning ends before its last step.

A stop rule is a frozen dataclass of its hyperparameters; `begin(method, setting)` starts one run of it.
"""

from typing import Any, ClassVar, Protocol

import torch

from condensers.context import Stateful
from condensers.data import ClassData
from condensers.learning import Learnable
from condensers.setting import Setting


class Watch(Stateful, Protocol):
    """A stop rule in a run. finished: whether no further step is wanted."""

    finished: bool

    def after(self, index: int, learned: Learnable) -> None:
        """Step `index` (from 0) is done."""
        ...

    def choose(self, learned: Learnable) -> dict[str, Any]:
        """Put back the state that is to be stored, once no step follows; returns what the card tells of it."""
        ...


class StopRule(Protocol):
    """couples_classes: whether what one class becomes depends on the others through this rule."""

    registered: ClassVar[str]
    couples_classes: ClassVar[bool]

    def split(self, data: ClassData, generator: torch.Generator) -> tuple[ClassData, ClassData | None]:
        """The images that are learned from, and those held out for the rule."""
        ...

    def image_passes(self, steps: int, images: int, classes: int) -> list[tuple[Any, float]]:
        """Networks and about how many images pass each, forward and backward, over `steps` steps; for the estimate of time."""
        ...

    def begin(self, method: Any, setting: Setting) -> Watch: ...
