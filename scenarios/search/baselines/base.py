"""Base classes of the baselines, and of what scores the architectures of a search."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from condensers.engine.context import Context
from condensers.networks.base import NetworkSpec
from scenarios.protocol import Splits

if TYPE_CHECKING:
    from scenarios.search.scenario import Search
    from scenarios.search.spaces.base import SearchSpace


class Judge(ABC):
    """Base class of what scores one architecture after the other; a larger score is better."""

    @property
    @abstractmethod
    def measures(self) -> str:
        """What the score is, in words."""

    @property
    @abstractmethod
    def unit(self) -> str:
        """The unit of the score."""

    @property
    def independent_seed(self) -> bool:
        """Whether weights and batches differ from those of the proxies of the same seed."""
        return False

    def prepare(self, space: "SearchSpace", architectures: int, context: Context) -> "Judge":
        """Return the judge after what its architectures share was trained; most share nothing.

        Args:
            space: Fits the images.
            architectures: How many are tried at most; each bears its part of the cost.
            context: That of the search.
        """
        return self

    @abstractmethod
    def judge(self, spec: NetworkSpec, name: str, context: Context) -> dict[str, Any]:
        """Score one architecture.

        Args:
            spec: What builds its network.
            name: Its identifier, unique in the space.
            context: That of the search.

        Returns:
            JSON values: "score", "seconds", "images" (0 if nothing is learned) and what else the
            judge found.
        """


class Baseline(ABC):
    """Base class of the baselines: frozen dataclasses; the settings are those of the search.

    Attributes:
        trains_briefly: Whether it trains as sets do, and so begins as they do.
    """

    registered: ClassVar[str] = ""
    trains_briefly: ClassVar[bool] = False

    @abstractmethod
    def judge(self, settings: "Search", data: Splits) -> Judge:
        """Return what scores the architectures.

        Args:
            settings: The search.
            data: On the device of the run.
        """

    @abstractmethod
    def images(self, settings: "Search", data: Splits) -> float:
        """Estimate the images that pass forward and backward for one architecture.

        A forward pass counts a third.
        """
