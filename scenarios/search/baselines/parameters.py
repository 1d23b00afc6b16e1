"""Parameter count: the more trainable numbers, the better."""

from dataclasses import dataclass
from typing import Any, ClassVar

from condensers.engine.context import Context
from scenarios.protocol import Splits
from scenarios.search.candidate import parameter_count


@dataclass(frozen=True)
class Counted:
    """Judges by the number of trainable parameters."""

    shape: tuple[int, int, int]
    classes: int

    measures: ClassVar[str] = "trainable parameters"
    unit: ClassVar[str] = "parameters"
    own_draws: ClassVar[bool] = False

    def judge(self, spec: Any, name: str, context: Context) -> dict[str, Any]:
        return {"score": float(parameter_count(spec, self.shape, self.classes)), "seconds": 0.0, "images": 0}


@dataclass(frozen=True)
class Parameters:
    """The number of trainable parameters."""

    registered: ClassVar[str] = "parameters"

    def judge(self, settings: Any, data: Splits) -> Counted:
        return Counted(data.train.shape, len(data.train.class_names))

    def images(self, settings: Any, data: Splits) -> float:
        return 0.0
