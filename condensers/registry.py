"""Names -> parts. Entries are lazy "module:Name" strings, so listing them imports nothing (no torch).

Third parties add their own under the entry-point groups `condensation_harness.<kind plural>`, for example
`condensation_harness.methods`.
"""

import importlib
from collections.abc import Mapping
from dataclasses import fields, replace
from importlib.metadata import entry_points
from typing import Any

from condensers import source
from condensers.errors import UsageError, suggestion
from condensers.fields import build


class Registry:
    """The names of one kind of part, and where each is defined."""

    def __init__(self, kind: str, plural: str, builtin: Mapping[str, str]) -> None:
        self.kind, self.plural = kind, plural
        self._builtin = dict(builtin)
        self._third: dict[str, str] | None = None

    def entries(self) -> dict[str, str]:
        """Return name -> "module:Name", built-in ones first; a built-in name cannot be taken over."""
        if self._third is None:
            self._third = {e.name: e.value for e in entry_points(group=f"condensation_harness.{self.plural}")}
        return self._builtin | {n: v for n, v in self._third.items() if n not in self._builtin}

    def locate(self, name: str) -> str:
        """Return the "module:Name" of `name`, or raise UsageError with a near name."""
        entries = self.entries()
        if name not in entries:
            raise UsageError(f"unknown {self.kind} '{name}'; {suggestion(name, entries)}")
        return entries[name]

    def load(self, name: str) -> Any:
        """Import and return what `name` stands for."""
        module, _, attribute = self.locate(name).partition(":")
        try:
            return getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as fault:
            raise UsageError(f"{self.kind} '{name}' cannot be loaded ({fault}); install what it needs or remove it") from fault

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
        """Return summary, docstring, location and fields (default, unit, source) of `name`, read from its source.

        Nothing of the part's module is run, which is what keeps `show` fast.
        """
        where = self.locate(name)
        return {"name": name, "kind": self.kind, "where": where, **source.describe(where)}


METHODS = Registry(
    "method",
    "methods",
    {"dc": "condensers.methods.dc:DC", "dsa": "condensers.methods.dsa:DSA", "dm": "condensers.methods.dm:DM"},
)
SELECTIONS = Registry(
    "selection",
    "selections",
    {
        "random": "condensers.selections.random:Random",
        "herding": "condensers.selections.herding:Herding",
        "k-center": "condensers.selections.k_center:KCenter",
        "k-means": "condensers.selections.k_means:KMeans",
        "k-means-centroids": "condensers.selections.k_means_centroids:KMeansCentroids",
    },
)
NETWORKS = Registry(
    "network",
    "networks",
    {
        "convnet": "condensers.networks.convnet:ConvNetSpec",
        "mlp": "condensers.networks.mlp:MLPSpec",
        "lenet": "condensers.networks.lenet:LeNetSpec",
        "resnet18": "condensers.networks.resnet:ResNet18Spec",
    },
)
PARAMETERISATIONS = Registry("parameterisation", "parameterisations", {"pixels": "condensers.parameterisations.pixels:Pixels"})
AUGMENTATIONS = Registry(
    "augmentation",
    "augmentations",
    {"none": "condensers.augmentations.siamese:NoAugmentation", "dsa": "condensers.augmentations.siamese:Siamese"},
)
OBJECTIVES = Registry(
    "objective",
    "objectives",
    {
        "gradient": "condensers.objectives.gradient:GradientMatching",
        "mean-embedding": "condensers.objectives.distribution:MeanEmbedding",
    },
)
SCHEDULES = Registry(
    "schedule",
    "schedules",
    {
        "fresh": "condensers.schedules.fresh:Fresh",
        "trained-on-synthetic": "condensers.schedules.trained_on_synthetic:TrainedOnSynthetic",
    },
)


PARTS = {registry.kind: registry for registry in (NETWORKS, PARAMETERISATIONS, AUGMENTATIONS, OBJECTIVES, SCHEDULES)}


def with_parts(part: Any, where: str) -> Any:
    """`part` with the parts it names (its network, its parameterisation, ...) built, so that a fault in one shows now."""
    named = {f.name: PARTS[f.metadata["part"]] for f in fields(part) if f.metadata.get("part") in PARTS}
    built = {name: registry.create(getattr(part, name), f"{where}.{name}") for name, registry in named.items()}
    return replace(part, **built) if built else part


def create_condenser(spec: Any, where: str = "") -> Any:
    """Build a method or a selection from its name or table: both stand behind the `Condenser` protocol."""
    if not isinstance(spec, str | Mapping):
        return spec
    name = str(spec if isinstance(spec, str) else spec.get("name", ""))
    if name in SELECTIONS.entries():
        return SELECTIONS.create(spec, where)
    if name not in METHODS.entries():
        both = [*METHODS.entries(), *SELECTIONS.entries()]
        raise UsageError(f"{where + ': ' if where else ''}unknown method '{name}'; {suggestion(name, both)}")
    return METHODS.create(spec, where)
