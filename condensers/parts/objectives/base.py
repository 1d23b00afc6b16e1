"""The base classes of objectives, and the images they compare.

An objective is a frozen dataclass of its hyperparameters. A `PairwiseObjective` compares the real
and the synthetic images of each class; a `WholeSetObjective` looks at the set as a whole.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from condensers.engine.capture import Captures
from condensers.engine.loop import SLOWER
from condensers.hyperparameters import Part
from condensers.parts.setting import LABEL_FORMS, Given, Needs, RunSetting


class Pair(NamedTuple):
    """The images of one class, both under the same draw of augmentation.

    Attributes:
        label: The class.
        real: (n, C, H, W) float32, normalised.
        synthetic: (m, C, H, W) float32, normalised, differentiable.
    """

    label: int
    real: Tensor
    synthetic: Tensor


@dataclass(frozen=True)
class Whole:
    """The set as it is at one step, and a batch of real images of all classes.

    Attributes:
        images: (M, C, H, W), ordered by class, not augmented, differentiable.
        labels: (M,) int64, or (M, K) float, then differentiable.
        real: (n, C, H, W), drawn over all classes; n = 0 if the objective reads none.
        real_labels: (n,) int64.
        extra: The objective's own learned tensors, by name.
        augment: Augments image by image, with a new draw at every call.
        setting: What the run lends.
        leaves: The learned tensors; the gradient is taken for these alone, for all if empty.
    """

    images: Tensor
    labels: Tensor
    real: Tensor
    real_labels: Tensor
    extra: dict[str, Tensor]
    augment: Callable[[Tensor], Tensor]
    setting: RunSetting
    leaves: Sequence[Tensor] = ()

    @property
    def captures(self) -> Captures:
        """The recorded parts of the run's steps."""
        return self.setting.captures

    @property
    def generator(self) -> torch.Generator:
        """The run's source of randomness."""
        return self.setting.generator


class Learned(NamedTuple):
    """A tensor that an objective learns beside images and labels.

    Attributes:
        start: Its first value.
        lr: Its learning rate.
        stored: Whether it belongs to the set and its bytes.
    """

    start: Tensor
    lr: float
    stored: bool


class Objective(Part):
    """A loss of the synthetic set. Derive from one of the two kinds below.

    Attributes:
        real: Whether real images are drawn for it.
        passes: Passes of a real and of a synthetic image at each step, for estimates of time; one
            is forward and backward.
        label_forms: The forms of learned labels that it reads, the recommended one last.
        capturable: Whether the loss may be recorded as a CUDA graph: it draws nothing but the
            augmentation of all real images, reads nothing of the card, and takes the same
            operations whatever the values.
    """

    real: ClassVar[bool] = True

    @property
    def needs_batch_norm(self) -> bool:
        """Whether it reads the running statistics of batch norm."""
        return False

    @property
    def needs_measurements(self) -> bool:
        """Whether networks must carry what their convolutions read of the real images."""
        return False

    @property
    def capturable(self) -> bool:
        """Whether the loss may be recorded as a CUDA graph."""
        return False

    @property
    @abstractmethod
    def couples_classes(self) -> bool:
        """Whether the loss of one class depends on the images of the others."""

    @property
    def learns_across_classes(self) -> bool:
        """Whether what it learns beside the images is learned from all classes and not stored."""
        return False

    @property
    def needs(self) -> Needs:
        """What the model schedule has to give at each step."""
        return Needs.NETWORK

    @property
    def passes(self) -> tuple[float, float]:
        """Passes of a real and of a synthetic image at each step, for estimates of time."""
        return 1.0, 1.0

    def synthetic_in_step(self, images: int) -> int:
        """Return how many of a set's `images` its passes are of, where a step may take all."""
        return images

    @property
    def label_forms(self) -> Sequence[str]:
        """The forms of learned labels that it reads, the recommended one last."""
        return LABEL_FORMS

    def extras(self, setting: RunSetting) -> dict[str, Learned]:
        """Return what is learned beside images and labels, by name."""
        return {}

    def project(self, extra: dict[str, Tensor]) -> None:
        """Put `extra` back, in place, to where it is valid; called after each step."""

    def pack(self, extra: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return `extra` as it is stored in the set."""
        return extra

    def extra_bytes(self, per_class: int) -> int:
        """Return the stored bytes of `extra` for so many decoded images of a class."""
        return 0

    def recipe(self) -> dict[str, Any]:
        """Return what the card tells those who train on the set."""
        return {}

    def advise(self, device: torch.device) -> str:
        """Say why a loss on `device` is no number, if the objective knows, and what to do."""
        return SLOWER


class PairwiseObjective(Objective):
    """A loss that compares the real and the synthetic images of each class."""

    @property
    def batches_classes(self) -> bool:
        """Whether one loss takes several classes at once: cheaper, but it takes more memory."""
        return False

    @abstractmethod
    def loss(self, network: nn.Module, pairs: Sequence[Pair]) -> Tensor:
        """Return the loss under one network.

        Args:
            network: What the model schedule gave.
            pairs: One for each class.

        Returns:
            A scalar, the sum over the pairs, differentiable in their synthetic images.
        """

    def loss_in_run(
        self,
        network: nn.Module,
        pairs: Sequence[Pair],
        learned: Mapping[str, Tensor],
        generator: torch.Generator,
    ) -> Tensor:
        """Return the loss at a step of a run; an objective that learns or draws overrides this.

        Args:
            network: What the model schedule gave.
            pairs: One for each class.
            learned: The objective's own learned tensors, by name.
            generator: The run's source of randomness.

        Returns:
            A scalar, the sum over the pairs, differentiable in their synthetic images and in what
            is learned.
        """
        return self.loss(network, pairs)


class StatisticsObjective(PairwiseObjective):
    """A loss that reads only statistics of the real images.

    Each statistic is a mean over a pair's real images, so that those of a whole class are the
    weighted means of those of its parts. Model schedules may keep them for several steps.
    """

    @abstractmethod
    def statistics(self, network: nn.Module, pairs: Sequence[Pair]) -> list[Tensor]:
        """Read the real images of all pairs, without a graph.

        Returns:
            A tensor (len(pairs), ...) for each statistic, such as a layer.
        """

    @abstractmethod
    def loss_against(
        self, network: nn.Module, statistics: Sequence[Tensor], pairs: Sequence[Pair]
    ) -> Tensor:
        """Return the loss against given statistics; the pairs' real images are not read.

        Args:
            network: The network that gave the statistics.
            statistics: What `statistics` gave for pairs of the same classes.
            pairs: One for each class.

        Returns:
            A scalar, differentiable in the synthetic images.
        """

    def loss(self, network: nn.Module, pairs: Sequence[Pair]) -> Tensor:
        """Return the loss against the statistics of the pairs' own real images."""
        return self.loss_against(network, self.statistics(network, pairs), pairs)


class WholeSetObjective(Objective):
    """A loss of the set as a whole, on which a class has no part of its own."""

    @abstractmethod
    def loss(self, given: Given, whole: Whole) -> Tensor:
        """Return the loss, a scalar, differentiable in what is learned.

        Args:
            given: What the model schedule gave, as `needs` says.
            whole: The set and a batch of real images.
        """

    def backward(self, given: Given, whole: Whole) -> float | Tensor:
        """Add the gradient of the loss to what is learned.

        An objective with a reverse pass of its own overrides this.

        Returns:
            The loss, without a graph.
        """
        loss = self.loss(given, whole)
        torch.autograd.backward(loss, inputs=list(whole.leaves) or None)
        return loss.detach()
