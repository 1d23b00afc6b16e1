"""A suite's missing cells under a progress display, then the report."""

import shutil
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from condensers.engine.files import write_atomically
from condensers.errors import Interrupted, OlderFormat
from harness.printable import flat
from harness.process import Stopped, environment, goes_on, stop_on_signals
from harness.report.building import build, render
from harness.report.formats.terminal import print_report, wide_console
from harness.report.set_sheets import with_set_images
from harness.running.cell_work import Settings
from harness.running.loggers import listeners
from harness.running.processes import Crew, run
from harness.running.progress import Board
from harness.running.work import Event
from harness.store.store import Store
from harness.store.upkeep import changes, refuse_other, repair, versions
from harness.suite.cell import Cell
from harness.suite.estimate import estimate
from harness.suite.plan import Planned
from scenarios.protocol import Splits

PLAIN: dict[str, Any] = {"highlight": False, "markup": False, "soft_wrap": True}
ORDER = {"shard": 0, "condense": 1}  # then all others


@dataclass(frozen=True)
class Manner:
    """How a run is done.

    crew: who computes. quiet: errors and the last line, nothing else. logs: names of loggers.
    repair: first remove what is damaged. others: runs whose finished cells are copied where they
    are equal, such as a search's ground truth.
    """

    crew: Crew
    quiet: bool = False
    logs: Sequence[str] = ()
    repair: bool = False
    others: Sequence[Store] = ()


def execute(planned: Planned, settings: Settings, manner: Manner) -> int:
    """Run the missing cells under a progress display, then report; the number of failed cells.

    UsageError where the run was begun with versions whose figures may differ.
    """
    for other in manner.others:
        other.suite()
    store, console = Store(settings.root), Console(stderr=True, quiet=manner.quiet)
    cells = planned.plan.cells
    with store.lock():
        here = _begin(store, settings, [cell.key for cell in cells], manner, console)
        lacking = [cell for cell in cells if not store.done(cell.key)]
        missing = [
            cell
            for cell in lacking
            if not any(store.adopt(cell.key, other) for other in manner.others)
        ]
        store.describe(
            {
                "suite": planned.plan.suite.name,
                "about": planned.plan.suite.about,
                "command": settings.command,
                "cells": [cell.key for cell in cells],
                "design": planned.plan.suite.design.as_json(),
                "environment": here,
            }
        )
        said = (
            f"{flat(planned.plan.suite.name)}: {len(cells)} cells, {len(missing)} to do,"
            f" {manner.crew}"
        )
        console.print(said, highlight=False, markup=False)
        if len(missing) < len(lacking):
            console.print(
                f"{len(lacking) - len(missing)} cells taken from other runs", highlight=False
            )
        if missing:
            compute(
                missing,
                estimate(missing, planned.data, settings.device),
                settings,
                manner,
                planned.data,
            )
    return finish(store, manner.quiet)


def _begin(
    store: Store, settings: Settings, keys: Sequence[str], manner: Manner, console: Console
) -> dict[str, Any]:
    """Mend what is to be mended and compare the versions with those of before; the versions of
    now.
    """
    for sentence in repair(store, keys) if manner.repair else []:
        console.print(f"removed: {sentence}", highlight=False, markup=False, soft_wrap=True)
    here = versions(environment(settings.device, settings.threads))
    before = _before(store, console)
    _require_sound(store, keys, console)
    if not manner.crew.mix_versions:
        refuse_other(before, here, settings.root)
    if changes(before, here):
        console.print(
            f"not as before: {changes(before, here)}", highlight=False, markup=False, soft_wrap=True
        )
    return here


def _before(store: Store, console: Console) -> dict[str, Any]:
    """Versions and machine of the last run here; nothing where none of its cells can be used."""
    try:
        found: dict[str, Any] = store.suite().get("environment", {}) if store.described else {}
    except OlderFormat as fault:
        said = str(fault).partition("; ")[0]
        console.print(f"{said}; its cells stay where they are, and none is used", **PLAIN)
        return {}
    return found


def _require_sound(store: Store, keys: Sequence[str], console: Console) -> None:
    """Damaged with all that is wrong; cells of an older format are removed, to be computed anew."""
    found = store.examine(keys)
    for key in [key for key, fault in found.faults.items() if isinstance(fault, OlderFormat)]:
        console.print(f"computed anew: {found.faults.pop(key)}", **PLAIN)
        shutil.rmtree(store.folder(key))
    found.require_sound()


def compute(
    missing: Sequence[Cell],
    weights: Mapping[str, float],
    settings: Settings,
    manner: Manner,
    data: Mapping[str, Splits],
) -> None:
    """Run cells under a progress display, sets first, then the long ones. weights: by key, their
    share of the work.

    Interrupted, with the command that goes on, where the user or the deadline stopped it.
    """
    ordered = sorted(
        missing, key=lambda cell: (ORDER.get(cell.kind, len(ORDER)), -weights[cell.key])
    )
    board, flag = Board(ordered, weights, Console(stderr=True), manner.quiet), threading.Event()
    try:
        with (
            listeners(manner.logs, ordered, settings.root) as logged,
            stop_on_signals(flag),
            board.bars,
        ):

            def listen(event: Event) -> None:
                for hear in (board.listen, *logged):
                    hear(event)

            run(ordered, settings, manner.crew, listen, flag, data)
    except (Interrupted, Stopped):
        left = sum(not Store(settings.root).done(cell.key) for cell in ordered)
        raise Interrupted(f"{left} cells left; {goes_on()}") from None


def finish(store: Store, quiet: bool = False) -> int:
    """Print the report (quiet: what failed), write report.html, and return the number of failed
    cells.
    """
    suite, records, failures = store.contents()
    built = build(suite, records, failures)
    if not quiet:
        print_report(built, wide_console())
    for failure in failures if quiet else []:
        print(f"failed: {flat(str(failure['sentence']))}", file=sys.stderr)
    page = store.root / "report.html"
    write_atomically(page, render(with_set_images(built, [store.root / "cells"]), "html").encode())
    print(f"wrote {page}")
    return len(failures)
