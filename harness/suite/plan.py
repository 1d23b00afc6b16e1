"""Suite -> cells. Every fault of the whole suite is found here, before anything is computed.

From a suite's name to a checked plan with its data.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from condensers.data import ClassData
from condensers.errors import HarnessError, UsageError, shown, suggestion
from condensers.hyperparameters import settings_of
from condensers.registry.registry import SELECTIONS, create_condenser
from condensers.sets.origins import LEARNED, SELECTED, UNKNOWN, known
from condensers.sets.synthetic_set import Budget
from harness.suite import definition
from harness.suite.cell import Cell, digests_of, sources_of
from harness.suite.definition import CondenserEntry, ScenarioEntry, Suite
from scenarios.protocol import Splits
from scenarios.registry import SCENARIOS

# Real images that stand beside every set at equal bytes too; other selections are measured at the
# budgets that were asked for.
PLAIN_REAL = ("random", "herding", "k-means")


@dataclass(frozen=True)
class Plan:
    """A checked suite and its cells, those that make sets before those that need them."""

    suite: Suite
    cells: tuple[Cell, ...]


def make(suite: Suite, load: Callable[[str], Splits]) -> Plan:
    """Check all parts and lay out all cells. `load` gives a data set by name.

    Raises UsageError with every fault, a line each, or DataMissing where the only faults are
    missing data.
    """
    faults: list[HarnessError] = [UsageError(fault) for fault in suite.faults]
    condensers = {e.label: _try(faults, _condenser, e) for e in suite.condensers if e.spec["name"]}
    scenarios = [(e, _try(faults, _scenario, e)) for e in suite.scenarios if e.name]
    data = {name: _try(faults, load, name) for name in suite.data}
    if not faults:
        cells: dict[str, Cell] = {}
        for name, splits in data.items():
            _try(faults, _Layout(suite, name, splits, condensers, cells).lay, scenarios)
    if faults:
        worst = UsageError if any(f.status == 2 for f in faults) else type(faults[0])
        said = dict.fromkeys(line for fault in faults for line in str(fault).splitlines())
        raise worst(
            "\n".join(
                line if line.startswith(suite.source) else f"{suite.source}: {line}"
                for line in said
            )
        )
    return Plan(suite, tuple(cells.values()))


def _try(faults: list[HarnessError], call: Callable[..., Any], argument: Any) -> Any:
    try:
        return call(argument)
    except HarnessError as fault:
        faults.append(fault)
        return None


def _condenser(entry: CondenserEntry) -> Any:
    return create_condenser(entry.spec, f"condensers.{entry.label}")


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
    """How cells name a scenario; one that is named by its place carries the digest of its file."""
    return str(scenario.registered) if ":" in entry.name else entry.name


class _Layout:
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
        self.digests = digests_of(
            train=splits.train, validation=splits.validation, test=splits.test
        )

    def lay(self, scenarios: Sequence[tuple[ScenarioEntry, Any]]) -> None:
        for entry, scenario in scenarios:
            subjects = [] if scenario.references_only else self._subjects(entry)
            for seed in entry.seeds:
                self._references(entry, scenario, seed)
                for label, budget in subjects:
                    for recipe in self._recipes(entry, scenario, label):
                        self._measure(entry, scenario, (label, budget, recipe), seed)

    def _subjects(self, entry: ScenarioEntry) -> list[tuple[str, tuple[str, int]]]:
        """Label and budget of every set a scenario measures, real images at equal bytes
        included.
        """
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
        """The suite's plain real images at as many images as the bytes of a set would hold, where
        that differs.
        """
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
        """The augmentations under which a set is measured: its own; for real images those of all
        learned sets.
        """
        augmentation = settings_of(scenario).get("augmentation")
        if augmentation != "card":
            return [augmentation]
        learned = [
            self.condensers[name].evaluation for name in entry.condensers if self._is_learned(name)
        ]
        if learned and not self._is_learned(label):
            return list(dict.fromkeys(learned))
        return [self.condensers[label].evaluation]

    def _references(self, entry: ScenarioEntry, scenario: Any, seed: int) -> None:
        usual = scenario.default_references
        names = usual if entry.references is None else entry.references
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
                    sources=self._code(scenario, words=(reference,)),
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
        condenser = self.condensers[label]
        spec = {"name": condenser.registered, **settings_of(condenser)}
        origin = known(condenser.origin, condenser.registered)
        made_of = digests_of(train=self.train)
        condense = Cell("condense", self.name, made_of, seed, label, spec, budget, origin=origin)
        condense = replace(condense, sources=self._code(condenser))
        anew = scenario.condenses_along_stream(condenser.couples_classes)
        if not anew:
            condense = self._sharded(condense, condenser)
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
                sources=self._code(*parts, words=(recipe,) if recipe else ()),
            )
        )

    def _sharded(self, condense: Cell, condenser: Any) -> Cell:
        """The cell that puts a set's shards together, which are added; the cell itself where there
        are none.
        """
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
        ipc = as_budget(condense.budget).ipc_of(condenser, self.train)
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

    def _code(self, *parts: Any, words: tuple[str, ...] = ()) -> dict[str, str]:
        """`sources_of`, once for the cells of all seeds and budgets."""
        asked = (*map(id, parts), words)
        if asked not in self.sources:
            self.sources[asked] = sources_of(*parts, words=words)
        return self.sources[asked]

    def _add(self, cell: Cell) -> None:
        self.cells.setdefault(cell.key, cell)


def _slice(classes: tuple[int, ...], index: int, count: int) -> tuple[int, ...]:
    """The classes of shard `index` of `count`: neighbours, as equal in number as may be."""
    return classes[index * len(classes) // count : (index + 1) * len(classes) // count]


def check_budget(condenser: Any, budget: tuple[str, int], train: ClassData) -> None:
    """Refuse a budget that is too small, or above what a selection can pick from."""
    from condensers.selections.base import refuse_too_many

    ipc = as_budget(budget).ipc_of(condenser, train)
    if condenser.origin in SELECTED or condenser.registered in SELECTIONS.entries():
        refuse_too_many(condenser, train, ipc)


def as_budget(budget: tuple[str, int]) -> Budget:
    return Budget(ipc=budget[1]) if budget[0] == "ipc" else Budget(nbytes=budget[1])


@dataclass(frozen=True)
class Planned:
    """A plan, and the data it was made with."""

    plan: Plan
    data: Mapping[str, Any]


def load_plan(
    name: str, overrides: Sequence[str], data_dir: Path | None, download: bool
) -> Planned:
    """Read, check and lay out a suite. Raises UsageError (every fault at once) or DataMissing."""
    from scenarios.datasets import load

    read = definition.read(name, overrides)
    data: dict[str, Any] = {}

    def fetch(dataset: str) -> Any:
        data[dataset] = load(
            dataset, data_dir=data_dir, download=download, validation=read.validation
        )
        return data[dataset]

    return Planned(make(read, fetch), data)
