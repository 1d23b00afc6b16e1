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
from typing import TYPE_CHECKING, Any, TypeVar, cast

from condensers.errors import HarnessError, UsageError, shown, suggestion
from condensers.hyperparameters import Part, build
from condensers.registry import builtin as names
from condensers.registry import import_path
from condensers.registry.introspection import describe

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from condensers.condenser import Condenser

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
BY_NAME_ALONE = {"parameterisation", "refiner", "augmentation"}


class Registry:
    """The names of one kind of part, and where each is defined.

    Attributes:
        kind: What one part is called in messages.
        plural: What `list` calls them, and the end of their entry-point group.
        builtin: Name -> "module:Name".
        base: The "module:Name" of the abstract base class that every part derives from, that of
            `names.BASES` unless another is given; empty if there is none.
        needs: Attributes that a class must have beside the abstract members of its base.
        former_plural: What an earlier release called them; `list` and entry points may still.
        families: Prefix -> the "module:function" that gives the class of PREFIX:NAME for a NAME,
            that of `names.FAMILIES`.
    """

    def __init__(
        self,
        kind: str,
        plural: str,
        builtin: Mapping[str, str],
        needs: Sequence[str] = (),
        base: str | None = None,
        former_plural: str = "",
    ) -> None:
        self.kind, self.plural, self.needs = kind, plural, tuple(needs)
        self.base = names.BASES.get(kind, "") if base is None else base
        self.former_plural = former_plural
        self.families = names.FAMILIES.get(kind, {})
        self.builtin = dict(builtin)
        self._third: dict[str, str] | None = None

    def entries(self) -> dict[str, str]:
        """Return name -> "module:Name", built-in ones first; a built-in name cannot be taken
        over.
        """
        if self._third is None:
            groups = [f"condensation_harness.{each}" for each in self._plurals()]
            self._third = {
                e.name: e.value for group in groups for e in installed_entry_points(group)
            }
        return self.builtin | {n: v for n, v in self._third.items() if n not in self.builtin}

    def locate(self, name: str) -> str:
        """Return the "module:Name" of `name` (or the place that it is), or raise UsageError with a
        near name.
        """
        entries = self.entries()
        if self.has_family(name):
            return self.families[name.partition(":")[0]]
        if name not in entries and ":" in name and self.kind not in BY_NAME_ALONE:
            import_path.parse(name)
            return name
        if name not in entries:
            raise UsageError(f"unknown {self.kind} {shown(name)}; {suggestion(name, entries)}")
        return entries[name]

    def load(self, name: str) -> Any:
        """Import and return what `name` stands for."""
        module, _, attribute = self.locate(name).partition(":")
        if self.has_family(name):
            return getattr(importlib.import_module(module), attribute)(name.partition(":")[2])
        if name not in self.entries():
            return import_path.load(name, is_registered, self.lacks)
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
        lack = self.lacks(found)
        if lack:
            raise import_path.unusable(f"{self.kind} '{name}'", lack)
        return found

    def has_family(self, name: str) -> bool:
        """Whether a name is one of a package's, such as timm:resnet18."""
        prefix, colon, _ = name.partition(":")
        return bool(colon) and prefix in self.families

    def _plurals(self) -> list[str]:
        return [each for each in (self.plural, self.former_plural) if each]

    def lacks(self, part: Any) -> str:
        """Return why a class cannot be a part of this kind, in a few words; empty if it can."""
        if self.base:
            base = self._base()
            if not (isinstance(part, type) and issubclass(part, base)):
                return f"it does not derive from {base.__module__}.{base.__name__}"
            missing = sorted(abstract_members(part))
            if missing:
                return f"it lacks '{missing[0]}'"
        members = {name for cls in part.__mro__ for name in vars(cls)}
        return next((f"it lacks '{need}'" for need in self.needs if need not in members), "")

    def _base(self) -> type:
        module, _, name = self.base.partition(":")
        base: type = getattr(importlib.import_module(module), name)
        return base

    def create(self, spec: Any, where: str = "") -> Any:
        """Build a part from its name, from a table with `name` and settings, or return it when it
        is one already.

        UsageError where `spec` is none of these, or where the part or any part within it is wrong:
        every fault, a line each.
        """
        if not isinstance(spec, (str, Mapping, *NO_PART)):
            fault = self.lacks(type(spec))
            if fault:
                raise UsageError(
                    f"{where or self.kind}: {type(spec).__name__} is no {self.kind}: {fault}"
                )
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


