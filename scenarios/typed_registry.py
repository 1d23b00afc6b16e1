"""Registries whose parts derive from one base class."""

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from condensers.registry import import_path
from condensers.registry.registry import Registry

T = TypeVar("T")


class TypedRegistry(Registry, Generic[T]):
    """A registry whose parts derive from one base class.

    Args:
        kind: What a part is called.
        plural: The end of the entry-point group.
        builtin: Name -> "module:Name".
        base: "module:Name" of the base class; it is imported with the first part.
        needs: Attributes that tell this kind from others.
    """

    def __init__(
        self,
        kind: str,
        plural: str,
        builtin: Mapping[str, str],
        base: str,
        needs: Sequence[str] = (),
    ) -> None:
        super().__init__(kind, plural, builtin, needs)
        self.base = base

    def load(self, name: str) -> Any:
        """Import the class that `name` stands for.

        Raises:
            UsageError: It cannot be loaded, or does not derive from the base class.
        """
        found = super().load(name)
        module, _, attribute = self.base.partition(":")
        if not issubclass(found, getattr(importlib.import_module(module), attribute)):
            fault = f"it does not derive from {attribute} of {module}"
            raise import_path.unusable(f"{self.kind} '{name}'", fault)
        return found

    def create(self, spec: Any, where: str = "") -> T:
        """Build a part from its name, or from a table of its name and settings."""
        part: T = super().create(spec, where)
        return part
