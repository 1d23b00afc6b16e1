"""Names -> parts. Entries are lazy "module:Name" strings (`condensers.registry.builtin`), so
listing them imports no torch.

Third parties add their own under the entry-point groups `condensation_harness.<kind plural>`, for
example `condensation_harness.methods`. Where a suite names a part, it may also give the place of
its class, "FILE.py:Name" or "module:Name", but for the kinds in `BY_NAME_ALONE`.
"""

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import Field, fields, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from condensers.errors import HarnessError, UsageError, shown, suggestion
from condensers.hyperparameters import build
from condensers.registry import builtin as names
from condensers.registry import import_path
from condensers.registry.introspection import describe

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")
NO_PART = (
    bool,
    int,
    float,
    list,
    tuple,
    type(None),
)  # what a suite or a card may have where a part belongs

# Kinds that the card of a set names: these must be registered, lest a set bring code to run.
BY_NAME_ALONE = {"parameterisation", "augmentation"}


# What a condenser must have; whoever writes none of these by hand derives from `Composition` or
# `Selection`.
CONDENSER = ("condense", "evaluation", "origin")


class Registry:
    """The names of one kind of part, and where each is defined.

    needs: attributes that a class must have.
    """

    def __init__(
        self, kind: str, plural: str, builtin: Mapping[str, str], needs: Sequence[str] = ()
    ) -> None:
        self.kind, self.plural, self.needs = kind, plural, tuple(needs)
        self.builtin = dict(builtin)
        self._third: dict[str, str] | None = None

    def entries(self) -> dict[str, str]:
        """Return name -> "module:Name", built-in ones first; a built-in name cannot be taken
        over.
        """
        if self._third is None:
            group = f"condensation_harness.{self.plural}"
            self._third = {e.name: e.value for e in installed_entry_points(group)}
        return self.builtin | {n: v for n, v in self._third.items() if n not in self.builtin}

    def locate(self, name: str) -> str:
        """Return the "module:Name" of `name` (or the place that it is), or raise UsageError with a
        near name.
        """
        entries = self.entries()
        if name not in entries and ":" in name and self.kind not in BY_NAME_ALONE:
            import_path.parse(name)
            return name
        if name not in entries:
            raise UsageError(f"unknown {self.kind} {shown(name)}; {suggestion(name, entries)}")
        return entries[name]

    def load(self, name: str) -> Any:
        """Import and return what `name` stands for."""
        module, _, attribute = self.locate(name).partition(":")
        if name not in self.entries():
            return import_path.load(name, is_registered, self.needs)
        try:
            found = getattr(importlib.import_module(module), attribute)
        except HarnessError:
            raise
        except Exception as fault:  # a plug-in may raise anything
            said = f"{type(fault).__name__}: {fault}"
            raise UsageError(
                f"{self.kind} '{name}' cannot be loaded ({said}); install what it needs or"
                " remove it"
            ) from fault
        lacking = [need for need in self.needs if not hasattr(found, need)]
        if lacking:
            raise import_path.unusable(f"{self.kind} '{name}'", f"it lacks '{lacking[0]}'")
        return found

    def create(self, spec: Any, where: str = "") -> Any:
        """Build a part from its name, from a table with `name` and settings, or return it when it
        is one already.

        UsageError where `spec` is none of these, or where the part or any part within it is wrong:
        every fault, a line each.
        """
        if not isinstance(spec, (str, Mapping, *NO_PART)):
            return spec
        if isinstance(spec, NO_PART):
            raise UsageError(
                f"{where or self.kind}: {shown(spec)} is neither the name of a {self.kind} nor a"
                " table with a `name`"
            )
        table = {"name": spec} if isinstance(spec, str) else dict(spec)
        name = table.pop("name", None)
        if not isinstance(name, str):
            raise UsageError(
                f"{where or self.kind}: a table of a {self.kind} needs a `name`;"
                f" {suggestion('', self.entries())}"
            )
        part = _at(where, self.load, name)
        where = where or f"{self.kind} {name}"
        return with_parts(_at(where, build, part, table, where), where)

    def describe(self, name: str) -> dict[str, Any]:
        """Return name, kind, location, summary, docstring and fields (default, unit, source) of
        `name`; it is imported.
        """
        return {
            "name": name,
            "kind": self.kind,
            "where": self.locate(name),
            **describe(self.load(name)),
        }


