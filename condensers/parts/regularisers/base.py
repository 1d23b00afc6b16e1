"""The base class of regularisers: weighted terms that any method with a network can take.

Most compare embeddings: those of the synthetic images with a graph, those of the real images
without one. Others are terms of what is stored (`StorageTerm`): of its bytes, or of which images
are those of one unit.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from condensers.hyperparameters import Part
from condensers.parts.objectives.base import Pair
from condensers.parts.parameterisations.base import Parameterisation
from condensers.parts.setting import RunSetting


class StorageTerm(ABC):
    """A term of what is stored, during a run; its state is part of every checkpoint."""

    @abstractmethod
    def loss(self, groups: Mapping[str, Tensor]) -> Tensor:
        """Return the term, a scalar, differentiable in the groups.

        Args:
            groups: What is learned; its gradients are those of the objective and of other terms.
        """

    @abstractmethod
    def after_step(self, index: int, groups: Mapping[str, Tensor]) -> None:
        """Take notice of the set after a step.

        Args:
            index: Of the step, from 0 on.
            groups: What is learned.
        """

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Return what the card says of it at the end of the run."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Return the state, for the checkpoint."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""


class Regulariser(Part):
    """A term that is added to the loss of a method.

    Attributes:
        weight: The factor of the term, a field of the dataclass.
    """

    weight: float

    @property
    @abstractmethod
    def couples_classes(self) -> bool:
        """Whether the term of one class depends on the images of the others."""

    @property
    def reads_images(self) -> bool:
        """Whether `loss` is a term of images; if not, `begin` gives one of what is stored."""
        return True

    def misfit(self, part: Parameterisation) -> str:
        """Return the sentence that says why the term cannot stand with a parameterisation, or
        nothing.
        """
        if self.reads_images or part.variable_size:
            return ""
        return (
            f"regulariser {self.registered} moves the bytes of what is learned, and"
            f" parameterisation {part.registered} takes the same whatever it is; take"
            " parameterisation transform, or leave it out"
        )

    def passes(self, part: Parameterisation, units: int) -> float:
        """Return the images that pass a network of its own at each step, for estimates of time.

        Args:
            part: How the set is stored.
            units: Stored units of the set.
        """
        return 0.0

    @property
    def needs_trained(self) -> bool:
        """Whether it reads networks that the model schedule trains before the first step."""
        return False

    def begin(self, part: Parameterisation, setting: RunSetting, steps: int) -> StorageTerm | None:
        """Return the term of what is stored, before the first step; None if there is none.

        Args:
            part: How the set is stored.
            setting: What the run lends.
            steps: Of the run.
        """
        return None

    @abstractmethod
    def loss(self, network: nn.Module, pairs: Sequence[Pair], setting: RunSetting) -> Tensor:
        """Return the term without its weight.

        Args:
            network: The network of the step.
            pairs: Real and synthetic images, a pair for each class.
            setting: What the run lends. A term that draws takes `setting.generator` alone, whose
                state is part of every checkpoint.

        Returns:
            A scalar, differentiable in the pairs' synthetic images.
        """
