"""Suite -> cells. Every fault of the whole suite is found here, before anything is computed."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from condensers.condenser import Condenser
from condensers.data import ClassData
from condensers.errors import HarnessError, UsageError, shown, suggestion
from condensers.hyperparameters import settings_of
from condensers.registry.registry import SELECTIONS, create_condenser
from condensers.sets.origins import LEARNED, SELECTED, UNKNOWN, known
from condensers.sets.synthetic_set import Budget
from harness.suite import definition
from harness.suite.cell import MAKES_A_SET, Cell, digests_of, sources_of
from harness.suite.definition import CondenserEntry, ScenarioEntry, Suite, SuiteSource
from harness.suite.limit import choose_cells, limit_suite
from scenarios.datasets import load
from scenarios.protocol import Splits
from scenarios.registry import SCENARIOS

# Real images that stand beside every set at equal bytes too; other selections are measured at the
# budgets that were asked for.
PLAIN_REAL = ("random", "herding", "k-means")


@dataclass(frozen=True)
class SuitePlan:
    """A checked suite, its cells, and the data that it was checked with.

    Args:
        suite: what was asked for.
        cells: what is to be computed; cells that make sets stand before those that use them.
        data: the data sets by name.
        until: the rule by which seeds were added, as `harness.running.until` describes it.
        notes: what should be known before it is run, a sentence each.
    """

    suite: Suite
    cells: tuple[Cell, ...]
    data: Mapping[str, Splits]
    until: Mapping[str, Any] | None = None
    notes: tuple[str, ...] = ()

    def describe(self, command: str, environment: Mapping[str, Any]) -> dict[str, Any]:
        """Make the description that a run directory holds of its run, as JSON values."""
        description = {
            "suite": self.suite.name,
            "about": self.suite.about,
            "command": command,
            "cells": [cell.key for cell in self.cells],
            "names": [[cell.scenario_label, cell.label] for cell in self.cells],
            "design": self.suite.design.as_json(),
            "environment": dict(environment),
        }
        limit = self.suite.limit
        more = {"until": dict(self.until)} if self.until is not None else {}
        return description | more | ({} if limit is None else {"limit": limit})

    def __repr__(self) -> str:
        kinds = Counter("set" if cell.kind in MAKES_A_SET else "measurement" for cell in self.cells)
        counts = ", ".join(f"{count} {kind}s" for kind, count in kinds.items())
        return f"<SuitePlan of {self.suite.name}: {len(self.cells)} cells ({counts})>"


def plan_suite(
    suite: SuiteSource,
    overrides: Sequence[str] = (),
    data_dir: Path | None = None,
    download: bool = False,
    limit: int | None = None,
) -> SuitePlan:
    """Read a suite, check it whole with its data, and lay out its cells.

    Args:
        suite: the name of a built-in suite, the path of a TOML file, or a table of the same
            structure.
        overrides: changes to it, each `key=value` with a dotted key.
        data_dir: the folder with the data sets; None for the usual one.
        download: whether a missing data set may be fetched.
        limit: N of a trial, `harness.suite.limit`; None for the whole suite.

    Raises:
        UsageError: something in the suite is wrong; the text has a line for every fault.
        DataMissing: the only faults are data sets that are not there.
    """
    table = limit_suite(definition.read(suite, overrides), limit)
    share = table.validation
    return lay_out(
        table, lambda name: load(name, data_dir=data_dir, download=download, validation=share)
    )


def lay_out(suite: Suite, load_data: Callable[[str], Splits]) -> SuitePlan:
    """Check all parts of a suite and lay out its cells; raises what `plan_suite` raises.

    load_data: gives a data set by name.
    """
    faults: list[HarnessError] = [UsageError(fault) for fault in suite.faults]
    condensers = {e.label: _try(faults, _condenser, e) for e in suite.condensers if e.spec["name"]}
    scenarios = [(e, _try(faults, _scenario, e)) for e in suite.scenarios if e.name]
    data = {name: _try(faults, load_data, name) for name in suite.data}
    cells: dict[str, Cell] = {}
    notes: dict[str, None] = {}
    if not faults:
        for name, splits in data.items():
            layout = _CellLayout(suite, name, splits, condensers, cells)
            _try(faults, layout.add_cells, scenarios)
            notes |= layout.notes
    if faults:
        worst = UsageError if any(f.status == 2 for f in faults) else type(faults[0])
        lines = dict.fromkeys(line for fault in faults for line in str(fault).splitlines())
        raise worst(
            "\n".join(
                line if line.startswith(suite.source) else f"{suite.source}: {line}"
                for line in lines
            )
        )
    laid_out = list(cells.values())
    chosen = laid_out if suite.limit is None else choose_cells(laid_out, suite.limit)
    return SuitePlan(suite, tuple(chosen), data, notes=tuple(notes) if suite.limit is None else ())


def _try(faults: list[HarnessError], call: Callable[..., Any], argument: Any) -> Any:
    try:
        return call(argument)
    except HarnessError as fault:
        faults.append(fault)
        return None


def _condenser(entry: CondenserEntry) -> Any:
    return create_condenser(entry.spec, where=f"condensers.{entry.label}")


def _scenario(entry: ScenarioEntry) -> Any:
    scenario = SCENARIOS.create({"name": entry.name, **entry.settings}, f"scenarios.{entry.label}")
    for reference in entry.references or ():
        if reference not in scenario.references:
            raise UsageError(
                f"scenarios.{entry.label}.references: unknown {shown(reference)};"
                f" {suggestion(reference, scenario.references)}"
            )
    return scenario


def _name(entry: ScenarioEntry, scenario: Any) -> str:
    """How cells name a scenario; an import path carries the digest of its file."""
    return str(scenario.registered) if ":" in entry.name else entry.name


class _CellLayout:
    """Lays out the cells of one data set into `cells`, by key."""

    def __init__(
        self,
        suite: Suite,
        name: str,
        splits: Splits,
        condensers: Mapping[str, Any],
        cells: dict[str, Cell],
    ) -> None:
        self.suite, self.name, self.train = suite, name, splits.train
        self.condensers, self.cells = condensers, cells
        self.sources: dict[tuple[object, ...], dict[str, str]] = {}
        self.matched: dict[tuple[str, tuple[str, int]], Condenser] = {}
        self.notes: dict[str, None] = {}
        self.digests = digests_of(
            train=splits.train, validation=splits.validation, test=splits.test
        )

    def add_cells(self, scenarios: Sequence[tuple[ScenarioEntry, Any]]) -> None:
        for entry, scenario in scenarios:
            subjects = [] if scenario.references_only else self._subjects(entry)
            usual = scenario.default_references
            names = usual if entry.references is None else entry.references
            wanted = {name: scenario.reference_seeds(name, entry.seeds) for name in names}
            for seed in dict.fromkeys(chain(entry.seeds, *wanted.values())):
                self._references(entry, scenario, [n for n in names if seed in wanted[n]], seed)
                for label, budget in subjects if seed in entry.seeds else ():
                    for recipe in self._recipes(entry, scenario, label):
                        self._measure(entry, scenario, (label, budget, recipe), seed)

    def _subjects(self, entry: ScenarioEntry) -> list[tuple[str, tuple[str, int]]]:
        """Label and budget of every set to measure, real images at equal bytes included."""
        own = {e.label: e.budgets for e in self.suite.condensers}
        asked = [
            (label, budget) for label in entry.condensers for budget in own[label] or entry.budgets
        ]
        if not asked and entry.condensers:
            raise UsageError(
                f"suite {self.suite.name}: no budget; set ipc = [1, 10] or bytes = [...]"
            )
        for label, budget in asked:
            check_budget(self.condensers[label], budget, self.train)
        extra = [
            (real, budget)
            for label, budget in asked
            for real, budget in self._equal_bytes(entry, label, budget)
        ]
        return list(dict.fromkeys(asked + extra))

    def _equal_bytes(
        self, entry: ScenarioEntry, label: str, budget: tuple[str, int]
    ) -> list[tuple[str, tuple[str, int]]]:
        """Plain real images that take as many bytes as a set, if their count differs from it."""
        if self.condensers[label].registered in PLAIN_REAL or budget[0] == "bytes":
            return []
        rows = []
        for real in [
            name for name in entry.condensers if self.condensers[name].registered in PLAIN_REAL
        ]:
            stored, chosen = (
                self.condensers[label].nbytes(self.train, budget[1]),
                self.condensers[real],
            )
            if stored < chosen.nbytes(self.train, 1):
                continue
            ipc = Budget(nbytes=stored).ipc_of(chosen, self.train)
            smallest = min(self.train.count(c) for c in self.train.classes)
            if ipc != budget[1] and chosen.images_per_class(self.train, ipc) <= smallest:
                rows.append((real, ("ipc", ipc)))
        return rows

    def _is_learned(self, label: str) -> bool:
        return self.condensers[label].origin in (LEARNED, UNKNOWN)

    def _recipes(self, entry: ScenarioEntry, scenario: Any, label: str) -> list[str | None]:
        """Augmentations under which a set is measured; real images take those of all sets."""
        augmentation = settings_of(scenario).get("augmentation")
        if augmentation != "card":
            return [augmentation]
        learned = [
            self.condensers[name].evaluation for name in entry.condensers if self._is_learned(name)
        ]
        if learned and not self._is_learned(label):
            return list(dict.fromkeys(learned))
        return [self.condensers[label].evaluation]

    def _references(
        self, entry: ScenarioEntry, scenario: Any, names: Sequence[str], seed: int
    ) -> None:
        for reference in names:
            self._add(
                Cell(
                    "scenario",
                    self.name,
                    self.digests,
                    seed,
                    reference,
                    scenario=_name(entry, scenario),
                    scenario_label=entry.label,
                    settings=settings_of(scenario),
                    reference=reference,
                    sources=self._sources(scenario, words=(reference,)),
                    class_count=len(self.train.classes),
                )
            )

    def _measure(
        self,
        entry: ScenarioEntry,
        scenario: Any,
        subject: tuple[str, tuple[str, int], str | None],
        seed: int,
    ) -> None:
        label, budget, recipe = subject
        condenser = self._condenser(label, budget)
        spec = {"name": condenser.registered, **settings_of(condenser)}
        origin = known(condenser.origin, condenser.registered)
        made_of = digests_of(train=self.train)
        condense = Cell("condense", self.name, made_of, seed, label, spec, budget, origin=origin)
        condense = replace(
            condense,
            sources=self._sources(condenser),
            class_count=len(self.train.classes),
        )
        anew = scenario.condenses_along_stream(condenser.couples_classes)
        if not anew:
            condense = self._add_shards(condense, condenser)
            self._add(condense)
        settings = settings_of(scenario) | ({"augmentation": recipe} if recipe else {})
        parts = [scenario, condenser] if anew else [scenario]
        self._add(
            Cell(
                "scenario",
                self.name,
                self.digests,
                seed,
                label,
                spec,
                budget,
                scenario=_name(entry, scenario),
                scenario_label=entry.label,
                settings=settings,
                recipe=recipe,
                needs=None if anew else condense.key,
                origin=origin,
                sources=self._sources(*parts, words=(recipe,) if recipe else ()),
                class_count=len(self.train.classes),
            )
        )

    def _condenser(self, label: str, budget: tuple[str, int]) -> Any:
        """The condenser of a label, with the iterations that its `teraflops` buy at a budget."""
        condenser = self.condensers[label]
        amount = next(e.teraflops for e in self.suite.condensers if e.label == label)
        if amount is None:
            return condenser
        if (label, budget) not in self.matched:
            from harness.suite.compute import match_compute  # the search's; most suites need none

            ipc = Budget.from_json(budget).ipc_of(condenser, self.train)
            amount *= self.suite.teraflops_times.get(ipc, 1) if budget[0] == "ipc" else 1
            where = f"condensers.{label}.teraflops"
            self.matched[label, budget] = match_compute(condenser, amount, self.train, ipc, where)
        return self.matched[label, budget]

    def _add_shards(self, condense: Cell, condenser: Any) -> Cell:
        """The cell that merges the shards of a set, which are added; itself without shards."""
        wanted = next(
            entry.shards for entry in self.suite.condensers if entry.label == condense.label
        )
        if wanted == 1:
            return condense
        why = "looks at all classes at once" if condenser.couples_classes else ""
        why = why if self._is_learned(condense.label) else f"selects {condenser.origin}"
        if why:
            where = f"condensers.{condense.label}.shards"
            raise UsageError(
                f"{where}: {condenser.registered} {why}, so that it has no shards; leave it out"
            )
        assert condense.budget is not None
        ipc = Budget.from_json(condense.budget).ipc_of(condenser, self.train)
        some = [
            part for part in (_slice(self.train.classes, i, wanted) for i in range(wanted)) if part
        ]
        shards = [
            replace(condense, kind="shard", classes=part, budget=("ipc", ipc)) for part in some
        ]
        for shard in shards:
            self._add(shard)
        sources = sources_of(condenser, modules=["condensers.sets.merging"])
        return replace(condense, shards=tuple(shard.key for shard in shards), sources=sources)

    def _sources(self, *parts: Any, words: tuple[str, ...] = ()) -> dict[str, str]:
        """`sources_of`, once for the cells of all seeds and budgets."""
        asked = (*map(id, parts), words)
        if asked not in self.sources:
            self.sources[asked] = sources_of(*parts, words=words)
        return self.sources[asked]

    def _add(self, cell: Cell) -> None:
        """Add a cell; of two that are the same the first stands, and a note says so."""
        known = self.cells.setdefault(cell.key, cell)
        for kind, ours, theirs in (
            ("condensers", cell.label, known.label),
            ("scenarios", cell.scenario_label, known.scenario_label),
        ):
            if ours != theirs:
                self.notes[f"{kind}.{ours}: is the same as {theirs}, and stands as {theirs}"] = None


def _slice(classes: tuple[int, ...], index: int, count: int) -> tuple[int, ...]:
    """The classes of shard `index` of `count`: neighbours, as equal in number as may be."""
    return classes[index * len(classes) // count : (index + 1) * len(classes) // count]


def check_budget(condenser: Any, budget: tuple[str, int], train: ClassData) -> None:
    """Refuse a budget that is too small, or above what a selection can pick from."""
    from condensers.selections.base import refuse_too_many

    ipc = Budget.from_json(budget).ipc_of(condenser, train)
    if condenser.origin in SELECTED or condenser.registered in SELECTIONS.entries():
        refuse_too_many(condenser, train, ipc)
