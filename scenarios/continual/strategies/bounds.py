"""Strategies that bound the others: naive from below, joint and cumulative from above."""

from dataclasses import dataclass, replace
from typing import ClassVar

from condensers.hyperparameters import hyper
from scenarios.continual.learner_settings import LearnerSettings
from scenarios.continual.strategies.base import Strategy


@dataclass(frozen=True)
class Naive(Strategy):
    """Fine-tuning on the stream without a memory: the lower bound.

    Naive: training goes on from one experience to the next, nothing is kept: the lower bound.
    """

    registered: ClassVar[str] = "naive"
    memory: ClassVar[str] = "none"


@dataclass(frozen=True)
class Joint(Strategy):
    """All images of all classes at once: the upper bound, with a final accuracy alone.

    Joint: one training on the images of all classes together: the upper bound.
    """

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
    """Training on all images seen so far, kept whole: what a memory without limit gives.

    Cumulative: at each experience, training goes on with the images of all experiences so far.
    """

    registered: ClassVar[str] = "cumulative"
    memory: ClassVar[str] = "none"
    shows: ClassVar[str] = "seen"
