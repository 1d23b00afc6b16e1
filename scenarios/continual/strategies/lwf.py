"""LwF: the network is held to what it said of the new images before it saw them; with a memory, this too is replayed.

L = CE(f(x), y) + alpha KL(softmax(f'(x)[C] / T) || softmax(f(x)[C] / T)),  f' after the experience before, C its classes.
Source: Li and Hoiem, "Learning without Forgetting" (TPAMI 2017); Avalanche's LwFPlugin.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from condensers.hyperparameters import hyper
from scenarios.continual.strategies.base import Plugin, Setup, Strategy
from scenarios.continual.strategies.replay import Replay


@dataclass(frozen=True)
class LwF(Strategy):
    """Learning without forgetting: distillation from the network as it was after the experience before."""

    alpha: float = hyper(1.0, unit="weight of the distillation", source="Avalanche's default", minimum=0.0)
    temperature: float = hyper(2.0, source="LwF, section 3; Avalanche's default", minimum=0.1)

    registered: ClassVar[str] = "lwf"
    memory: ClassVar[str] = "optional"

    def plugins(self, setup: Setup) -> Sequence[Plugin]:
        from scenarios.continual.rules.penalties import Distillation

        replayed = Replay().plugins(setup) if setup.memory is not None else []
        return [*replayed, Distillation(self.alpha, self.temperature)]
