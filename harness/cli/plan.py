"""`plan`: check a suite, list its cells and estimate their time; nothing is computed."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options

if TYPE_CHECKING:
    from harness.running.comparison import Comparison
    from harness.store.store import Store
    from harness.suite.plan import SuitePlan


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
    detect: Annotated[
        float | None,
        typer.Option(
            "--detect",
            help="Say how many seeds show a difference of this size, in the metric's unit.",
        ),
    ] = None,
    compare: options.Compare = None,
    metric: options.Metric = None,
) -> None:
    """Check SUITE, list its cells and estimate their cost; nothing is run or written.

    With --detect: how many seeds, and how long, by the spread of a finished run of it, or of
    reference results.
    """
    from harness.printable import flat, fold, visible
    from harness.process import choose_device, default_workers, prepare
    from harness.report.wording import join_some
    from harness.running.comparison import name_comparison
    from harness.store.store import Store
    from harness.store.upkeep import modules_changed
    from harness.suite.estimate import estimate
    from harness.suite.plan import plan_suite

    prepare(threads)
    planned = plan_suite(suite, overrides or [], data_dir, download)
    comparison = None if detect is None else name_comparison(planned, compare, metric)
    for splits in planned.data.values():
        options.tell_notes(splits)
    store = Store(out or Path("runs") / planned.suite.name)
    cells = planned.cells
    states = store.examine([cell.key for cell in cells])
    left = [cell for cell in cells if cell.key not in states.records]
    for fault in states.faults.values():
        typer.echo(visible(f"not counted as done: {fault}"), err=True)
    typer.echo(fold(visible(f"suite {planned.suite.name}: {planned.suite.about}")))
    kinds = Counter((c.data, c.scenario_label or "condense", c.label, c.budget) for c in cells)
    for (data, what, label, budget), count in kinds.items():
        size = f"{budget[0]} {budget[1]}" if budget else "reference"
        data, what, label = map(flat, (data, what, label))
        line = f"  {data:<14} {what:<12} {label:<20} {size:<12} x {count} seeds"
        typer.echo(fold(line, hang=6))
    chosen = choose_device(device)
    seconds = sum(estimate(left, planned.data, chosen).values())
    processes = workers or default_workers("cpu", threads)
    done = len(cells) - len(left)
    typer.echo(fold(f"{len(cells)} cells, {done} done in {store.root}, {len(left)} left"))
    if changed := modules_changed(store, left):
        what = join_some(changed)
        before = f"left though they were done before, by other code: what needs {what}"
        typer.echo(fold(visible(before)))
    typer.echo(
        fold(
            f"about {_span(seconds)} of computing left, {_span(seconds / processes)} on {processes}"
            f" processes of {threads} threads (from a timing of each network on this machine; may"
            " be off by a half)"
        )
    )
    if detect is not None and comparison is not None:
        _tell_seeds(planned, store, comparison, detect, (chosen, processes))


def _tell_seeds(
    planned: "SuitePlan",
    store: "Store",
    comparison: "Comparison",
    difference: float,
    where: tuple[str, int],
) -> None:
    """Print how many seeds show a difference, and what they take."""
    from harness.printable import fold, visible
    from harness.running.comparison import with_seeds
    from harness.running.detection import find_spread, tell_seeds
    from harness.suite.estimate import estimate

    device, processes = where
    spreads, source = find_spread(comparison, planned, store)
    sentences, seeds = tell_seeds(comparison, spreads, difference, source)
    for sentence in sentences:
        typer.echo(fold(visible(sentence)))
    if seeds is not None:
        more = with_seeds(planned, comparison.scenario, seeds)
        left = [cell for cell in more.cells if not store.done(cell.key)]
        seconds = sum(estimate(left, more.data, device).values())
        typer.echo(
            fold(
                f"{seeds} seeds of {comparison.scenario}: {len(left)} cells left, about"
                f" {_span(seconds)} of computing, {_span(seconds / processes)} on {processes}"
                " processes"
            )
        )


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
