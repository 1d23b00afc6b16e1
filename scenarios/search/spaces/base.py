"""What a space gives a search: choices, and a network for each combination of their values."""

import importlib
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any, ClassVar, Protocol

from condensers.errors import UsageError
from condensers.networks.base import NetworkSpec
from condensers.registry import import_path
from scenarios.registry import SPACES


class SearchSpace(Protocol):
    """A frozen dataclass; an architecture is one value for each choice."""

    registered: ClassVar[str]

    def choices(self) -> dict[str, tuple[Any, ...]]:
        """Name of each choice -> the values it may take, which are JSON values."""
        ...

    @property
    def size(self) -> int:
        """How many architectures there are."""
        ...

    def spec(self, choice: Mapping[str, Any]) -> NetworkSpec:
        """What builds the network of one value for each choice."""
        ...

    def fitting(self, shape: tuple[int, int, int]) -> "SearchSpace":
        """The space without what images of `shape` (C, H, W) do not allow; UsageError where nothing
        is left.
        """
        ...

    def identifier(self, choice: Mapping[str, Any]) -> str:
        """A short name of an architecture, unique in the space, fit for a folder."""
        ...


class WeightSharingSpace(SearchSpace, Protocol):
    """A space whose architectures can share weights in one network, as one-shot search needs."""

    def supernet(self, shape: tuple[int, int, int], classes: int) -> Any:
        """A fresh NNI ModelSpace for images of `shape` (C, H, W); its logits are (N, classes)."""
        ...

    def sample(self, choice: Mapping[str, Any]) -> dict[str, Any]:
        """The choices of an architecture as NNI labels them in the supernet."""
        ...

    def choice(self, sample: Mapping[str, Any]) -> dict[str, Any]:
        """The reverse of `sample`."""
        ...


def create_space(spec: Any, where: str) -> Any:
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
        ).checked(where)
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
