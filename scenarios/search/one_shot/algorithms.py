"""How one-shot search chooses: NNI's algorithms over a network that holds all architectures."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from condensers.hyperparameters import hyper


class Algorithm(ABC):
    """Base class of the one-shot algorithms: frozen dataclasses."""

    registered: ClassVar[str] = ""

    @property
    @abstractmethod
    def tries(self) -> int:
        """How many architectures are compared once the weights are trained; 0 if none are."""

    @abstractmethod
    def of_nni(self, clip: float) -> Any:
        """Return NNI's strategy; imports NNI and lightning.

        Args:
            clip: The norm to which gradients of weights are cut.
        """


@dataclass(frozen=True)
class DartsAlgorithm(Algorithm):
    """The mixture of all operations is trained, weights and mixture in turns; the strongest
    operations are taken.

    Source: Liu et al., "DARTS: Differentiable Architecture Search" (ICLR 2019), the first-order
    approximation.
    """

    lr: float = hyper(
        3e-4, help="learning rate of the mixture (Adam)", source="DARTS, section 3.1", minimum=0.0
    )

    registered: ClassVar[str] = "darts"
    tries: ClassVar[int] = 0

    def of_nni(self, clip: float) -> Any:
        from nni.nas.oneshot.pytorch import strategy

        return strategy.DARTS(arc_learning_rate=self.lr, gradient_clip_val=clip)


@dataclass(frozen=True)
class GumbelDarts(Algorithm):
    """DARTS whose mixture is drawn from a Gumbel softmax that cools linearly.

    Source: Xie et al., "SNAS: Stochastic Neural Architecture Search" (ICLR 2019); NNI cites Wu et
    al., "FBNet" (CVPR 2019) too.
    """

    lr: float = hyper(
        3e-4, help="learning rate of the mixture (Adam)", source="DARTS, section 3.1", minimum=0.0
    )
    start: float = hyper(
        1.0, help="temperature of the mixture at the beginning", source="NNI", minimum=0.0
    )
    end: float = hyper(
        0.33, help="temperature of the mixture at the end", source="NNI", minimum=0.01
    )

    registered: ClassVar[str] = "gumbel-darts"
    tries: ClassVar[int] = 0

    def of_nni(self, clip: float) -> Any:
        from nni.nas.oneshot.pytorch import strategy

        temperature = (self.start, self.end)
        return strategy.GumbelDARTS(
            temperature=temperature, arc_learning_rate=self.lr, gradient_clip_val=clip
        )


@dataclass(frozen=True)
class RandomOneShot(Algorithm):
    """Each step trains the weights of one random architecture; then random ones are compared with
    the weights they share.

    Source: Li & Talwalkar, "Random Search and Reproducibility for Neural Architecture Search" (UAI
    2019), section 3.
    """

    tries: int = hyper(
        100,
        unit="architectures",
        help="architectures compared by the shared weights",
        source="ours; Li & Talwalkar: 1000",
        minimum=1,
    )

    registered: ClassVar[str] = "random-one-shot"

    def of_nni(self, clip: float) -> Any:
        from nni.nas.oneshot.pytorch import strategy

        return strategy.RandomOneShot()


# How shared weights are trained.


@dataclass(frozen=True)
class SupernetTraining:
    """SGD with a cosine schedule down to a rate of 0.001, as DARTS trains its shared weights. clip:
    norm of the gradient.
    """

    epochs: int
    batch: int
    lr: float
    momentum: float
    weight_decay: float
    clip: float
