"""`run`: run a suite and report it; finished cells are skipped."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.catalogue import completion
from harness.cli import options
from harness.cli.options import CLUSTER, OUTPUT, RESUME, WHAT, WHEN, WHERE

if TYPE_CHECKING:
    from harness.running.finished import FinishedRun, Request
    from harness.running.until import WidthRule
    from harness.store.store import Store
    from harness.suite.plan import SuitePlan

EXAMPLES = options.examples(
    "harness run demo",
    "harness run demo --limit 2",
    "harness run demo --until 1.0 --compare dm:herding --metric accuracy",
    "harness run my.toml --out runs/first --workers 4",
    "harness run my.toml --set seeds=3 --set condensers.dm.iterations=50",
    "harness run my.toml --set only=dm*",
    "harness run my.toml --limit 2 --json",
)


def run(
    suite: options.SuiteName,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="The run directory; runs/SUITE if left out, runs/SUITE-limit-N for a trial.",
            rich_help_panel=WHAT,
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
            help="Processes; one for each processor if left out.",
            rich_help_panel=WHERE,
        ),
    ] = None,
    threads: options.Threads = 1,
    device: options.Device = "auto",
    data_dir: options.DataDir = None,
    download: options.Download = False,
    checkpoint_seconds: Annotated[
        float,
        typer.Option(
            "--checkpoint-seconds",
            min=0.0,
            metavar="SECONDS",
            help="Seconds between two checkpoints of a cell.",
            rich_help_panel=RESUME,
        ),
    ] = 30.0,
    ray: Annotated[
        str | None,
        typer.Option(
            "--ray",
            help="local, auto or the ADDRESS of a Ray cluster; all its nodes must see --out.",
            rich_help_panel=CLUSTER,
        ),
    ] = None,
    memory: Annotated[
        float | None,
        typer.Option(
            "--memory", min=0.1, help="GiB that a cell takes, for Ray.", rich_help_panel=CLUSTER
        ),
    ] = None,
    share: Annotated[
        str | None,
        typer.Option(
            "--share",
            help="An fsspec URL through which nodes that see no common folder exchange cells.",
            rich_help_panel=CLUSTER,
        ),
    ] = None,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair",
            help="First delete damaged files of the run directory; they are recomputed.",
            rich_help_panel=RESUME,
        ),
    ] = False,
    mix_versions: Annotated[
        bool,
        typer.Option(
            "--mix-versions",
            help="Go on under another version of torch or numpy.",
            rich_help_panel=RESUME,
        ),
    ] = False,
    reuse: Annotated[
        list[Path] | None,
        typer.Option(
            "--reuse",
            help="Copy equal, finished cells from another run directory; may be repeated.",
            rich_help_panel=RESUME,
            autocompletion=completion.complete_run,
        ),
    ] = None,
    until: Annotated[
        float | None,
        typer.Option(
            "--until",
            help=(
                "Add seeds until half of the 95 % interval of --compare in --metric is at most"
                " this, in the metric's unit."
            ),
            rich_help_panel=WHEN,
        ),
    ] = None,
    compare: options.Compare = None,
    metric: options.Metric = None,
    most: Annotated[
        int,
        typer.Option(
            "--most",
            min=1,
            help="Seeds that --until does not exceed.",
            rich_help_panel=WHEN,
        ),
    ] = 50,
    minutes: Annotated[
        float | None,
        typer.Option(
            "--minutes",
            help="Stop cleanly after so many minutes; run again to go on.",
            rich_help_panel=RESUME,
        ),
    ] = None,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet", help="Print nothing but errors and the last line.", rich_help_panel=OUTPUT
        ),
    ] = False,
    log: Annotated[
        list[str] | None,
        typer.Option(
            "--log",
            help="tensorboard, wandb or mlflow; may be repeated.",
            rich_help_panel=OUTPUT,
            autocompletion=lambda: ["tensorboard", "wandb", "mlflow"],
        ),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Run SUITE; cells that are already done are skipped.

    Then print the report and write report.html. With --limit it is a trial, which its records and
    its report say.
    """
    import time

    from harness.running.finished import Request, keep_plan

    request = Request(suite, overrides or [], out, data_dir, device, threads, limit)
    changed = repair or reuse or ray or share or log or mix_versions
    ruled = (until, compare, metric) != (None, None, None)
    if not (changed or ruled) and _answer_finished(request, quiet, as_json):
        return

    from harness.printable import visible
    from harness.process import choose_device, default_workers, prepare
    from harness.running.cell_work import RunSettings
    from harness.running.processes import WorkerSpec
    from harness.running.run import RunOptions, run_suite
    from harness.running.until import run_until
    from harness.store.store import Store
    from harness.suite.plan import plan_suite

    prepare(threads)
    plan = plan_suite(suite, overrides or [], data_dir, download, limit)
    rule = _name_rule(plan, until, compare, metric, most)
    notes = options.name_plan_notes(plan)
    for note in [] if quiet else notes:
        typer.echo(note, err=True)
    device = choose_device(device)
    settings = RunSettings(
        root=out or plan.suite.folder,
        command=run_command(request, rule),
        data_dir=data_dir,
        validation=plan.suite.validation,
        device=device,
        threads=threads,
        checkpoint_seconds=checkpoint_seconds,
        deadline=None if minutes is None else time.monotonic() + 60 * minutes,
    )
    processes = workers or (None if ray else default_workers(device, threads))
    spec = WorkerSpec(processes, ray, memory, share, mix_versions)
    others = [Store(path) for path in reuse or []]
    run_options = RunOptions(spec, quiet, log or (), repair, others)
    ended = ""
    if rule is None:
        store = run_suite(plan, settings, run_options)
        keep_plan(request, plan, store, notes)
    else:
        store, ended = run_until(plan, settings, run_options, rule)
    failed = _print_results(store, quiet, as_json, ended)
    if ended and not as_json:
        typer.echo(visible(ended), err=True)
    if failed:
        raise typer.Exit(1)


