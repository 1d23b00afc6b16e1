"""Strategies that penalise forgetting and need no memory: EWC and LwF."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from condensers.hyperparameters import hyper
from scenarios.continual.strategies.base import ResumablePlugin, Setup, Strategy
from scenarios.continual.strategies.replay import Replay


@dataclass(frozen=True)
class Ewc(Strategy):
    """Elastic weight consolidation: weights that mattered to past experiences are held in place.

    L = CE(f(x), y) + strength sum_k F_k (theta_k - theta*_k)^2,  F the squared gradients, averaged
    over minibatches

    A memory, if given, is replayed.

    Source: Kirkpatrick et al., "Overcoming catastrophic forgetting in neural
    networks" (PNAS 2017); Avalanche's EWCPlugin.
    """

    strength: float = hyper(
        100.0,
        help="weight of the penalty",
        source="ours; Avalanche's example: 0.4, DER's code: 90",
        minimum=0.0,
    )
    mode: str = hyper(
        "separate",
        help="separate: a penalty for each past experience; online: one for all",
        source="Avalanche's default",
        values=("separate", "online"),
    )
    decay: float = hyper(
        1.0,
        help="factor of past importances in the mode online",
        source="DER's code: 1; Avalanche's example: 0.1",
        minimum=0.0,
    )

    registered: ClassVar[str] = "ewc"
    memory: ClassVar[str] = "optional"

    def plugins(self, setup: Setup) -> Sequence[ResumablePlugin]:
        from scenarios.continual.plugins.penalties import Consolidation

        decay = self.decay if self.mode == "online" else None
        replayed = Replay().plugins(setup) if setup.memory is not None else []
        return [*replayed, Consolidation(self.strength, self.mode, decay)]


@dataclass(frozen=True)
class LwF(Strategy):
    """Learning without forgetting: distillation from the network after the previous experience.

    L = CE(f(x), y) + alpha KL(softmax(f'(x)[C] / T) || softmax(f(x)[C] / T)),  f' after the
    previous experience, C its classes

    A memory, if given, is replayed.

    Source: Li and Hoiem, "Learning without Forgetting" (TPAMI
    2017); Avalanche's LwFPlugin.
    """

    alpha: float = hyper(
        1.0, help="weight of the distillation", source="Avalanche's default", minimum=0.0
    )
    temperature: float = hyper(
        2.0,
        help="temperature of the distillation",
        source="LwF, section 3; Avalanche's default",
        minimum=0.1,
    )

    registered: ClassVar[str] = "lwf"
    memory: ClassVar[str] = "optional"

    def plugins(self, setup: Setup) -> Sequence[ResumablePlugin]:
        from scenarios.continual.plugins.penalties import Distillation

        replayed = Replay().plugins(setup) if setup.memory is not None else []
        return [*replayed, Distillation(self.alpha, self.temperature)]
