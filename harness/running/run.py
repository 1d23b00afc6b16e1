"""Runs a suite: computes its missing cells under a progress display."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from rich.console import Console

from condensers.engine.files import write_atomically
from condensers.errors import Interrupted, OlderFormat
from condensers.notices import show
from harness.printable import flat
from harness.process import Stopped, resume_advice, stop_on_signals
from harness.running.cell_work import Event, RunSettings
from harness.running.loggers import listeners
from harness.running.processes import WorkerSpec, run_cells
from harness.running.progress import ProgressBoard
from harness.store.store import Store
from harness.store.upkeep import prepare_directory
from harness.suite.cell import Cell
from harness.suite.estimate import estimate
from harness.suite.plan import SuitePlan
from scenarios.protocol import Splits

ORDER = {"shard": 0, "condense": 1}  # then all others


@dataclass(frozen=True)
class RunOptions:
    """Options of a run that decide no result.

    Args:
        workers: who computes.
        quiet: print errors and the last line, nothing else.
        logs: names of loggers, such as "tensorboard".
        repair: first remove what is damaged in the run directory.
        others: runs whose finished cells are copied where they are equal.
        resume: how an interrupted run goes on, in a sentence; None means the command that was
            typed. With a sentence, a second Ctrl-C leaves the run and not the whole process.
        suite_file: text of the `suite.toml` that the run directory keeps of a suite without a file.
    """

    workers: WorkerSpec = WorkerSpec()
    quiet: bool = False
    logs: Sequence[str] = ()
    repair: bool = False
    others: Sequence[Store] = ()
    resume: str | None = None
    suite_file: str | None = None


def run_suite(plan: SuitePlan, settings: RunSettings, options: RunOptions) -> Store:
    """Compute the cells of a plan that are not done.

    Args:
        plan: the checked suite with its data.
        settings: what its cells share; `root` is the run directory.
        options: how it is run.

    Returns:
        The run directory, in which every cell has a record or a failure.

    Raises:
        Interrupted: stopped by a signal or the deadline; the finished cells are kept.
        UsageError: the directory is in use, damaged, or was begun with versions of packages whose
            figures may differ.
    """
    for other in options.others:
        other.suite()
    store, console = Store(settings.root), Console(stderr=True, quiet=options.quiet)
    with store.lock():
        versions = prepare_directory(
            store,
            [cell.key for cell in plan.cells],
            settings.device,
            settings.threads,
            lambda sentence: console.print(sentence, highlight=False, markup=False, soft_wrap=True),
            repair_first=options.repair,
            mix_versions=options.workers.mix_versions,
        )
        missing = [cell for cell in plan.cells if not store.done(cell.key)]
        left = [cell for cell in missing if not _adopt(store, cell, options.others)]
        if options.suite_file is not None:
            write_atomically(store.root / "suite.toml", options.suite_file.encode())
        described = plan.describe(settings.command, versions)
        store.describe({**described, "date": find_first_day(store)})
        line = (
            f"{flat(plan.suite.name)}: {len(plan.cells)} cells, {len(left)} to do,"
            f" {options.workers}"
        )
        console.print(line, highlight=False, markup=False)
        if len(left) < len(missing):
            console.print(
                f"{len(missing) - len(left)} cells taken from other runs", highlight=False
            )
        if left:
            seconds = estimate(left, plan.data, settings.device)
            compute(left, seconds, settings, options, plan.data)
    return store


def find_first_day(store: Store) -> str:
    """Find the day on which a run was begun, as 2026-01-31: today, if its directory has none."""
    try:
        began = store.suite().get("date") if store.described else None
    except OlderFormat:
        began = None
    return str(began or date.today().isoformat())


def _adopt(store: Store, cell: Cell, others: Sequence[Store]) -> bool:
    """Copy a cell from the first other run that has finished it."""
    return any(store.adopt(cell.key, other) for other in others)


def compute(
    missing: Sequence[Cell],
    estimates: Mapping[str, float],
    settings: RunSettings,
    options: RunOptions,
    data: Mapping[str, Splits],
) -> None:
    """Compute cells under a progress display, sets first, then the long ones.

    Args:
        missing: the cells.
        estimates: seconds of each cell, by key.
        settings: what the cells share.
        options: how they are run.
        data: the data sets by name.

    Raises:
        Interrupted: stopped by the user or the deadline; its text says how to go on.
    """
    ordered = sorted(
        missing, key=lambda cell: (ORDER.get(cell.kind, len(ORDER)), -estimates[cell.key])
    )
    board = ProgressBoard(ordered, estimates, Console(stderr=True), options.quiet)
    flag = threading.Event()
    try:
        with (
            listeners(options.logs, ordered, settings.root) as logs,
            stop_on_signals(flag, ends_process=options.resume is None),
            board.bars,
        ):

            def listen(event: Event) -> None:
                if event.state == "notice" and event.progress:
                    show(event.progress.name)  # once, whichever workers say it
                for hear in (board.listen, *logs):
                    hear(event)

            run_cells(ordered, settings, options.workers, listen, flag, data)
    except (Interrupted, Stopped):
        left = sum(not Store(settings.root).done(cell.key) for cell in ordered)
        raise Interrupted(f"{left} cells left; {options.resume or resume_advice()}") from None
