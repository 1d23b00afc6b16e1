"""Cells: the smallest pieces of a run that are stored, each keyed by the hash of what determines
its result.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from condensers.registry import code_digest
from harness import __version__

if TYPE_CHECKING:
    from condensers.data import ClassData

MAKES_A_SET = ("condense", "shard")
IN_KEY = ("settings", "data", "hyperparameters", "reference", "budget", "seed")
EXECUTES = "harness.running.cell_work"
ALWAYS = ("condensers.sets.files", "scenarios.protocol")


@dataclass(frozen=True)
class Cell:
    """One set to make, a shard of one, one measurement of a scenario, or one row of a ground-truth
    table.

    Args:
        kind: "condense", "shard", "scenario" or "truth".
        data: the name of the data set.
        digests: the digests of its parts, as `digests_of` gives them.
        seed: decides all that is random.
        label: how rows name the condenser or the reference.
        condenser: its spec with all hyperparameters; None for a reference.
        budget: ("ipc", N) or ("bytes", B).
        scenario: the registered name of the scenario; None for a cell that makes a set.
        scenario_label: how rows name the scenario.
        settings: those of the scenario.
        reference: the name of the reference that is measured.
        recipe: the augmentation under which a set is measured.
        origin: what the images of the set are, as its condenser says.
        needs: the key of the cell that makes the set to be measured.
        architecture: the choices of the architecture of a row of a ground-truth table.
        classes: the classes of a shard.
        shards: the keys of the cells whose sets are merged.
        sources: the digests of the code behind the cell, as `sources_of` gives them.
        limit: N of a trial, `harness.suite.limit`; None for a cell of a whole run.
        class_count: how many classes the data set has; records say it, it enters no key.
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
    sources: Mapping[str, str] = field(default_factory=dict)
    limit: int | None = None
    class_count: int | None = None

    @cached_property
    def key(self) -> str:
        """16 hex digits; labels, which are names for people, do not enter."""
        return key_of_record({"kind": self.kind, "cell": self.as_json(), "keyed_by": self.keyed_by})

    @property
    def keyed_by(self) -> dict[str, Any]:
        """What enters the key beside `as_json`; a record holds both, to prove its key."""
        mark = {} if self.limit is None else {"limit": self.limit}
        return {
            **mark,
            "version": __version__,
            "digests": dict(self.digests),
            "scenario": self.scenario,
            "needs": self.needs,
            "architecture": None if self.architecture is None else dict(self.architecture),
            "classes": list(self.classes),
            "shards": list(self.shards),
            "sources": dict(self.sources),
        }

    @property
    def all_needs(self) -> tuple[str, ...]:
        """Keys of the cells that must be done before this one."""
        return (*((self.needs,) if self.needs else ()), *self.shards)

    @property
    def title(self) -> str:
        """The task of the cell in a few words."""
        what = f"{self.label} {self.budget[0]} {self.budget[1]}" if self.budget else self.label
        where = f"{self.scenario_label}: " if self.scenario else "condense "
        which = f", classes {self.classes[0]} to {self.classes[-1]}" if self.classes else ""
        return f"{where}{what}, seed {self.seed}{which}"

    def as_json(self, ipc: int | None = None) -> dict[str, Any]:
        """The description of the cell in its record; ipc: that of the set, once it is known."""
        return {
            "scenario": self.scenario_label,
            "settings": dict(self.settings),
            "data": self.data,
            "class_count": self.class_count,
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


def key_of_record(record: Mapping[str, Any]) -> str:
    """The key that belongs to what a record says of its cell."""
    cell = {name: record["cell"].get(name) for name in IN_KEY}
    keyed_by = {**record["keyed_by"]}
    keyed_by["sources"] = _digest_of_sources(tuple(sorted(keyed_by["sources"].items())))
    determines = {"kind": record["kind"], "cell": cell, "keyed_by": keyed_by}
    plain = json.loads(json.dumps(determines))  # a key of a table is a text once it was written
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]


@lru_cache
def _digest_of_sources(sources: tuple[tuple[str, str], ...]) -> str:
    """Cells share them by the thousand."""
    return hashlib.sha256(json.dumps(sources).encode()).hexdigest()


def sources_of(
    *parts: Any, words: Sequence[str] = (), modules: Sequence[str] = ()
) -> dict[str, str]:
    """Module -> digest of the code behind `parts`. words: names of further parts.

    Of this package only `harness.running.cell_work` is among them: reports, displays and the
    command line decide no result.
    """
    named = {name for part in parts for name in code_digest.modules_of(part)}
    texts = {*code_digest.words_of(parts), *words}
    found = code_digest.reached(sorted({*named, *ALWAYS, *modules}), sorted(texts))
    return {**found, **code_digest.digests([EXECUTES])}


def digests_of(**parts: "ClassData") -> dict[str, str]:
    """What parts of a data set hold, by name; the scale and symmetry that their reader gave
    them.
    """
    scales = sorted({repr((part.mean, part.std, part.mirror)) for part in parts.values()})
    scale = hashlib.sha256(repr(scales).encode()).hexdigest()[:16]
    return {**{name: part.digest for name, part in parts.items()}, "scale": scale}