METHODS = Registry("method", "methods", names.METHODS, ("evaluation",))
SELECTIONS = Registry("selection", "selections", names.SELECTIONS, ("evaluation",))
NETWORKS = Registry("network", "networks", names.NETWORKS)
PARAMETERISATIONS = Registry("parameterisation", "parameterisations", names.PARAMETERISATIONS)
REFINERS = Registry("refiner", "refiners", names.REFINERS)
LABELS = Registry("label model", "labels", names.LABELS)
VIEWS = Registry("view", "views", names.VIEWS)
SAMPLERS = Registry("sampler", "samplers", names.SAMPLERS)
AUGMENTATIONS = Registry("augmentation", "augmentations", names.AUGMENTATIONS)
OBJECTIVES = Registry("objective", "objectives", names.OBJECTIVES)
REGULARISERS = Registry("regulariser", "regularisers", names.REGULARISERS)
KERNELS = Registry("kernel", "kernels", names.KERNELS)
MODEL_SCHEDULES = Registry(
    "model schedule", "model_schedules", names.MODEL_SCHEDULES, former_plural="schedules"
)
CURRICULA = Registry("curriculum", "curricula", names.CURRICULA)
STOPS = Registry("stop rule", "stops", names.STOPS)

_OF_METHODS = (
    NETWORKS,
    PARAMETERISATIONS,
    REFINERS,
    LABELS,
    VIEWS,
    SAMPLERS,
    AUGMENTATIONS,
    OBJECTIVES,
    REGULARISERS,
    KERNELS,
    MODEL_SCHEDULES,
    CURRICULA,
    STOPS,
)
PARTS = {registry.kind: registry for registry in _OF_METHODS}


def abstract_members(part: type) -> "frozenset[str]":
    """Return the members of its base class that a part does not have."""
    return frozenset(vars(part).get("__abstractmethods__", ()))


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


def with_parts(part: T, where: str = "") -> T:
    """`part` with the parts it names (its network, its objective, ...) built and checked to fit, so
    that a fault shows now.
    """
    where = where or (part.registered if isinstance(part, Part) else type(part).__name__)
    faults: list[str] = []
    built = {
        f.name: _built(f, getattr(part, f.name), f"{where}.{f.name}", faults)
        for f in fields(cast(Any, part))
        if _names_part(f)
    }
    if faults:
        raise UsageError("\n".join(faults))
    whole = (
        part
        if all(built[name] is getattr(part, name) for name in built)
        else _at(where, replace, part, **built)
    )
    if isinstance(whole, Part):
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


def create_condenser(spec: object, *, where: str = "", **settings: Any) -> "Condenser":
    """Build a method or a selection, both of which are condensers.

    Args:
        spec: A name that `harness list methods` or `selections` shows, "FILE.py:Name" or
            "module:Name", or a table with `name` and settings. A condenser is returned as it is.
        where: The place of `spec` in a suite, for messages.
        settings: Further settings, in place of those in the table.

    Raises:
        UsageError: A name is unknown or a setting is wrong; a line for each fault.

    Examples:
        >>> create_condenser("dm", iterations=10, lr=0.5).lr
        0.5
    """
    if settings and isinstance(spec, (str, Mapping)):
        spec = {**({"name": spec} if isinstance(spec, str) else spec), **settings}
    elif settings:
        raise UsageError(
            f"{where or 'method'}: {shown(spec)} takes no further settings"
            f" ({', '.join(settings)}); give a name or a table with a `name`"
        )
    if not isinstance(spec, (str, Mapping, *NO_PART)):
        return cast("Condenser", spec)
    if isinstance(spec, NO_PART):
        raise UsageError(
            f"{where or 'method'}: {shown(spec)} is neither the name of a method nor a table with a"
            " `name`"
        )
    name = spec.get("name", "") if isinstance(spec, Mapping) else spec
    known = isinstance(name, str)
    if known and name in SELECTIONS.entries():
        return cast("Condenser", SELECTIONS.create(spec, where))
    if not known or (name not in METHODS.entries() and ":" not in name):
        both = [*METHODS.entries(), *SELECTIONS.entries()]
        raise UsageError(
            f"{where + ': ' if where else ''}unknown method {shown(name)};"
            f" {suggestion(str(name), both)}"
        )
    return cast("Condenser", METHODS.create(spec, where))
