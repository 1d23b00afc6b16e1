"""No network: for objectives that take none, or draw their own (kernels of infinitely wide networks)."""

from dataclasses import dataclass
from typing import Any, ClassVar

from condensers.schedules.base import SyntheticBatch
from condensers.setting import Setting


@dataclass(frozen=True)
class NoNetwork:
    """Gives no network at all."""

    registered: ClassVar[str] = "none"
    gives: ClassVar[str] = "nothing"
    couples_classes: ClassVar[bool] = False

    def steps(self, ipc: int) -> int:
        return 1

    def passes(self, steps: int, images: int, ipc: int) -> float:
        return 0.0

    def begin(self, setting: Setting) -> "Nothing":
        return Nothing()


class Nothing:
    """Has no state."""

    def next(self, step: int, synthetic: SyntheticBatch) -> None:
        return None

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        return None
