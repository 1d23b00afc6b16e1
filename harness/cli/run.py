"""`run`: compute what a suite still lacks, then report."""

from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options


def run(
    suite: Annotated[str, typer.Argument(help="A built-in suite, or a TOML file.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="The run directory; runs/SUITE if left out.")
    ] = None,
    overrides: options.Overrides = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Processes; one a processor if left out.")
    ] = None,
    threads: options.Threads = 1,
    device: options.Device = "auto",
    data_dir: options.DataDir = None,
    download: options.Download = False,
    checkpoint_seconds: Annotated[
        float,
        typer.Option(
            "--checkpoint-seconds", min=0.0, help="Time between two checkpoints of a cell at work."
        ),
    ] = 30.0,
    ray: Annotated[
        str | None,
        typer.Option(
            "--ray",
            help=(
                "Compute on a Ray cluster: local, auto or its ADDRESS; --out is a folder that all"
                " nodes see."
            ),
        ),
    ] = None,
    memory: Annotated[
        float | None,
        typer.Option("--memory", min=0.1, help="GiB a cell takes, for Ray to reckon with."),
    ] = None,
    share: Annotated[
        str | None,
        typer.Option(
            "--share",
            help="With --ray: an fsspec URL where nodes that see no common folder put cells.",
        ),
    ] = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="First remove what is damaged in the run directory.")
    ] = False,
    mix_versions: Annotated[
        bool,
        typer.Option(
            "--mix-versions", help="Go on though torch or numpy has another version than before."
        ),
    ] = False,
    reuse: Annotated[
        list[Path] | None,
        typer.Option(
            "--reuse",
            help="Take equal, finished cells from another run directory; may be repeated.",
        ),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option("--minutes", help="Stop cleanly after this long; running again goes on."),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Print nothing but errors and the last line.")
    ] = False,
    log: Annotated[
        list[str] | None, typer.Option("--log", help="tensorboard or wandb; may be repeated.")
    ] = None,
) -> None:
    """Run what SUITE still lacks (again: go on where it stopped), then print the report and write
    report.html.
    """
    import time

    from harness.process import choose_device, cores, prepare
    from harness.running.cell_work import Settings
    from harness.running.processes import Crew
    from harness.running.run import Manner, execute
    from harness.store.store import Store
    from harness.suite.plan import load_plan

    prepare(threads)
    planned = load_plan(suite, overrides or [], data_dir, download)
    for splits in [] if quiet else planned.data.values():
        options.tell_notes(splits)
    chosen = choose_device(device)
    settings = Settings(
        root=out or Path("runs") / planned.plan.suite.name,
        command=_command(suite, out, overrides),
        data_dir=data_dir,
        validation=planned.plan.suite.validation,
        device=chosen,
        threads=threads,
        checkpoint_seconds=checkpoint_seconds,
        deadline=None if minutes is None else time.monotonic() + 60 * minutes,
    )
    processes = workers or (
        None if ray else 1 if chosen.startswith("cuda") else max(1, cores() // threads)
    )
    others = [Store(path) for path in reuse or []]
    crew = Crew(processes, ray, memory, share, mix_versions)
    failures = execute(planned, settings, Manner(crew, quiet, log or (), repair, others))
    if failures:
        raise typer.Exit(1)


def _command(suite: str, out: Path | None, overrides: list[str] | None) -> str:
    import shlex

    changed = [part for override in overrides or [] for part in ("--set", override)]
    return shlex.join(["harness", "run", suite, *(["--out", str(out)] if out else []), *changed])
