"""Names -> parts. Entries are lazy "module:Name" strings (`condensers.names`), so listing them imports no torch.

Third parties add their own under the entry-point groups `condensation_harness.<kind plural>`, for example
`condensation_harness.methods`. Where a suite names a part, it may also give the place of its class, "FILE.py:Name" or
"module:Name", but for the kinds in `BY_NAME_ALONE`.
"""

import importlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from condensers import location, names
from condensers.errors import HarnessError, UsageError, suggestion
from condensers.fields import build
from condensers.introspection import describe

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

# Kinds that the card of a set names: these must be registered, lest a set bring code to run.
BY_NAME_ALONE = {"parameterisation", "augmentation"}


class Registry:
    """The names of one kind of part, and where each is defined.

    needs: attributes that a class must have which is named by its place and not registered.
    """

    def __init__(self, kind: str, plural: str, builtin: Mapping[str, str], needs: Sequence[str] = ()) -> None:
        self.kind, self.plural, self.needs = kind, plural, tuple(needs)
        self.builtin = dict(builtin)
        self._third: dict[str, str] | None = None

    def entries(self) -> dict[str, str]:
        """Return name -> "module:Name", built-in ones first; a built-in name cannot be taken over."""
        if self._third is None:
            group = f"condensation_harness.{self.plural}"
            self._third = {e.name: e.value for e in installed(group)}
        return self.builtin | {n: v for n, v in self._third.items() if n not in self.builtin}

    def locate(self, name: str) -> str:
        """Return the "module:Name" of `name` (or the place that it is), or raise UsageError with a near name."""
        entries = self.entries()
        if name not in entries and ":" in name and self.kind not in BY_NAME_ALONE:
            location.parse(name)
            return name
        if name not in entries:
            raise UsageError(f"unknown {self.kind} '{name}'; {suggestion(name, entries)}")
        return entries[name]

    def load(self, name: str) -> Any:
        """Import and return what `name` stands for."""
        module, _, attribute = self.locate(name).partition(":")
        if name not in self.entries():
            return location.load(name, is_registered, self.needs)
        try:
            return getattr(importlib.import_module(module), attribute)
        except HarnessError:
            raise
        except Exception as fault:  # a plug-in may raise anything
            said = f"{type(fault).__name__}: {fault}"
            raise UsageError(f"{self.kind} '{name}' cannot be loaded ({said}); install what it needs or remove it") from fault

    def create(self, spec: Any, where: str = "") -> Any:
        """Build a part from its name, from a table with `name` and settings, or return it when it is one already."""
        if not isinstance(spec, str | Mapping):
            return spec
        table = {"name": spec} if isinstance(spec, str) else dict(spec)
        name = table.pop("name", None)
        if not isinstance(name, str):
            raise UsageError(f"{where or self.kind}: a table of a {self.kind} needs a `name`; {suggestion('', self.entries())}")
        where = where or f"{self.kind} {name}"
        return with_parts(build(self.load(name), table, where), where)

    def describe(self, name: str) -> dict[str, Any]:
        """Return name, kind, location, summary, docstring and fields (default, unit, source) of `name`; it is imported."""
        return {"name": name, "kind": self.kind, "where": self.locate(name), **describe(self.load(name))}


METHODS = Registry("method", "methods", names.METHODS, ("condense", "evaluation"))
SELECTIONS = Registry("selection", "selections", names.SELECTIONS)
NETWORKS = Registry("network", "networks", names.NETWORKS, ("module",))
PARAMETERISATIONS = Registry("parameterisation", "parameterisations", names.PARAMETERISATIONS)
LABELS = Registry("label model", "labels", names.LABELS)
VIEWS = Registry("view", "views", names.VIEWS)
SAMPLERS = Registry("sampler", "samplers", names.SAMPLERS)
AUGMENTATIONS = Registry("augmentation", "augmentations", names.AUGMENTATIONS)
OBJECTIVES = Registry("objective", "objectives", names.OBJECTIVES)
REGULARISERS = Registry("regulariser", "regularisers", names.REGULARISERS)
KERNELS = Registry("kernel", "kernels", names.KERNELS)
SCHEDULES = Registry("schedule", "schedules", names.SCHEDULES)
STOPS = Registry("stop rule", "stops", names.STOPS)

_OF_METHODS = (
    NETWORKS,
    PARAMETERISATIONS,
    LABELS,
    VIEWS,
    SAMPLERS,
    AUGMENTATIONS,
    OBJECTIVES,
    REGULARISERS,
    KERNELS,
    SCHEDULES,
    STOPS,
)
PARTS = {registry.kind: registry for registry in _OF_METHODS}


def installed(group: str) -> "Iterable[EntryPoint]":
    """What installed packages add to a registry."""
    found: Iterable[EntryPoint] = _all_installed().select(group=group)
    return found


@lru_cache(maxsize=1)
def _all_installed() -> Any:
    """Every package's entry points, looked for once: it takes a tenth of a second."""
    from importlib.metadata import entry_points  # it is slow to import, and help needs none of it

    return entry_points()


def is_registered(where: str) -> bool:
    """Whether "module:Name" is a built-in part or one that an installed package registers."""
    groups = [group for group in _all_installed().groups if group.startswith("condensation_harness.")]
    third = (entry.value for group in groups for entry in installed(group))
    return where.startswith(("condensers.", "scenarios.")) or where in third


def with_parts(part: Any, where: str = "") -> Any:
    """`part` with the parts it names (its network, its objective, ...) built and checked to fit, so that a fault shows now."""
    where = where or part.registered
    named = {f.name: PARTS[f.metadata["part"]] for f in fields(part) if f.metadata.get("part") in PARTS}
    built = {name: _built(registry, getattr(part, name), f"{where}.{name}") for name, registry in named.items()}
    whole = part if all(built[name] is getattr(part, name) for name in built) else replace(part, **built)
    if hasattr(whole, "require_fit"):
        whole.require_fit(where)
    return whole


def _built(registry: Registry, value: Any, where: str) -> Any:
    """One part, or a tuple of parts where the field holds several."""
    if not isinstance(value, list | tuple):
        return registry.create(value, where)
    parts = tuple(registry.create(one, f"{where}[{index}]") for index, one in enumerate(value))
    return value if isinstance(value, tuple) and all(a is b for a, b in zip(parts, value, strict=True)) else parts


def create_condenser(spec: Any, where: str = "") -> Any:
    """Build a method or a selection from its name or table: both stand behind the `Condenser` protocol."""
    if not isinstance(spec, str | Mapping):
        return spec
    name = str(spec if isinstance(spec, str) else spec.get("name", ""))
    if name in SELECTIONS.entries():
        return SELECTIONS.create(spec, where)
    if name not in METHODS.entries() and ":" not in name:
        both = [*METHODS.entries(), *SELECTIONS.entries()]
        raise UsageError(f"{where + ': ' if where else ''}unknown method '{name}'; {suggestion(name, both)}")
    return METHODS.create(spec, where)
