"""A suite's missing cells under a progress display, then the report."""

import threading
from collections.abc import Mapping, Sequence

from rich.console import Console

from condensers.context import write_atomically
from condensers.errors import Interrupted
from harness import pool
from harness.cells import Cell
from harness.condensing import command_line
from harness.estimate import estimate
from harness.execute import Settings
from harness.progress import Board
from harness.report import build, render
from harness.report.terminal import print_report, wide_console
from harness.session import Planned
from harness.store import Store
from scenarios.protocol import Splits


def execute(planned: Planned, settings: Settings, processes: int, others: Sequence[Store] = ()) -> int:
    """Run the missing cells under a progress display, then report; the number of failed cells.

    others: runs whose finished cells are copied where they are equal, such as a search's ground truth.
    """
    for other in others:
        other.suite()
    store, console = Store(settings.root), Console(stderr=True)
    cells = planned.plan.cells
    with store.lock():
        lacking = [cell for cell in cells if not store.done(cell.key)]
        missing = [cell for cell in lacking if not any(store.adopt(cell.key, other) for other in others)]
        store.describe(
            {
                "suite": planned.plan.suite.name,
                "about": planned.plan.suite.about,
                "command": settings.command,
                "cells": [cell.key for cell in cells],
                "design": planned.plan.suite.design.as_json(),
            }
        )
        console.print(
            f"{planned.plan.suite.name}: {len(cells)} cells, {len(missing)} to do, {processes} processes", highlight=False
        )
        if len(missing) < len(lacking):
            console.print(f"{len(lacking) - len(missing)} cells taken from other runs", highlight=False)
        if missing:
            compute(missing, estimate(missing, planned.data, settings.device), settings, processes, planned.data)
    return finish(store)


def compute(
    missing: Sequence[Cell], weights: Mapping[str, float], settings: Settings, processes: int, data: Mapping[str, Splits]
) -> None:
    """Run cells under a progress display, sets first, then the long ones. weights: by key, their share of the work.

    Interrupted, with the command that goes on, where the user or the deadline stopped it.
    """
    ordered = sorted(missing, key=lambda cell: (cell.kind != "condense", -weights[cell.key]))
    board, flag = Board(ordered, weights, Console(stderr=True)), threading.Event()
    try:
        with pool.stop_on_signals(flag), board.bars:
            pool.run(ordered, settings, min(processes, len(ordered)), board.listen, flag, data)
    except Interrupted:
        left = sum(not Store(settings.root).done(cell.key) for cell in ordered)
        raise Interrupted(f"{left} cells left; go on with:\n{command_line()}") from None


def finish(store: Store) -> int:
    """Print the report, write report.html, and return the number of failed cells."""
    suite, records, failures = store.contents()
    built = build(suite, records, failures)
    print_report(built, wide_console())
    page = store.root / "report.html"
    write_atomically(page, render(built, "html").encode())
    print(f"wrote {page}")
    return len(failures)
