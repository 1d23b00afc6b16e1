"""Cells: the smallest pieces of a run that are stored, each keyed by the hash of what determines its result."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness import __version__


@dataclass(frozen=True)
class Cell:
    """One set to make, a shard of one, one measurement of a scenario, or one row of a ground-truth table.

    data: name of the data set; digests: what its parts hold. condenser: spec with all hyperparameters, None for a reference.
    budget: ("ipc", N) or ("bytes", B). needs: key of the cell that makes the set this one measures. architecture: the choices of
    the one whose row of a ground-truth table this cell makes. classes: those of a shard. shards: keys of the cells whose sets,
    put together, are this one. origin: what the set's images are, as its condenser says.
    """

    kind: str
    data: str
    digests: Mapping[str, str]
    seed: int
    label: str
    condenser: Mapping[str, Any] | None = None
    budget: tuple[str, int] | None = None
    scenario: str | None = None
    scenario_label: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    reference: str | None = None
    recipe: str | None = None
    origin: str | None = None
    needs: str | None = None
    architecture: Mapping[str, Any] | None = None
    classes: tuple[int, ...] = ()
    shards: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """16 hex digits; labels, which are names for people, do not enter."""
        determines: dict[str, Any] = {
            "version": __version__,
            "kind": self.kind,
            "data": self.data,
            "digests": dict(self.digests),
            "seed": self.seed,
            "condenser": self.condenser,
            "budget": self.budget,
            "scenario": self.scenario,
            "settings": dict(self.settings),
            "reference": self.reference,
            "needs": self.needs,
        }
        if self.architecture is not None:
            determines["architecture"] = dict(self.architecture)
        determines |= {name: value for name, value in (("classes", self.classes), ("shards", self.shards)) if value}
        return hashlib.sha256(json.dumps(determines, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def all_needs(self) -> tuple[str, ...]:
        """Keys of the cells that must be done before this one."""
        return (*((self.needs,) if self.needs else ()), *self.shards)

    @property
    def title(self) -> str:
        """What is being done, in a few words."""
        what = f"{self.label} {self.budget[0]} {self.budget[1]}" if self.budget else self.label
        where = f"{self.scenario_label}: " if self.scenario else "condense "
        which = f", classes {self.classes[0]} to {self.classes[-1]}" if self.classes else ""
        return f"{where}{what}, seed {self.seed}{which}"

    def as_json(self, ipc: int | None = None) -> dict[str, Any]:
        """What a record says of its cell."""
        return {
            "scenario": self.scenario_label,
            "settings": dict(self.settings),
            "data": self.data,
            "condenser": self.condenser["name"] if self.condenser else None,
            "hyperparameters": dict(self.condenser) if self.condenser else None,
            "reference": self.reference,
            "label": self.label,
            "ipc": ipc,
            "budget": list(self.budget) if self.budget else None,
            "seed": self.seed,
            "recipe": self.recipe,
            "origin": self.origin,
        }
