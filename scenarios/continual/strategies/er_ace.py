"""ER-ACE: replay in which the stream competes among its own classes alone.

L = CE(f(x)[C], y) + L_memory,  C the classes of the stream's images in the minibatch.  Source: Caccia et al., "New Insights on
Reducing Abrupt Representation Change in Online Continual Learning" (ICLR 2022). Before there is a memory the loss is that of
all classes. A memory that takes classes in after their experience, as a condensed one does, leaves new classes without anything
that lifts them above the old ones until then: they are learned an experience late.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from scenarios.continual.strategies.base import Plugin, Setup, Strategy


@dataclass(frozen=True)
class ErAce(Strategy):
    """Experience replay with asymmetric cross-entropy."""

    registered: ClassVar[str] = "er-ace"

    def plugins(self, setup: Setup) -> Sequence[Plugin]:
        from scenarios.continual.replay import CondensedReplay
        from scenarios.continual.rules.asymmetric import Asymmetric

        return [CondensedReplay(setup.memory, setup.settings.batch_size_mem, rule=Asymmetric(), generator=setup.generator)]
