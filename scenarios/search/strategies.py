"""How a search chooses architectures: NNI's strategies for multi-trial search.

One that is `adaptive` goes by the scores it has seen, so that each subject leads it to other
architectures.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from condensers.errors import UsageError
from condensers.hyperparameters import hyper
from scenarios.search.spaces.base import SearchSpace, describe_size

MOST = 100_000


class SearchStrategy(ABC):
    """Base class of what chooses the architectures of a search: frozen dataclasses.

    Attributes:
        adaptive: Whether the choice depends on scores.
    """

    registered: ClassVar[str] = ""
    adaptive: ClassVar[bool] = False

    @abstractmethod
    def tries(self, space: SearchSpace, wanted: int) -> int:
        """Return how many architectures are tried.

        Args:
            space: What is searched.
            wanted: How many the search asks for.

        Raises:
            UsageError: The space, or this strategy, does not allow as many.
        """

    @abstractmethod
    def of_nni(self, seed: int) -> Any:
        """Return NNI's strategy in the state before its first choice; imports NNI."""


def _require_enough(space: SearchSpace, wanted: int) -> int:
    if wanted > space.size:
        raise UsageError(
            f"search.architectures: {wanted} asked for, but the space has only {space.size} for"
            " these images"
        )
    return wanted


@dataclass(frozen=True)
class RandomSearch(SearchStrategy):
    """Uniform draws, never the same architecture twice; the same for every subject."""

    registered: ClassVar[str] = "random"
    adaptive: ClassVar[bool] = False

    def tries(self, space: SearchSpace, wanted: int) -> int:
        return _require_enough(space, wanted)

    def of_nni(self, seed: int) -> Any:
        from scenarios.search.nni_imports import strategy

        return strategy.Random(seed=seed)


@dataclass(frozen=True)
class GridSearch(SearchStrategy):
    """All of the space, in order."""

    registered: ClassVar[str] = "grid"
    adaptive: ClassVar[bool] = False

    def tries(self, space: SearchSpace, wanted: int) -> int:
        if space.size > MOST:
            raise UsageError(
                f"search.strategy: grid would try all {describe_size(space.size)} architectures;"
                " take random or evolution"
            )
        return space.size

    def of_nni(self, seed: int) -> Any:
        from scenarios.search.nni_imports import strategy

        return strategy.GridSearch(shuffle=False)


@dataclass(frozen=True)
class ListedSearch(SearchStrategy):
    """All architectures of the ground-truth table that the search's `truth` names, in its order."""

    registered: ClassVar[str] = "listed"
    adaptive: ClassVar[bool] = False

    def of(self, choices: Sequence[Mapping[str, Any]]) -> "InOrderSearch":
        """Return the strategy that tries `choices`."""
        return InOrderSearch(tuple(choices))

    def tries(self, space: SearchSpace, wanted: int) -> int:
        raise UsageError(
            "search.strategy: listed tries the architectures of a table, and truth names none; set"
            " truth to a table's name or file"
        )

    def of_nni(self, seed: int) -> Any:
        return self.of(()).of_nni(seed)


@dataclass(frozen=True)
class InOrderSearch(SearchStrategy):
    """The given architectures, one after the other."""

    choices: tuple[Mapping[str, Any], ...]

    registered: ClassVar[str] = "listed"
    adaptive: ClassVar[bool] = False

    def tries(self, space: SearchSpace, wanted: int) -> int:
        return len(self.choices)

    def of_nni(self, seed: int) -> Any:
        from scenarios.search.nni_listed import InOrderStrategy  # NNI takes seconds to import

        return InOrderStrategy([dict(choice) for choice in self.choices])


@dataclass(frozen=True)
class EvolutionSearch(SearchStrategy):
    """Regularised evolution: the best of a sample of the population has a mutated child, and the
    oldest member leaves.

    Source: Real et al., "Regularized Evolution for Image Classifier Architecture Search" (AAAI
    2019), algorithm 1. The first `population` architectures are drawn at random.
    """

    population: int = hyper(
        10,
        unit="architectures",
        source="ours, for some tens of trials; Real et al.: 100",
        minimum=2,
    )
    sample: int = hyper(
        3,
        unit="architectures",
        source="ours: a quarter of the population, as in Real et al.",
        minimum=1,
    )
    mutation: float = hyper(
        0.2,
        help="probability that a choice changes",
        source="ours: one of five choices; NNI: 0.05",
        minimum=0.0,
    )

    registered: ClassVar[str] = "evolution"
    adaptive: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.sample > self.population:
            raise UsageError(
                f"evolution: a sample of {self.sample} from a population of {self.population}; take"
                " a smaller sample"
            )
        if not 0 < self.mutation <= 1:
            raise UsageError(
                f"evolution.mutation: {self.mutation} is no probability above 0; take one of 1 or"
                " less"
            )

    def tries(self, space: SearchSpace, wanted: int) -> int:
        if wanted <= self.population:
            raise UsageError(
                f"search.architectures: {wanted} are all drawn at random by evolution with a"
                f" population of {self.population}; take more, or a smaller population"
            )
        return _require_enough(space, wanted)

    def of_nni(self, seed: int) -> Any:
        from scenarios.search.nni_imports import strategy

        settings = {
            "population_size": self.population,
            "sample_size": self.sample,
            "mutation_prob": self.mutation,
        }
        return strategy.RegularizedEvolution(**settings, seed=seed)


@dataclass(frozen=True)
class TpeSearch(SearchStrategy):
    """Tree-structured Parzen estimator: what is likely among good architectures and unlikely among
    the others.

    Source: Bergstra et al., "Algorithms for Hyper-Parameter Optimization" (NeurIPS 2011), section
    4. NNI waits a second after each architecture.
    """

    startup: int = hyper(
        10,
        unit="architectures",
        help="architectures drawn at random before the search begins",
        source="ours, for some tens of trials; NNI: 20",
        minimum=1,
    )

    registered: ClassVar[str] = "tpe"
    adaptive: ClassVar[bool] = True

    def tries(self, space: SearchSpace, wanted: int) -> int:
        if wanted <= self.startup:
            raise UsageError(
                f"search.architectures: {wanted} are all drawn at random by tpe with {self.startup}"
                " to start with; take more, or a lesser startup"
            )
        return _require_enough(space, wanted)

    def of_nni(self, seed: int) -> Any:
        from scenarios.search.nni_tpe import make_tpe

        return make_tpe(seed, self.startup)
