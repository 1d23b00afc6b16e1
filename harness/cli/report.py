"""`report`: print what a run directory holds."""

from pathlib import Path
from typing import Annotated

import typer

FORMATS = ("rich", "md", "csv", "json", "latex", "html")


def report(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A run directory, such as runs/demo.")],
    form: Annotated[
        str, typer.Option("--format", help="rich, or any of md,csv,json,latex,html (several: with --out DIR).")
    ] = "rich",
    out: Annotated[Path | None, typer.Option("--out", help="A file; with several formats a folder.")] = None,
) -> None:
    """Report what DIR holds; reads the store alone."""
    from condensers.context import write_atomically
    from condensers.errors import UsageError, suggestion
    from harness.cli.options import writable
    from harness.report import build, render
    from harness.report.terminal import print_report, wide_console
    from harness.store import Store

    forms = form.split(",")
    for name in forms:
        if name not in FORMATS:
            raise UsageError(f"--format {name}: not a format; {suggestion(name, FORMATS)}")
    if len(forms) > 1 and out is None:
        raise UsageError("--format with several formats needs --out FOLDER for the files")
    built = build(*Store(directory).contents())
    for name in forms:
        if name == "rich" and out is None:
            print_report(built, wide_console())
            continue
        if out is None:
            typer.echo(render(built, name), nl=False)
            continue
        path = out / f"report.{ {'latex': 'tex', 'rich': 'txt'}.get(name, name) }" if len(forms) > 1 else out
        writable(path, "--out")
        text = _recorded(built) if name == "rich" else render(built, name)
        write_atomically(path, text.encode())
        typer.echo(f"wrote {path}", err=True)


def _recorded(built: dict[str, object]) -> str:
    """The terminal report as plain text."""
    import io

    from rich.console import Console

    from harness.report.terminal import WIDTH, print_report

    text = io.StringIO()
    print_report(built, Console(file=text, width=WIDTH))
    return text.getvalue()
