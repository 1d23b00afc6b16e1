"""The base class of strategies: how a learner uses a stream and, if it has one, a memory.

A strategy is a frozen dataclass of its hyperparameters that names the plugins of an Avalanche
strategy. It runs in the scenario and, plugin by plugin, in anybody's script.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from condensers.data import ClassData
from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from condensers.training.classifier import Training, predict
from scenarios.continual.learner_settings import LearnerSettings

if TYPE_CHECKING:
    from scenarios.continual.memory.buffer import CondensedMemory


class ResumablePlugin(ABC):
    """Base class of the Avalanche plugins of a strategy: training can stop and go on.

    Derive a plugin from Avalanche's class and from this one.

    Attributes:
        extra_images: How many images have passed the network beside the minibatches.
    """

    extra_images: int = 0

    @property
    def extra_bytes(self) -> dict[str, int]:
        """The bytes kept beside the memory, by name, such as {"logits": 4000}."""
        return {}

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Return the state: tensors, numbers, texts, lists and dicts."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load what `state_dict` returned."""


@dataclass(frozen=True)
class Setup:
    """What a strategy makes its plugins of.

    Attributes:
        memory: None for a learner without one.
        settings: Those of the learner.
        generator: What the plugins draw from.
        data: The training images of the whole stream.
    """

    memory: "CondensedMemory | None"
    settings: LearnerSettings
    generator: torch.Generator
    data: ClassData

    def require_memory(self) -> "CondensedMemory":
        """Return the memory of a strategy that needs one."""
        if self.memory is None:
            raise UsageError("continual: this strategy needs a memory; give a condensed set")
        return self.memory


@dataclass(frozen=True)
class Strategy(ABC):  # noqa: B024
    """Base class of the strategies: how a learner uses a stream and, if it has one, a memory.

    A subclass is a frozen dataclass of its hyperparameters. It overrides `plugins`, and `predict`
    or `settings` if it classifies or learns in another way.

    Attributes:
        label: The name in reports, for a suite that has one strategy twice.
        lr: Learning rate; the scenario's if None.
        batch_size_mem: Exemplars in each minibatch; the scenario's if None.
        memory: "needed"; "optional" (replayed if given); or "none" (a reference, measured once a
            seed).
        shows: What an experience shows: its own images ("experience"), all so far ("seen"), or
            all images as the only experience ("all").
        from_scratch: Whether a network is trained from its initial weights on the memory alone
            after each experience; `training` then says how.
    """

    label: str = hyper("", help="name in reports; the registered name if left out", source="ours")
    lr: float | None = hyper(
        None,
        help="learning rate on the stream; the scenario's if left out",
        source="ours: the scenario's",
        minimum=0.0,
    )
    batch_size_mem: int | None = hyper(
        None,
        unit="images",
        help="images of the memory in a batch; the scenario's number if left out",
        source="ours",
        minimum=1,
    )

    registered: ClassVar[str] = ""
    memory: ClassVar[str] = "needed"
    shows: ClassVar[str] = "experience"
    from_scratch: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """The label, or the registered name; of FILE.py:Name@DIGEST the last name alone."""
        return self.label or self.registered.rpartition(":")[2].partition("@")[0]

    def settings(self, common: LearnerSettings) -> LearnerSettings:
        """Return the scenario's settings, with those that this strategy overrides."""
        given: dict[str, Any] = {"lr": self.lr, "batch_size_mem": self.batch_size_mem}
        chosen = {name: value for name, value in given.items() if value is not None}
        return replace(common, **chosen)

    def plugins(self, setup: Setup) -> Sequence[ResumablePlugin]:
        """Return the Avalanche plugins of one learner; none by default."""
        return []

    def training(self, common: LearnerSettings) -> Training:
        """Return how the memory is trained on; needed if `from_scratch`."""
        raise UsageError(f"{self.name}: does not train on the memory alone")

    def predict(
        self, network: nn.Module, test: ClassData, memory: "CondensedMemory | None"
    ) -> Tensor:
        """Classify test images.

        Args:
            network: The learner.
            test: N images.
            memory: What the learner holds.

        Returns:
            (N,) int64, an output of the learner for each image.
        """
        return predict(network, test).argmax(1)