METHODS = Registry("method", "methods", names.METHODS, CONDENSER)
SELECTIONS = Registry("selection", "selections", names.SELECTIONS, CONDENSER)
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


def installed_entry_points(group: str) -> "Iterable[EntryPoint]":
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
    groups = [
        group for group in _all_installed().groups if group.startswith("condensation_harness.")
    ]
    third = (entry.value for group in groups for entry in installed_entry_points(group))
    return where.startswith(("condensers.", "scenarios.")) or where in third


def with_parts(part: Any, where: str = "") -> Any:
    """`part` with the parts it names (its network, its objective, ...) built and checked to fit, so
    that a fault shows now.
    """
    where = where or part.registered
    faults: list[str] = []
    built = {
        f.name: _built(f, getattr(part, f.name), f"{where}.{f.name}", faults)
        for f in fields(part)
        if _names_part(f)
    }
    if faults:
        raise UsageError("\n".join(faults))
    whole = (
        part
        if all(built[name] is getattr(part, name) for name in built)
        else _at(where, replace, part, **built)
    )
    if hasattr(whole, "require_fit"):
        whole.require_fit(where)
    return whole


def _names_part(known: "Field[Any]") -> bool:
    return known.metadata.get("part") in PARTS


def _built(known: "Field[Any]", value: Any, where: str, faults: list[str]) -> Any:
    """One part, or a tuple of parts where the field holds several; `value` where `faults` gets what
    is wrong with it.
    """
    registry = PARTS[known.metadata["part"]]
    several = isinstance(known.default, tuple)
    if value is None and known.default is None:
        return None
    parts = []
    for index, one in enumerate(value) if several else [(0, value)]:
        try:
            parts.append(registry.create(one, f"{where}[{index}]" if several else where))
        except UsageError as fault:
            faults.append(str(fault))
    if not several:
        return parts[0] if parts else value
    same = (
        isinstance(value, tuple)
        and len(parts) == len(value)
        and all(a is b for a, b in zip(parts, value, strict=True))
    )
    return value if same else tuple(parts)


def _at(where: str, call: Callable[..., T], *arguments: Any, **named: Any) -> T:
    """What `call` returns; a fault that does not say so already tells that it was found at
    `where`.
    """
    try:
        return call(*arguments, **named)
    except UsageError as fault:
        said = str(fault)
        raise (fault if not where or where in said else type(fault)(f"{where}: {said}")) from None


def create_condenser(spec: Any, where: str = "") -> Any:
    """Build a method or a selection, both of which are condensers.

    Args:
        spec: A name that `harness list methods` or `selections` shows, "FILE.py:Name" or
            "module:Name", or a table with `name` and settings. A condenser is returned as it is.
        where: The place of `spec` in a suite, for messages.

    Raises:
        UsageError: A name is unknown or a setting is wrong; a line for each fault.
    """
    if not isinstance(spec, (str, Mapping, *NO_PART)):
        return spec
    if isinstance(spec, NO_PART):
        raise UsageError(
            f"{where or 'method'}: {shown(spec)} is neither the name of a method nor a table with a"
            " `name`"
        )
    name = spec if isinstance(spec, str) else spec.get("name", "")
    known = isinstance(name, str)
    if known and name in SELECTIONS.entries():
        return SELECTIONS.create(spec, where)
    if not known or (name not in METHODS.entries() and ":" not in name):
        both = [*METHODS.entries(), *SELECTIONS.entries()]
        raise UsageError(
            f"{where + ': ' if where else ''}unknown method {shown(name)};"
            f" {suggestion(str(name), both)}"
        )
    return METHODS.create(spec, where)
