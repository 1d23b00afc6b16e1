"""A-GEM: the gradient of the stream loses its part against the gradient of the memory.

g~ = g - (g.r / r.r) r where g.r < 0.  Source: Chaudhry et al., "Efficient Lifelong Learning with A-GEM" (ICLR 2019).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from scenarios.continual.strategies.base import Plugin, Setup, Strategy


@dataclass(frozen=True)
class Agem(Strategy):
    """Averaged gradient episodic memory: the memory bounds the steps and is not trained on."""

    registered: ClassVar[str] = "agem"

    def plugins(self, setup: Setup) -> Sequence[Plugin]:
        from scenarios.continual.rules.gradients import BoundGradients, averaged

        return [BoundGradients(setup.memory, setup.settings.batch_size_mem, averaged, False, setup.generator)]
