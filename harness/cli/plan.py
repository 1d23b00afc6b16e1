"""`plan`: check a suite, list its cells and estimate their time; nothing is computed."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options


def plan(
    suite: Annotated[str, typer.Argument(help="A built-in suite, or a TOML file.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="The run directory; runs/SUITE if left out.")
    ] = None,
    overrides: options.Overrides = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Processes the estimate counts on.")
    ] = None,
    threads: options.Threads = 1,
    device: options.Device = "auto",
    data_dir: options.DataDir = None,
    download: options.Download = False,
) -> None:
    """Check SUITE, list its cells and estimate their cost; nothing is run or written."""
    from harness.printable import flat, visible
    from harness.process import choose_device, default_workers, prepare
    from harness.report.wording import join_some
    from harness.store.store import Store
    from harness.store.upkeep import modules_changed
    from harness.suite.estimate import estimate
    from harness.suite.plan import plan_suite

    prepare(threads)
    planned = plan_suite(suite, overrides or [], data_dir, download)
    for splits in planned.data.values():
        options.tell_notes(splits)
    store = Store(out or Path("runs") / planned.suite.name)
    cells = planned.cells
    states = store.examine([cell.key for cell in cells])
    left = [cell for cell in cells if cell.key not in states.records]
    for fault in states.faults.values():
        typer.echo(visible(f"not counted as done: {fault}"), err=True)
    typer.echo(visible(f"suite {planned.suite.name}: {planned.suite.about}"))
    kinds = Counter((c.data, c.scenario_label or "condense", c.label, c.budget) for c in cells)
    for (data, what, label, budget), count in kinds.items():
        size = f"{budget[0]} {budget[1]}" if budget else "reference"
        data, what, label = map(flat, (data, what, label))
        typer.echo(f"  {data:<14} {what:<12} {label:<20} {size:<12} x {count} seeds")
    chosen = choose_device(device)
    seconds = sum(estimate(left, planned.data, chosen).values())
    processes = workers or default_workers("cpu", threads)
    typer.echo(
        f"{len(cells)} cells, {len(cells) - len(left)} done in {store.root}, {len(left)} left"
    )
    if changed := modules_changed(store, left):
        typer.echo(
            visible(
                f"left though they were done before, by other code: what needs {join_some(changed)}"
            )
        )
    typer.echo(
        f"about {_span(seconds)} of computing left, {_span(seconds / processes)} on {processes}"
        f" processes of {threads} threads (from a timing of each network on this machine; may be"
        " off by a half)"
    )


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
