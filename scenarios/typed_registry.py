"""Registries whose parts derive from one base class."""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

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
        super().__init__(kind, plural, builtin, needs, base=base)

    def create(self, spec: Any, where: str = "") -> T:
        """Build a part from its name, or from a table of its name and settings."""
        part: T = super().create(spec, where)
        return part
