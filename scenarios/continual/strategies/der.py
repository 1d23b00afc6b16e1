"""DER and DER++: replay that holds the network to the logits it had on the memory when the classes
came in.

L = CE(f(x), y) + alpha MSE(f(x_m), z_m) [+ beta L_memory].  Source: Buzzega et al., "Dark
Experience for General Continual Learning" (NeurIPS 2020). There the logits are those of the passing
stream and DER++ draws twice; here they are the network's after the experience, and one draw serves
both terms.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from condensers.hyperparameters import hyper
from scenarios.continual.strategies.base import ResumablePlugin, Setup, Strategy


@dataclass(frozen=True)
class Der(Strategy):
    """Dark experience replay: the memory's labels are not used."""

    alpha: float = hyper(
        1.0, help="weight of the stored logits", source="DER's code: MNIST, 500 images", minimum=0.0
    )

    registered: ClassVar[str] = "der"

    def plugins(self, setup: Setup) -> Sequence[ResumablePlugin]:
        return make_plugins(setup, self.alpha, 0.0)


@dataclass(frozen=True)
class DerPlusPlus(Strategy):
    """Dark experience replay with the memory's labels."""

    alpha: float = hyper(
        1.0, help="weight of the stored logits", source="DER's code: MNIST, 500 images", minimum=0.0
    )
    beta: float = hyper(
        0.5,
        help="weight of the memory's labels",
        source="DER's code: MNIST, 500 images",
        minimum=0.0,
    )

    registered: ClassVar[str] = "der++"

    def plugins(self, setup: Setup) -> Sequence[ResumablePlugin]:
        return make_plugins(setup, self.alpha, self.beta)


def make_plugins(setup: Setup, alpha: float, beta: float) -> Sequence[ResumablePlugin]:
    """Make the plugins of DER (beta 0) and DER++."""
    from scenarios.continual.memory.replay import CondensedReplay
    from scenarios.continual.plugins.losses import StoredLogitsLoss

    loss = StoredLogitsLoss(alpha, beta)
    return [
        CondensedReplay(
            setup.require_memory(),
            setup.settings.batch_size_mem,
            loss=loss,
            generator=setup.generator,
        )
    ]
