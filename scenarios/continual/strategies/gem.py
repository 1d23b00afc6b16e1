"""Strategies that bound gradients by those of the memory: GEM and A-GEM."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from condensers.hyperparameters import hyper
from scenarios.continual.strategies.base import ResumablePlugin, Setup, Strategy


@dataclass(frozen=True)
class Gem(Strategy):
    """Gradient episodic memory: no step goes against the gradient of any past experience.

    g~ = g + R'v,  v the minimum of 1/2 v'RR'v + (R g)'v with v >= margin

    The memory bounds the steps and is not trained on. In the paper each experience's whole memory
    gives its gradient, here at most batch_size_mem of its images.

    Source: Lopez-Paz and Ranzato, "Gradient Episodic Memory for Continual Learning" (NeurIPS 2017).
    """

    margin: float = hyper(
        0.5, help="least weight of each past gradient", source="GEM's code", minimum=0.0
    )

    registered: ClassVar[str] = "gem"

    def plugins(self, setup: Setup) -> Sequence[ResumablePlugin]:
        from scenarios.continual.plugins.gradients import BoundGradients, make_episodic_bound

        return [
            BoundGradients(
                setup.require_memory(),
                setup.settings.batch_size_mem,
                make_episodic_bound(self.margin),
                True,
                setup.generator,
            )
        ]


@dataclass(frozen=True)
class Agem(Strategy):
    """Averaged gradient episodic memory: no step goes against the gradient of the memory.

    g~ = g - (g.r / r.r) r  if g.r < 0

    The memory bounds the steps and is not trained on.

    Source: Chaudhry et al., "Efficient Lifelong Learning with A-GEM" (ICLR 2019).
    """

    registered: ClassVar[str] = "agem"

    def plugins(self, setup: Setup) -> Sequence[ResumablePlugin]:
        from scenarios.continual.plugins.gradients import BoundGradients, project_averaged

        return [
            BoundGradients(
                setup.require_memory(),
                setup.settings.batch_size_mem,
                project_averaged,
                False,
                setup.generator,
            )
        ]