def _print_results(store: "Store", quiet: bool, as_json: bool, ended: str = "") -> int:
    """Print the report, or the JSON object; the number of failed cells."""
    from harness.running.reporting import describe_run, print_results

    if not as_json:
        return print_results(store, quiet)
    found = describe_run(store)
    options.print_json("run", {**found, "ended": ended or None})
    return len(found["failures"])


def _name_rule(
    plan: "SuitePlan",
    until: float | None,
    compare: str | None,
    metric: str | None,
    most: int,
) -> "WidthRule | None":
    """The rule of `--until`; None without it."""
    from condensers.errors import UsageError
    from harness.running.until import name_rule

    if until is None:
        if compare is not None or metric is not None:
            raise UsageError("--compare and --metric say what --until is about; add --until WIDTH")
        return None
    return name_rule(plan, until, compare, metric, most)


def run_command(request: "Request", rule: "WidthRule | None" = None) -> str:
    """The command that repeats a run, for its records."""
    import shlex

    words = ["harness", "run", request.suite]
    words += ["--out", str(request.out)] if request.out else []
    words += [part for override in request.overrides for part in ("--set", override)]
    words += ["--limit", str(request.limit)] if request.limit is not None else []
    if rule is not None:
        words += rule.as_words()
    return shlex.join(words)


def _answer_finished(request: "Request", quiet: bool, as_json: bool) -> bool:
    """Report a run that is finished already, and say so; False where something is left to do."""
    from harness.running.finished import find_finished

    finished = find_finished(request, run_command(request))
    if finished is None:
        return False
    if not quiet:
        _tell_finished(finished)
    _print_results(finished.store, quiet, as_json)
    return True


def _tell_finished(run: "FinishedRun") -> None:
    """Say what a run that computes says, of one that has nothing to do."""
    from harness.printable import flat

    for note in run.notes:
        typer.echo(note, err=True)
    typer.echo(f"{flat(run.suite)}: {run.cells} cells, 0 to do", err=True)
