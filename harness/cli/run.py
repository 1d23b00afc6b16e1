"""`run`: run a suite and report it; finished cells are skipped."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options

if TYPE_CHECKING:
    from harness.running.finished import FinishedRun, Request
    from harness.running.until import WidthRule
    from harness.suite.plan import SuitePlan

EXAMPLES = options.examples(
    "harness run demo",
    "harness run demo --until 1.0 --compare dm:herding --metric accuracy",
    "harness run my.toml --out runs/first --workers 4",
    "harness run my.toml --set seeds=3 --set condensers.dm.iterations=50",
)
WHAT, WHEN, WHERE, RESUME, CLUSTER, OUTPUT = (
    "What is run",
    "How many seeds",
    "Where it is computed",
    "Stopping and going on",
    "On a cluster",
    "What is shown",
)


def run(
    suite: Annotated[str, typer.Argument(help="A built-in suite, or a TOML file.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="The run directory; runs/SUITE if left out.", rich_help_panel=WHAT
        ),
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help=options.SET_HELP, rich_help_panel=WHAT)
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            min=1,
            help="Processes; one for each processor if left out.",
            rich_help_panel=WHERE,
        ),
    ] = None,
    threads: Annotated[
        int, typer.Option("--threads", min=1, help=options.THREADS_HELP, rich_help_panel=WHERE)
    ] = 1,
    device: Annotated[
        str, typer.Option("--device", help=options.DEVICE_HELP, rich_help_panel=WHERE)
    ] = "auto",
    data_dir: Annotated[
        Path | None,
        typer.Option(
            "--data-dir",
            envvar="HARNESS_DATA",
            help=options.DATA_DIR_HELP,
            rich_help_panel=WHAT,
        ),
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help=options.DOWNLOAD_HELP, rich_help_panel=WHAT)
    ] = False,
    checkpoint_seconds: Annotated[
        float,
        typer.Option(
            "--checkpoint-seconds",
            min=0.0,
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
    compare: Annotated[
        str | None,
        typer.Option("--compare", metavar="A:B", help=options.COMPARE_HELP, rich_help_panel=WHEN),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option("--metric", help=options.METRIC_HELP, rich_help_panel=WHEN),
    ] = None,
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
            "--log", help="tensorboard or wandb; may be repeated.", rich_help_panel=OUTPUT
        ),
    ] = None,
) -> None:
    """Run SUITE; cells that are already done are skipped.

    Then print the report and write report.html.
    """
    import time

    from harness.running.finished import Request, keep_plan
    from harness.running.reporting import print_results

    request = Request(suite, overrides or [], out, data_dir, device, threads)
    changed = repair or reuse or ray or share or log or mix_versions
    ruled = (until, compare, metric) != (None, None, None)
    if not (changed or ruled) and _answer_finished(
        request, run_command(suite, out, overrides), quiet
    ):
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
    plan = plan_suite(suite, overrides or [], data_dir, download)
    rule = _name_rule(plan, until, compare, metric, most)
    notes = [note for splits in plan.data.values() for note in options.name_notes(splits)]
    for note in [] if quiet else notes:
        typer.echo(note, err=True)
    device = choose_device(device)
    settings = RunSettings(
        root=out or Path("runs") / plan.suite.name,
        command=run_command(suite, out, overrides, rule),
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
    failed = print_results(store, quiet)
    if ended:
        typer.echo(visible(ended), err=True)
    if failed:
        raise typer.Exit(1)


def _name_rule(
    plan: "SuitePlan",
    until: float | None,
    compare: str | None,
    metric: str | None,
    most: int,
) -> "WidthRule | None":
    """The rule of `--until`; None without it."""
    from condensers.errors import UsageError
    from harness.running.comparison import name_comparison
    from harness.running.until import WidthRule, require_first_stage

    if until is None:
        if compare is not None or metric is not None:
            raise UsageError("--compare and --metric say what --until is about; add --until WIDTH")
        return None
    if not 0 < until < float("inf"):
        raise UsageError(f"--until {until}: is not a number above 0")
    rule = WidthRule(until, name_comparison(plan, compare, metric), most)
    require_first_stage(plan, rule)
    return rule


def run_command(
    suite: str, out: Path | None, overrides: list[str] | None, rule: "WidthRule | None" = None
) -> str:
    """The command that repeats a run, for its records."""
    import shlex

    words = ["harness", "run", suite, *(["--out", str(out)] if out else [])]
    words += [part for override in overrides or [] for part in ("--set", override)]
    if rule is not None:
        compared = rule.comparison
        words += ["--until", f"{rule.half_width:g}", "--most", str(rule.most)]
        words += ["--compare", f"{compared.first}:{compared.second}", "--metric", compared.measure]
    return shlex.join(words)


def _answer_finished(request: "Request", command: str, quiet: bool) -> bool:
    """Report a run that is finished already, and say so; False where something is left to do."""
    from harness.running.finished import find_finished
    from harness.running.reporting import print_results

    finished = find_finished(request, command)
    if finished is None:
        return False
    if not quiet:
        _tell_finished(finished)
    print_results(finished.store, quiet)
    return True


def _tell_finished(run: "FinishedRun") -> None:
    """Say what a run that computes says, of one that has nothing to do."""
    from harness.printable import flat

    for note in run.notes:
        typer.echo(note, err=True)
    typer.echo(f"{flat(run.suite)}: {run.cells} cells, 0 to do", err=True)
