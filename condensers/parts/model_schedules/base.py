"""The base classes of model schedules: where the network of each step comes from.

A model schedule is a frozen dataclass of its hyperparameters; `begin(setting)` starts one run of
it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, final

from torch import Tensor

from condensers.data import ClassData
from condensers.hyperparameters import Part
from condensers.networks import NetworkSpec
from condensers.parts.setting import LABEL_FORMS, Given, Needs, RunSetting, TrainedNetworks

SyntheticBatch = Callable[[], tuple[Tensor, Tensor]]
"""Gives the present images (M, C, H, W) and labels, without a graph."""


class NetworkSlot(NamedTuple):
    """Where the statistics of the real images under a network are kept.

    Attributes:
        number: The network's number.
        new: Whether another network was there before.
        whole: Whether the statistics are of all real images, not of a batch.
    """

    number: int
    new: bool
    whole: bool


class ScheduleRun(ABC):
    """A model schedule in a run.

    Attributes:
        slot: Set by `next` if the network of this step is given again, unmoved, at later steps.
        prepared_seconds: What training networks before the first step took, even if an earlier run
            did it.
    """

    slot: NetworkSlot | None = None
    prepared_seconds: float = 0.0

    @abstractmethod
    def next(self, step: int, synthetic: SyntheticBatch) -> Given:
        """Return what the objective is given at `step`, in the form that the schedule `gives`.

        Training that follows a step on the images happens here, at the beginning of the next step.

        Args:
            step: From 0.
            synthetic: Gives the set as it is now.
        """

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Return the whole state, for the checkpoint; the generator's is kept elsewhere."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""


class ModelSchedule(Part):
    """Decides which network, or what else, the objective is given at each step."""

    @property
    @abstractmethod
    def couples_classes(self) -> bool:
        """Whether its networks learn from images of several classes."""

    @abstractmethod
    def begin(self, setting: RunSetting) -> ScheduleRun:
        """Start a run."""

    @property
    def gives(self) -> Needs:
        """What it gives at each step."""
        return Needs.NETWORK

    @property
    def label_forms(self) -> Sequence[str]:
        """The forms of learned labels that it can train on, the recommended one last."""
        return LABEL_FORMS

    @property
    def reuses_networks(self) -> bool:
        """Whether it keeps what the objective reads from real images for later steps."""
        return False

    @property
    def keeps_networks(self) -> bool:
        """Whether it gives a network, or trains it, more than once."""
        return True

    @property
    def keeps_statistics(self) -> bool:
        """Whether what it keeps stands for the whole run."""
        return False

    @property
    def learns_first(self) -> bool:
        """Whether its networks learn from the real images before the first step alone."""
        return False

    def train_first(self, setting: RunSetting) -> TrainedNetworks | None:
        """Return the networks that learn from the real images before the first step, if
        `learns_first`.

        They draw nothing from the run's generator.
        """
        return None

    @property
    def gives_measurements(self) -> bool:
        """Whether its networks carry what their convolutions read of the real images."""
        return False

    def networks_of(self, network: NetworkSpec) -> Sequence[NetworkSpec]:
        """Return the networks that it gives, each in as many steps as the others.

        Args:
            network: The method's.
        """
        return (network,)

    @property
    def whole_classes(self) -> bool:
        """Whether what it keeps is read from all images of a class."""
        return False

    def steps(self, ipc: int) -> int:
        """Return the steps on the images of each of a method's `iterations`."""
        return 1

    def real_sides(self, steps: int) -> int:
        """Return in how many of so many steps real images are read."""
        return steps

    def passes(self, steps: int, images: int, ipc: int) -> float:
        """Return the image passes of its own training over so many steps, for estimates of time.

        Args:
            steps: Steps on the images.
            images: Images of the set, decoded.
            ipc: Images per class as the budget counts them.
        """
        return 0.0

    def preparation(self, data: ClassData) -> float:
        """Return the image passes of training that comes before the first step."""
        return 0.0

    def passes_shared(
        self, network: NetworkSpec, data: ClassData
    ) -> list[tuple[NetworkSpec, float]]:
        """Return the networks and passes of `preparation` where they are kept for all sets.

        Args:
            network: The method's.
            data: The real images.
        """
        if not self.learns_first:
            return []
        given = self.networks_of(network)
        return [(one, self.preparation(data) / len(given)) for one in given]


@final
@dataclass(frozen=True)
class NoNetwork(ModelSchedule):
    """Gives no network at all.

    No network: for objectives that take none, or draw their own (kernels of infinitely wide
    networks).
    """

    registered: ClassVar[str] = "none"
    gives: ClassVar[Needs] = Needs.NOTHING
    couples_classes: ClassVar[bool] = False

    def begin(self, setting: RunSetting) -> "NoNetworkRun":
        """Start a run, which has no state."""
        return NoNetworkRun()


class NoNetworkRun(ScheduleRun):
    """Has no state."""

    def next(self, step: int, synthetic: SyntheticBatch) -> None:
        """Return None."""
        return None

    def state_dict(self) -> dict[str, Any]:
        """Return nothing."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take nothing up."""
