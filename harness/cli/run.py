"""`run`: run a suite and report it; finished cells are skipped."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options

if TYPE_CHECKING:
    from harness.running.finished import FinishedRun

EXAMPLES = options.examples(
    "harness run demo",
    "harness run my.toml --out runs/first --workers 4",
    "harness run my.toml --set seeds=3 --set condensers.dm.iterations=50",
)
WHAT, WHERE, RESUME, CLUSTER, OUTPUT = (
    "What is run",
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

    from harness.running.finished import Request, find_finished, keep_plan
    from harness.running.reporting import print_results

    command = run_command(suite, out, overrides)
    request = Request(suite, overrides or [], out, data_dir, device, threads)
    plain = not (repair or reuse or ray or share or log or mix_versions)
    finished = find_finished(request, command) if plain else None
    if finished is not None:
        if not quiet:
            _tell_finished(finished)
        print_results(finished.store, quiet)
        return

    from harness.process import choose_device, default_workers, prepare
    from harness.running.cell_work import RunSettings
    from harness.running.processes import WorkerSpec
    from harness.running.run import RunOptions, run_suite
    from harness.store.store import Store
    from harness.suite.plan import plan_suite

    prepare(threads)
    plan = plan_suite(suite, overrides or [], data_dir, download)
    notes = [note for splits in plan.data.values() for note in options.name_notes(splits)]
    for note in [] if quiet else notes:
        typer.echo(note, err=True)
    device = choose_device(device)
    settings = RunSettings(
        root=out or Path("runs") / plan.suite.name,
        command=command,
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
    store = run_suite(plan, settings, RunOptions(spec, quiet, log or (), repair, others))
    keep_plan(request, plan, store, notes)
    if print_results(store, quiet):
        raise typer.Exit(1)


def run_command(suite: str, out: Path | None, overrides: list[str] | None) -> str:
    """The command that repeats a run, for its records."""
    import shlex

    changes = [part for override in overrides or [] for part in ("--set", override)]
    return shlex.join(["harness", "run", suite, *(["--out", str(out)] if out else []), *changes])


def _tell_finished(run: "FinishedRun") -> None:
    """Say what a run that computes says, of one that has nothing to do."""
    from harness.printable import flat

    for note in run.notes:
        typer.echo(note, err=True)
    typer.echo(f"{flat(run.suite)}: {run.cells} cells, 0 to do", err=True)
