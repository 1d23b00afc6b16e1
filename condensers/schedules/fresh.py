"""A new, randomly initialised network for every step (DM, WACV 2023, section 3.2)."""

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import nn

from condensers.schedules.base import SyntheticBatch
from condensers.setting import Setting


@dataclass(frozen=True)
class Fresh:
    """A new network at every step, never trained."""

    registered: ClassVar[str] = "fresh"
    gives: ClassVar[str] = "network"
    couples_classes: ClassVar[bool] = False

    def steps(self, ipc: int) -> int:
        return 1

    def passes(self, steps: int, images: int, ipc: int) -> float:
        return 0.0

    def begin(self, setting: Setting) -> "FreshNetworks":
        return FreshNetworks(setting)


class FreshNetworks:
    """Has no state but that of the run's generator."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting

    def next(self, step: int, synthetic: SyntheticBatch) -> nn.Module:
        """A network that was not there before."""
        return self.setting.fresh()

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        return None
