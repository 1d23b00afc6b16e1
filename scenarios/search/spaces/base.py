"""What a space gives a search: choices, and a network for each combination of their values."""

import importlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any, ClassVar

import torch

from condensers.errors import UsageError
from condensers.networks.base import NetworkSpec
from condensers.registry import import_path
from scenarios.registry import SPACES


class SearchSpace(ABC):
    """Base class of the search spaces: choices, and a network for each combination of values.

    A subclass is a frozen dataclass of its settings. An architecture is one value for each choice.
    """

    registered: ClassVar[str] = ""

    @abstractmethod
    def choices(self) -> dict[str, tuple[Any, ...]]:
        """Return the values that each choice may take, by its name; they are JSON values."""

    @property
    @abstractmethod
    def size(self) -> int:
        """How many architectures there are."""

    @abstractmethod
    def spec(self, choice: Mapping[str, Any]) -> NetworkSpec:
        """Return what builds the network of one value for each choice."""

    @abstractmethod
    def fitting(self, shape: tuple[int, int, int]) -> "SearchSpace":
        """Return the space without what images of a shape do not allow.

        Args:
            shape: (C, H, W).

        Raises:
            UsageError: Nothing is left.
        """

    @abstractmethod
    def identifier(self, choice: Mapping[str, Any]) -> str:
        """Return a short name of an architecture, unique in the space and fit for a folder."""


class WeightSharingSpace(SearchSpace):
    """Base class of the spaces whose architectures share weights, as one-shot search needs."""

    @abstractmethod
    def supernet(self, shape: tuple[int, int, int], classes: int) -> Any:
        """Return a fresh NNI ModelSpace.

        Args:
            shape: (C, H, W) of the images.
            classes: K; its logits are (N, K).
        """

    @abstractmethod
    def sample(self, choice: Mapping[str, Any]) -> dict[str, Any]:
        """Return the choices of an architecture as NNI labels them in the supernet."""

    @abstractmethod
    def choice(self, sample: Mapping[str, Any]) -> dict[str, Any]:
        """Return the architecture of what `sample` returned."""


def draw_choice(
    choices: Mapping[str, tuple[Any, ...]], generator: torch.Generator
) -> dict[str, Any]:
    """Return an architecture drawn uniformly.

    Args:
        choices: Those of a space, asked for once: some spaces build a network to list them.
        generator: The only source of randomness.
    """
    return {
        name: values[int(torch.randint(len(values), (1,), generator=generator))]
        for name, values in choices.items()
    }


def create_space(spec: Any, where: str) -> SearchSpace:
    """A space from its registered name, its place, or a table with `name`.

    The place, FILE.py:Name or package.module:Name, is that of a dataclass as of `SearchSpace`, or
    (in a module) of an NNI ModelSpace.

    In a table, what stands beside the place of a ModelSpace are arguments of its constructor.
    """
    table = {"name": spec} if isinstance(spec, str) else spec
    name = table.get("name") if isinstance(table, Mapping) else None
    if isinstance(name, str) and ":" in name and not _is_space(name, where):
        from scenarios.search.spaces.imported import ImportedSpace

        return ImportedSpace(
            name, {key: value for key, value in table.items() if key != "name"}
        ).check(where)
    return SPACES.create(spec, where)


def _is_space(name: str, where: str) -> bool:
    """Whether FILE.py:Name or module:Name is a dataclass as of `SearchSpace`, rather than an NNI
    ModelSpace.
    """
    try:
        place = import_path.parse(name)
        module = None if place.in_file else importlib.import_module(place.place)
        found = import_path.find(name) if module is None else getattr(module, place.name, None)
    except ImportError:
        return False
    except UsageError as fault:
        raise UsageError(f"{where}: {fault}") from None
    return is_dataclass(found) or (place.in_file and found is None)


def describe_size(size: int) -> str:
    """A number of architectures, readable also where it is huge."""
    return f"{size:,}" if size < 10**9 else f"about {size:.1e}"
