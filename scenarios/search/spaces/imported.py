"""Any NNI ModelSpace by its import path: its labelled choices are the space, and its frozen models
the architectures.
"""

import importlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import torch
from torch import nn

from condensers.errors import UsageError
from condensers.registry import import_path
from scenarios.search.candidate import identifier
from scenarios.search.spaces.base import WeightSharingSpace
from scenarios.search.spaces.frozen import FrozenSpec, size_of


@dataclass(frozen=True)
class ImportedSpace(WeightSharingSpace):
    """place: "package.module:Name". arguments: of its constructor, also given `shape` (C, H, W) and
    `classes` if it takes them.

    shape: of the images; what an unfitted space has is for looking at its choices only.
    """

    place: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    shape: tuple[int, int, int] = (3, 32, 32)

    registered: ClassVar[str] = "imported"

    def check(self, where: str) -> "ImportedSpace":
        """The space itself; UsageError where there is no such ModelSpace, or it cannot be built."""
        try:
            self.choices()
        except UsageError as fault:
            raise UsageError(f"{where}: {fault}") from fault
        return self

    def choices(self) -> dict[str, tuple[Any, ...]]:
        """NNI's labels -> all values; UsageError for numbers from a range, which have no list of
        values.
        """
        return {
            label: tuple(mutable.grid())
            for label, mutable in self.mutables().items()
            if not self._is_constraint(mutable)
        }

    def mutables(self) -> dict[str, Any]:
        """NNI's labels -> NNI's mutables, the constraints between choices among them."""
        found: dict[str, Any] = self.supernet(self.shape, 10).simplify()
        ranges = [
            label for label, mutable in found.items() if type(mutable).__name__ == "Numerical"
        ]
        if ranges:
            raise UsageError(
                f"{self.place}: its choice '{ranges[0]}' is a range of numbers; write nni.choice"
                " with a list of values"
            )
        if not found:
            raise UsageError(
                f"{self.place}: has nothing to choose; give it labelled choices, as nni.choice or"
                " LayerChoice"
            )
        return found

    @staticmethod
    def _is_constraint(mutable: Any) -> bool:
        from scenarios.search.nni_imports import MutableAnnotation

        return isinstance(mutable, MutableAnnotation)

    @property
    def size(self) -> int:
        """How many combinations there are, with those that a constraint forbids."""
        return size_of(self.choices())

    def spec(self, choice: Mapping[str, Any]) -> "ImportedSpec":
        return ImportedSpec(self, self.sample(choice))

    def fitting(self, shape: tuple[int, int, int]) -> "ImportedSpace":
        """The space for images of `shape`; UsageError where its networks do not take them."""
        fitted = replace(self, shape=shape)
        sample: dict[str, Any] = {}
        fitted.supernet(shape, 10).robust_default(sample)
        fitted.spec(sample).outputs(shape, 10)
        return fitted

    def identifier(self, choice: Mapping[str, Any]) -> str:
        return identifier(choice)

    def sample(self, choice: Mapping[str, Any]) -> dict[str, Any]:
        return dict(choice)

    def choice(self, sample: Mapping[str, Any]) -> dict[str, Any]:
        return {label: sample[label] for label in self.choices()}

    def supernet(self, shape: tuple[int, int, int], classes: int) -> Any:
        """A fresh model space; UsageError where its constructor raises anything."""
        space = self._class()
        offered = {"shape": shape, "classes": classes}
        given = dict(self.arguments) | {
            name: offered[name] for name in _list_parameters(space) & offered.keys()
        }
        try:
            return space(**given)
        except Exception as fault:
            raise UsageError(
                f"{self.place}: cannot be built with {given} ({type(fault).__name__}: {fault})"
            ) from fault

    def _class(self) -> Any:
        found = import_path.parse(self.place)
        if found.in_file or found.place == "__main__":
            raise UsageError(
                f"{self.place}: NNI needs a space in a module that can be imported; write"
                " package.module:Name"
            )
        from scenarios.search.nni_imports import ModelSpace  # NNI takes seconds to import

        try:
            space = getattr(importlib.import_module(found.place), found.name)
        except (ImportError, AttributeError) as fault:
            raise UsageError(
                f"{self.place}: cannot be imported ({fault}); name a class of an installed module"
            ) from fault
        if not isinstance(space, type) or not issubclass(space, ModelSpace):
            raise UsageError(
                f"{self.place}: is no ModelSpace; make it a class that inherits from"
                " nni.nas.nn.pytorch.ModelSpace"
            )
        return space


@dataclass(frozen=True)
class ImportedSpec(FrozenSpec):
    """One architecture, whose outputs are looked at before it is trained. sample: a value for each
    of NNI's labels.
    """

    space: ImportedSpace

    def module(self, shape: tuple[int, int, int], classes: int) -> nn.Module:
        """The network; UsageError where its outputs are not (N, classes)."""
        network, found = self.outputs(shape, classes)
        if found != (2, classes):
            place = self.space.place
            raise UsageError(
                f"{place}: its networks give outputs {found[1:]} for {classes} classes; let it take"
                " `classes`"
            )
        return network

    def outputs(
        self, shape: tuple[int, int, int], classes: int
    ) -> tuple[nn.Module, tuple[int, ...]]:
        """The network, and the shape of its outputs for two images; UsageError where it does not
        take them.
        """
        place = self.space.place
        model = self.space.supernet(shape, classes)
        try:
            network = model.freeze(dict(self.sample))
            with torch.no_grad():
                found = tuple(network.eval()(torch.zeros(2, *shape)).shape)
        except Exception as fault:
            raise UsageError(
                f"{place}: does not take images of shape {shape} ({fault}); let it take `shape`"
            ) from fault
        return network.train(), found


def _list_parameters(space: type) -> set[str]:
    """The names of the constructor's parameters; NNI keeps the constructor itself behind a wrapper
    without them.
    """
    written = next(vars(c)["_init_wrapped"] for c in space.__mro__ if _has_own_init(c))
    return set(inspect.signature(written).parameters)


def _has_own_init(space: type) -> bool:
    """Whether the class wrote its constructor, and not NNI on its behalf."""
    return getattr(vars(space).get("_init_wrapped"), "__name__", "new_init") != "new_init"
