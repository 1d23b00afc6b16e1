"""MIR: replay of the images that a step on the stream would harm most.

s(x) = L(f'(x), y) - L(f(x), y),  f' after one step on the stream's minibatch alone.  Source: Aljundi et al., "Online Continual
Learning with Maximally Interfered Retrieval" (NeurIPS 2019), which draws 50 candidates for 10 images. The step is one of
plain SGD at the learning rate.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from scenarios.continual.strategies.base import Plugin, Setup, Strategy


@dataclass(frozen=True)
class Mir(Strategy):
    """Experience replay with maximally interfered retrieval; uniform while the memory holds no more than a batch."""

    candidates: int = hyper(100, unit="images of which batch_size_mem are taken", source="ours; MIR: 50 for 10", minimum=1)

    registered: ClassVar[str] = "mir"

    def plugins(self, setup: Setup) -> Sequence[Plugin]:
        from scenarios.continual.replay import CondensedReplay, Joint
        from scenarios.continual.rules.interference import MostInterfered

        wanted = setup.settings.batch_size_mem
        if self.candidates <= wanted:
            raise UsageError(
                f"mir.candidates: of {self.candidates} images {wanted} cannot be chosen; give more, or a smaller batch_size_mem"
            )
        retrieval = MostInterfered(self.candidates)
        return [CondensedReplay(setup.memory, wanted, Joint(), retrieval, setup.generator)]
