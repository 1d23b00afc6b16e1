"""Joint: one training on the images of all classes together: the upper bound."""

from dataclasses import dataclass, replace
from typing import ClassVar

from condensers.hyperparameters import hyper
from scenarios.continual.settings import Settings
from scenarios.continual.strategies.base import Strategy


@dataclass(frozen=True)
class Joint(Strategy):
    """All images of all classes at once: the upper bound, with a final accuracy alone."""

    epochs: int = hyper(5, unit="epochs", source="ours", minimum=1)

    registered: ClassVar[str] = "joint"
    memory: ClassVar[str] = "none"
    shows: ClassVar[str] = "all"

    def settings(self, common: Settings) -> Settings:
        return replace(Strategy.settings(self, common), epochs=self.epochs, repeats=1, online=False, evaluate_every=0)
