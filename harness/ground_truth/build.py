"""A ground-truth table, built from cells of its own: one for each architecture and seed, kept
beside the table's file.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from condensers.errors import UsageError, WorkFailed
from condensers.hyperparameters import settings_of
from harness.running.cell_work import RunSettings
from harness.running.run import RunOptions, compute
from harness.store.store import Store
from harness.suite.cell import Cell, digests_of, sources_of
from scenarios.protocol import Splits
from scenarios.search.baselines.size import flop_count
from scenarios.search.ground_truth import files
from scenarios.search.ground_truth.reading import list_choices, sample_choices
from scenarios.search.ground_truth.table import (
    RECIPE,
    GroundTruthTable,
    Target,
    describe_target,
    make_table,
    merge_tables,
)
from scenarios.search.spaces.base import create_space

DETERMINING = ("space", "evaluation_batch", *RECIPE)


@dataclass(frozen=True)
class TableRequest:
    """A table to build. search: its settings. count: number of architectures, None for all. part:
    (I, N), I from 1.
    """

    search: Any
    data: Splits
    seeds: int
    count: int | None = None
    part: tuple[int, int] = (1, 1)

    @property
    def space(self) -> Any:
        return create_space(self.search.space, "search.space").fitting(self.data.train.shape)

    @property
    def target(self) -> Target:
        return describe_target(self.search, self.space, self.data)

    def cells(self) -> list[Cell]:
        """This part's cells: of all, seed by seed, every N-th."""
        space, count = self.space, self.count
        choices = (
            sample_choices(space, count, self.search.sample_seed) if count else list_choices(space)
        )
        settings = {
            name: value for name, value in settings_of(self.search).items() if name in DETERMINING
        }
        digests = digests_of(
            train=self.data.train, validation=self.data.validation, test=self.data.test
        )
        sources = sources_of(self.search, space, modules=["scenarios.search.ground_truth.building"])
        cells = [
            Cell(
                kind="truth",
                data=self.data.train.name,
                digests=digests,
                seed=seed,
                label=space.identifier(choice),
                scenario=self.search.registered,
                scenario_label="truth",
                settings=settings,
                architecture=choice,
                sources=sources,
            )
            for seed in range(self.seeds)
            for choice in choices
        ]
        index, parts = self.part
        return cells[index - 1 :: parts]


@dataclass(frozen=True)
class BuiltTable:
    """A built table, and a sentence for each training that failed."""

    table: GroundTruthTable
    failures: Sequence[str]


def build(
    request: TableRequest, out: Path, settings: RunSettings, options: RunOptions
) -> BuiltTable:
    """Train what FILE `out` and the folder beside it, FILE.work, still lack; write FILE.

    Stopped, by a signal or at the deadline, it writes the rows that are done and raises
    Interrupted; run again it goes on. The folder goes when nothing is left in it. UsageError where
    FILE holds another truth.
    """
    before = _read_before(out, request.target)
    store, cells = Store(settings.root), request.cells()
    with store.lock():
        have = set() if before is None else {(row["id"], row["seed"]) for row in before.rows}
        missing = [
            cell
            for cell in cells
            if (cell.label, cell.seed) not in have and not store.done(cell.key)
        ]
        try:
            if missing:
                compute(
                    missing,
                    _weights(missing, request),
                    settings,
                    options,
                    {request.data.train.name: request.data},
                )
        finally:
            table = _collect_rows(before, request, store, cells)
            if table is not None:
                files.write_table(out, table)
        failed = [store.failure(cell.key) for cell in missing if not store.done(cell.key)]
        failures = [str(failure["sentence"]) for failure in failed if failure is not None]
    if table is None:
        raise WorkFailed(f"all {len(failures)} trainings failed; the first: {failures[0]}")
    _remove_merged(store, cells)
    return BuiltTable(table, failures)


def _remove_merged(store: Store, cells: Sequence[Cell]) -> None:
    """Remove what the table now holds, and the folder where nothing else is left in it, such as the
    cells of more seeds.
    """
    for cell in cells:
        if store.done(cell.key):
            shutil.rmtree(store.folder(cell.key), ignore_errors=True)
    if not any(store.root.glob("cells/*")):
        shutil.rmtree(store.root, ignore_errors=True)


def _read_before(out: Path, target: Target) -> GroundTruthTable | None:
    """Read what FILE holds already; None if there is no FILE."""
    if not out.exists():
        return None
    table = files.read_table(out)
    different = table.target.differences(target)
    if different:
        raise UsageError(
            f"--out {out}: holds another truth ({'; '.join(different)}, the file's first); choose"
            " another file"
        )
    return table


def _weights(cells: Sequence[Cell], request: TableRequest) -> dict[str, float]:
    """Floating-point operations of each, which is about what share of the time it takes."""
    shape, classes, space = (
        request.data.train.shape,
        len(request.data.train.class_names),
        request.space,
    )
    specs = {cell.label: space.spec(cell.architecture) for cell in cells}
    operations = {label: float(flop_count(spec, shape, classes)) for label, spec in specs.items()}
    return {cell.key: operations[cell.label] for cell in cells}


def _collect_rows(
    before: GroundTruthTable | None,
    request: TableRequest,
    store: Store,
    cells: Sequence[Cell],
) -> GroundTruthTable | None:
    """The rows of FILE and of the finished cells; None where there are none."""
    records = [store.record(cell.key) for cell in cells if store.done(cell.key)]
    made = [{"command": record["command"], **record["environment"]} for record in records]
    rows = [{**record["row"], "made": position} for position, record in enumerate(records)]
    choices = {name: list(values) for name, values in request.space.choices().items()}
    tables = [] if before is None else [("the file", before)]
    tables += [("its folder", make_table(request.target, choices, made, rows))] if rows else []
    return merge_tables(tables) if tables else None
