"""A new, randomly initialised network for every step (DM, WACV 2023, section 3.2), or for every few of them.

With `reuse` k > 1 a network serves k steps, and with it its real batch, its draw of augmentation and what the objective read from
them: the real side costs a k-th. DC and DSA's networks are matched so by the schedule trained-on-synthetic.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import nn

from condensers.fields import hyper
from condensers.real_side import Slot
from condensers.schedules.base import SyntheticBatch
from condensers.setting import Setting


@dataclass(frozen=True)
class Fresh:
    """A new network at every step, or every few steps, never trained."""

    reuse: int = hyper(1, unit="steps with a network, its real batch and its draw", source="DM, algorithm 1", minimum=1)

    registered: ClassVar[str] = "fresh"
    gives: ClassVar[str] = "network"
    couples_classes: ClassVar[bool] = False

    @property
    def keeps(self) -> bool:
        return self.reuse > 1

    def real_sides(self, steps: int) -> int:
        return -(-steps // self.reuse)

    def steps(self, ipc: int) -> int:
        return 1

    def passes(self, steps: int, images: int, ipc: int) -> float:
        return 0.0

    def begin(self, setting: Setting) -> "FreshNetworks":
        return FreshNetworks(self, setting)


class FreshNetworks:
    """One run; the present network is its state where it serves more than one step."""

    def __init__(self, schedule: Fresh, setting: Setting) -> None:
        self.schedule, self.setting = schedule, setting
        self.current: nn.Module | None = None
        self.slot: Slot | None = None

    def next(self, step: int, synthetic: SyntheticBatch) -> nn.Module:
        """A network that was not there before, at the first of each `reuse` steps."""
        new = step % self.schedule.reuse == 0
        if self.current is None or new:
            self.current = self.setting.fresh()
        self.slot = Slot(0, new, whole=False) if self.schedule.keeps else None
        return self.current

    def state_dict(self) -> dict[str, Any]:
        return {"network": self.current.state_dict()} if self.schedule.keeps and self.current is not None else {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if "network" in state:
            self.current = self.setting.fresh()
            self.current.load_state_dict(state["network"])
