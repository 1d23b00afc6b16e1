"""Networks of random weights: drawn anew, or kept for several steps."""

from dataclasses import dataclass
from typing import Any, ClassVar, final

import torch
from torch import nn

from condensers.data import ClassData
from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from condensers.parts.model_schedules.base import (
    ModelSchedule,
    NetworkSlot,
    ScheduleRun,
    SyntheticBatch,
)
from condensers.parts.setting import RunSetting


@final
@dataclass(frozen=True)
class Fresh(ModelSchedule):
    """A new, randomly initialised network for every step (DM, WACV 2023, section 3.2), or for every
    few of them; never trained.

    With `every` k > 1 a network serves k steps, each with a real batch and a draw of augmentation
    of its own (M3D, AAAI 2024, "iterations per random model"). With `reuse` k > 1 it serves k steps
    with one real batch, one draw of augmentation and what the objective read from them: the real
    side costs a k-th. DC and DSA's networks are matched so by the schedule trained-on-synthetic.
    """

    reuse: int = hyper(
        1,
        unit="steps",
        help="steps with a network, its real batch and its draw",
        source="DM, algorithm 1",
        minimum=1,
    )

    every: int = hyper(
        1,
        unit="steps",
        help="steps with a network, each with a real batch and a draw of its own",
        source="DM, algorithm 1",
        minimum=1,
    )

    registered: ClassVar[str] = "fresh"
    couples_classes: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.reuse > 1 and self.every > 1:
            raise UsageError(
                f"model schedule fresh: reuse {self.reuse} keeps a real batch with its network, and"
                f" every {self.every} draws a new one at each step; leave one of them at 1"
            )

    @property
    def keeps_networks(self) -> bool:
        """Whether a network serves more than one step."""
        return self.reuse > 1 or self.every > 1

    @property
    def reuses_networks(self) -> bool:
        """Whether a network serves more than one step with the same real batch."""
        return self.reuse > 1

    def real_sides(self, steps: int) -> int:
        """Return in how many of so many steps real images are read."""
        return -(-steps // self.reuse)

    def begin(self, setting: RunSetting) -> "FreshNetworks":
        """Start a run."""
        return FreshNetworks(self, setting)


class FreshNetworks(ScheduleRun):
    """One run; the present network is its state where it serves more than one step."""

    def __init__(self, schedule: Fresh, setting: RunSetting) -> None:
        self.schedule, self.setting = schedule, setting
        self.current: nn.Module | None = None

    def next(self, step: int, synthetic: SyntheticBatch) -> nn.Module:
        """A network that was not there before, at the first of each `reuse` or `every` steps."""
        new = step % max(self.schedule.reuse, self.schedule.every) == 0
        if self.current is None or new:
            self.current = self.setting.fresh()
        self.slot = NetworkSlot(0, new, whole=False) if self.schedule.reuses_networks else None
        return self.current

    def state_dict(self) -> dict[str, Any]:
        """Return the whole state, for the checkpoint."""
        return (
            {"network": self.current.state_dict()}
            if self.schedule.keeps_networks and self.current is not None
            else {}
        )

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        if "network" in state:
            self.current = self.setting.fresh()
            self.current.load_state_dict(state["network"])


@final
@dataclass(frozen=True)
class Cached(ModelSchedule):
    """A fixed number of random networks that come again and again, each with what the objective
    reads from the real images, computed once.

    L(S) = sum_c || m_ic - mean_b psi_i(A_i(s_cb)) ||^2,  m_ic = mean of psi_i(A_i(x)) over class c,
    i the step's network

    Source: ours, of DM's objective (WACV 2023, eq. 5), whose expectation over networks becomes a
    mean over `networks` of them, each with one draw of augmentation, and whose real batch becomes
    the whole class: no noise on the real side, no cost of it after the first steps. Any objective
    with statistics takes it. `real = "batch"` reads one batch of the sampler in place of the whole
    class.
    """

    networks: int = hyper(10, unit="networks", source="ours", minimum=1)
    real: str = hyper(
        "class",
        help="real images behind the statistics of a network",
        source="ours",
        values=("class", "batch"),
    )
    order: str = hyper(
        "in-turn", help="which network a step takes", source="ours", values=("in-turn", "random")
    )

    registered: ClassVar[str] = "cached"
    couples_classes: ClassVar[bool] = False
    reuses_networks: ClassVar[bool] = True
    keeps_statistics: ClassVar[bool] = True

    @property
    def whole_classes(self) -> bool:
        """Whether the statistics are of all images of a class."""
        return self.real == "class"

    def real_sides(self, steps: int) -> int:
        """Return in how many of so many steps real images are read."""
        return 0 if self.whole_classes else min(steps, self.networks)

    def preparation(self, data: ClassData) -> float:
        """Image passes of the caches: forward only, a third of a pass."""
        return self.networks * len(data.images) / 3 if self.whole_classes else 0.0

    def begin(self, setting: RunSetting) -> "CachedNetworks":
        """Start a run."""
        return CachedNetworks(self, setting)


class CachedNetworks(ScheduleRun):
    """One run: its networks.

    What is cached belongs to the loop, which finds it by the slot's number.
    """

    def __init__(self, schedule: Cached, setting: RunSetting) -> None:
        self.schedule, self.setting = schedule, setting
        self.networks = [setting.fresh() for _ in range(schedule.networks)]

    def next(self, step: int, synthetic: SyntheticBatch) -> nn.Module:
        """One of the networks."""
        size = len(self.networks)
        number = step % size
        if self.schedule.order == "random":
            number = int(torch.randint(size, (1,), generator=self.setting.generator))
        self.slot = NetworkSlot(number, new=False, whole=self.schedule.whole_classes)
        return self.networks[number]

    def state_dict(self) -> dict[str, Any]:
        """Return the whole state, for the checkpoint."""
        return {"networks": [network.state_dict() for network in self.networks]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        for network, weights in zip(self.networks, state["networks"], strict=True):
            network.load_state_dict(weights)
