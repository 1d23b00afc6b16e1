"""Strategies that bound the others: naive from below, joint and cumulative from above."""

from dataclasses import dataclass, replace
from typing import ClassVar

from condensers.hyperparameters import hyper
from scenarios.continual.learner_settings import LearnerSettings
from scenarios.continual.strategies.base import Strategy


@dataclass(frozen=True)
class Naive(Strategy):
    """Fine-tuning from one experience to the next without a memory: the lower bound."""

    registered: ClassVar[str] = "naive"
    memory: ClassVar[str] = "none"


@dataclass(frozen=True)
class Joint(Strategy):
    """One training on the images of all classes: the upper bound, with a final accuracy alone."""

    epochs: int = hyper(5, unit="epochs", source="ours", minimum=1)

    registered: ClassVar[str] = "joint"
    memory: ClassVar[str] = "none"
    shows: ClassVar[str] = "all"

    def settings(self, common: LearnerSettings) -> LearnerSettings:
        return replace(
            Strategy.settings(self, common),
            epochs=self.epochs,
            repeats=1,
            online=False,
            evaluate_every=0,
        )


@dataclass(frozen=True)
class Cumulative(Strategy):
    """Training on all images seen so far, at each experience: a memory without limit."""

    registered: ClassVar[str] = "cumulative"
    memory: ClassVar[str] = "none"
    shows: ClassVar[str] = "seen"
