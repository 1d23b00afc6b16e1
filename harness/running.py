"""A suite's missing cells under a progress display, then the report."""

import threading
from collections.abc import Sequence

from rich.console import Console

from condensers.context import write_atomically
from condensers.errors import Interrupted
from harness import pool
from harness.condensing import command_line
from harness.estimate import estimate
from harness.execute import Settings
from harness.progress import Board
from harness.report import build, render
from harness.report.terminal import print_report, wide_console
from harness.session import Planned
from harness.store import Store


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
            }
        )
        console.print(
            f"{planned.plan.suite.name}: {len(cells)} cells, {len(missing)} to do, {processes} processes", highlight=False
        )
        if len(missing) < len(lacking):
            console.print(f"{len(lacking) - len(missing)} cells taken from other runs", highlight=False)
        if missing:
            weights = estimate(missing, planned.data, settings.device)
            missing.sort(key=lambda cell: (cell.kind != "condense", -weights[cell.key]))
            board, flag = Board(missing, weights, console), threading.Event()
            try:
                with pool.stop_on_signals(flag), board.bars:
                    pool.run(missing, settings, min(processes, len(missing)), board.listen, flag, planned.data)
            except Interrupted:
                left = sum(not store.done(cell.key) for cell in cells)
                raise Interrupted(f"{left} cells left; go on with:\n{command_line()}") from None
    return finish(store)


def finish(store: Store) -> int:
    """Print the report, write report.html, and return the number of failed cells."""
    suite, records, failures = store.contents()
    built = build(suite, records, failures)
    print_report(built, wide_console())
    page = store.root / "report.html"
    write_atomically(page, render(built, "html").encode())
    print(f"wrote {page}")
    return len(failures)
