"""Where the network of each step comes from.

A schedule is a frozen dataclass of its hyperparameters; `begin(setting)` starts one run of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from torch import Tensor

from condensers.parts.setting import Setting

SyntheticBatch = Callable[[], tuple[Tensor, Tensor]]


class Running(Protocol):
    """A schedule in a run; its whole state goes into the checkpoint.

    One that gives the same network, unmoved, at several steps has a `slot` (see
    `condensers.composition.real_statistics`), that of the last `next`.
    """

    def next(self, step: int, synthetic: SyntheticBatch) -> Any:
        """What the objective is given at `step` (from 0), in the schedule's form `gives`.

        Training that follows a step on the images happens here, at the beginning of the next step.
        `synthetic()` gives the present images (M, C, H, W) and labels without a graph.
        """
        ...

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: dict[str, Any]) -> None: ...


class Schedule(Protocol):
    """gives: "network", "segment" or "nothing". couples_classes: whether its networks learn from
    several classes.

    steps(ipc): steps on the images per iteration (a method's `iterations` counts networks where a
    schedule trains them). passes(setting-free numbers): image passes of its own training over
    `steps` steps, for the estimate of time. A schedule that trains networks before the first step
    says how many image passes that takes by `preparation(data)`, and its `Running` has
    `prepared_seconds`, which counts also where they were found ready. One that keeps the real side
    says so by `keeps`, by `real_sides(steps)` in how many steps real images are read, and by
    `whole_classes` whether all of them are, beforehand.
    """

    registered: ClassVar[str]
    gives: ClassVar[str]
    couples_classes: ClassVar[bool]

    def steps(self, ipc: int) -> int: ...
    def passes(self, steps: int, images: int, ipc: int) -> float: ...
    def begin(self, setting: Setting) -> Running: ...


@dataclass(frozen=True)
class NoNetwork:
    """Gives no network at all.

    No network: for objectives that take none, or draw their own (kernels of infinitely wide
    networks).
    """

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
