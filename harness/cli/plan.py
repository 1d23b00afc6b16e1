"""`plan`: check a suite, list its cells and estimate their time; nothing is computed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.catalogue import completion
from harness.cli import options
from harness.running.time_left import span

if TYPE_CHECKING:
    from harness.running.comparison import Comparison
    from harness.store.store import Store
    from harness.suite.cell import Cell
    from harness.suite.plan import SuitePlan


def plan(
    suite: options.SuiteName,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="The run directory; runs/SUITE if left out, runs/SUITE-limit-N for a trial.",
            rich_help_panel=options.WHAT,
            autocompletion=completion.complete_run,
        ),
    ] = None,
    overrides: options.Overrides = None,
    limit: options.Limit = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            min=1,
            help="Processes the estimate counts on.",
            rich_help_panel=options.WHERE,
        ),
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
            rich_help_panel=options.WHEN,
        ),
    ] = None,
    compare: options.Compare = None,
    metric: options.Metric = None,
    as_json: options.AsJson = False,
) -> None:
    """Check SUITE, list its cells and estimate their cost; nothing is run or written.

    With --detect: how many seeds, and how long, by the spread of a finished run of it, or of
    reference results.
    """
    from condensers.errors import UsageError
    from harness.printable import visible
    from harness.process import choose_device, default_workers, prepare
    from harness.running.comparison import name_comparison
    from harness.store.store import Store
    from harness.suite.estimate import estimate
    from harness.suite.plan import plan_suite

    if limit is not None and detect is not None:
        raise UsageError("--limit: a trial says nothing of the seeds of --detect; leave one out")
    prepare(threads)
    planned = plan_suite(suite, overrides or [], data_dir, download, limit)
    comparison = None if detect is None else name_comparison(planned, compare, metric)
    for note in options.name_plan_notes(planned):
        typer.echo(note, err=True)
    store = Store(out or planned.suite.folder)
    states = store.examine([cell.key for cell in planned.cells])
    left = [cell for cell in planned.cells if cell.key not in states.records]
    for fault in states.faults.values():
        typer.echo(visible(f"not counted as done: {fault}"), err=True)
    chosen = choose_device(device)
    processes = workers or default_workers("cpu", threads)
    seconds = sum(estimate(left, planned.data, chosen).values())
    found = _describe(planned, store, left)
    found |= {"seconds": seconds, "processes": processes, "threads": threads, "detect": None}
    if not as_json:
        _print(found)
    if detect is not None and comparison is not None:
        found["detect"] = _find_seeds(planned, store, comparison, detect, chosen)
        if not as_json:
            _print_seeds(found["detect"], comparison.scenario, processes)
    if as_json:
        options.print_json("plan", found)


def _describe(planned: "SuitePlan", store: "Store", left: Sequence["Cell"]) -> dict[str, Any]:
    """What a plan says, as `--json` prints it; its cells grouped, for they differ in seeds."""
    from harness.store.upkeep import modules_changed

    kinds = Counter(
        (c.data, c.scenario_label or "condense", c.label, c.budget) for c in planned.cells
    )
    return {
        "suite": planned.suite.name,
        "about": planned.suite.about,
        "directory": str(store.root),
        "limit": planned.suite.limit,
        "cells": len(planned.cells),
        "done": len(planned.cells) - len(left),
        "groups": [
            {
                "data": data,
                "scenario": what,
                "label": label,
                "budget": list(budget) if budget else None,
                "seeds": count,
            }
            for (data, what, label, budget), count in kinds.items()
        ],
        "changed_modules": list(modules_changed(store, left)),
    }


def _print(found: dict[str, Any]) -> None:
    """Print a plan for people."""
    from harness.printable import fold, visible
    from harness.report.wording import join_some

    typer.echo(fold(visible(f"suite {found['suite']}: {found['about']}")))
    if found["limit"] is not None:
        trial = (
            f"a trial (--limit {found['limit']}): one seed, some of the cells, few steps and epochs"
        )
        typer.echo(fold(trial))
    for line in _align(found["groups"]):
        typer.echo(fold(line, hang=6))
    left, seconds, processes = found["cells"] - found["done"], found["seconds"], found["processes"]
    done = f"{found['done']} done in {found['directory']}"
    typer.echo(fold(f"{_count(found['cells'], 'cell')}, {done}, {left} left"))
    if changed := found["changed_modules"]:
        what = join_some(changed)
        before = f"left though they were done before, by other code: what needs {what}"
        typer.echo(fold(visible(before)))
    typer.echo(
        fold(
            f"about {span(seconds)} of computing left, {span(seconds / processes)} on"
            f" {_count(processes, 'process', 'es')} of {_count(found['threads'], 'thread')} (from a"
            " timing of each network on this machine; may be off by a half)"
        )
    )


def _count(number: int, what: str, several: str = "s") -> str:
    """`number` of what there may be one of."""
    return f"{number} {what}{several if number != 1 else ''}"


def _align(groups: Sequence[Mapping[str, Any]]) -> list[str]:
    """The lines of the groups, each column as wide as its longest entry."""
    from harness.printable import flat

    rows = [
        (
            *map(flat, (group["data"], group["scenario"], group["label"])),
            " ".join(map(str, group["budget"])) if group["budget"] else "reference",
        )
        for group in groups
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  "
        + "  ".join(entry.ljust(width) for entry, width in zip(row, widths, strict=True))
        + f"  x {_count(group['seeds'], 'seed')}"
        for row, group in zip(rows, groups, strict=True)
    ]


def _find_seeds(
    planned: "SuitePlan",
    store: "Store",
    comparison: "Comparison",
    difference: float,
    device: str,
) -> dict[str, Any]:
    """Find how many seeds show a difference, and what they take; null where no number does."""
    from harness.running.comparison import with_seeds
    from harness.running.detection import find_spread, tell_seeds
    from harness.suite.estimate import estimate

    spreads, source = find_spread(comparison, planned, store)
    sentences, seeds = tell_seeds(comparison, spreads, difference, source)
    found: dict[str, Any] = {
        "compared": [comparison.first, comparison.second],
        "scenario": comparison.scenario,
        "metric": comparison.metric,
        "difference": difference,
        "sentences": list(sentences),
        "seeds": seeds,
        "cells_left": None,
        "seconds": None,
    }
    if seeds is not None:
        more = with_seeds(planned, comparison.scenario, seeds)
        left = [cell for cell in more.cells if not store.done(cell.key)]
        seconds = sum(estimate(left, more.data, device).values())
        found |= {"cells_left": len(left), "seconds": seconds}
    return found


def _print_seeds(found: dict[str, Any], scenario: str, processes: int) -> None:
    from harness.printable import fold, visible

    for sentence in found["sentences"]:
        typer.echo(fold(visible(sentence)))
    if found["seeds"] is not None:
        seconds = found["seconds"]
        typer.echo(
            fold(
                f"{found['seeds']} seeds of {scenario}: {found['cells_left']} cells left, about"
                f" {span(seconds)} of computing, {span(seconds / processes)} on {processes}"
                " processes"
            )
        )
