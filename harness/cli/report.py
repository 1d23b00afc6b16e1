"""`report`: print what run directories hold."""

from pathlib import Path
from typing import Annotated

import typer

from harness.catalogue import completion
from harness.cli.options import OUTPUT

ENERGY = "Energy"
FORMATS = ("rich", "md", "csv", "json", "latex", "html", "parquet")
VALUES = "parquet"  # has single values; the others have means with intervals


def report(
    directories: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR...",
            help="A run directory, such as runs/demo, or reference:NAME; of several, one report.",
            autocompletion=completion.complete_results,
        ),
    ],
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help=(
                "rich, or any of md,csv,json,latex,html,parquet (several: with --out DIR). parquet"
                " has every single value, the others means with intervals."
            ),
            rich_help_panel=OUTPUT,
            autocompletion=lambda: list(FORMATS),
        ),
    ] = "rich",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="A file; with several formats a folder.", rich_help_panel=OUTPUT
        ),
    ] = None,
    watts_per_core: Annotated[
        float | None,
        typer.Option(
            "--watts-per-core",
            min=0,
            help="Where no meter was read: CPU seconds times this; 12 (Green Algorithms).",
            rich_help_panel=ENERGY,
        ),
    ] = None,
    grid_intensity: Annotated[
        float | None,
        typer.Option(
            "--grid-intensity",
            min=0,
            help="Grams of CO2 a kWh; without it no grams are given.",
            rich_help_panel=ENERGY,
        ),
    ] = None,
) -> None:
    """Report what DIR holds.

    Reads the run directories, or reference results, alone. A cell that several have counts once.
    """
    from condensers.engine.files import write_atomically
    from condensers.errors import UsageError, suggestion
    from harness.cli.options import writable
    from harness.power import Power
    from harness.reference.files import name_runs, open_results
    from harness.report.building import render
    from harness.report.formats.terminal import print_report, wide_console
    from harness.running.reporting import Reporter

    forms = form.split(",")
    for name in forms:
        if name not in FORMATS:
            raise UsageError(f"--format {name}: not a format; {suggestion(name, FORMATS)}")
    if len(forms) > 1 and out is None:
        raise UsageError("--format with several formats needs --out FOLDER for the files")
    if VALUES in forms and out is None:
        raise UsageError("--format parquet: is no text; name a file with --out FILE.parquet")
    power = Power(
        Power().watts_per_core if watts_per_core is None else watts_per_core, grid_intensity
    )
    stores = {name: open_results(path) for name, path in name_runs(directories)}
    reporter = Reporter(stores, power)
    built = reporter.build()

    def write(name: str) -> str:
        if name == "rich":
            return _render_text(built)
        return reporter.write_page(built) if name == "html" else render(built, name)

    for name in forms:
        if name == "rich" and out is None:
            print_report(built, wide_console())
            continue
        if out is None:
            typer.echo(write(name), nl=False)
            continue
        path = (
            out / f"report.{ {'latex': 'tex', 'rich': 'txt'}.get(name, name) }"
            if len(forms) > 1
            else out
        )
        writable(path, "--out")
        content = reporter.write_values() if name == VALUES else write(name).encode()
        write_atomically(path, content)
        typer.echo(f"wrote {path}", err=True)


def _render_text(built: dict[str, object]) -> str:
    """The terminal report as plain text."""
    import io

    from rich.console import Console

    from harness.report.formats.terminal import WIDTH, print_report

    text = io.StringIO()
    print_report(built, Console(file=text, width=WIDTH))
    return text.getvalue()
