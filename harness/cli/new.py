"""`new`: files to start from."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Write files to start from.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def new() -> None:
    """Write files to start from."""


@app.command()
def condenser(
    name: Annotated[str, typer.Argument(help="The method's name: small letters, digits and hyphens.")],
    folder: Annotated[Path, typer.Option("--dir", help="Where the files go.")] = Path("."),
) -> None:
    """Write a method, NAME.py, and its test, test_NAME.py; both run as they are."""
    from harness.scaffold import new_condenser

    written = new_condenser(name, folder)
    typer.echo(f"{written.method}: a method that runs as it is; write your equation into it")
    typer.echo(f"{written.test}: try it with  python -m pytest {written.test}")
    typer.echo(f"use it with  harness condense {written.location} --data mnist-5k --ipc 1")
    typer.echo(f'or in a suite  method = "{written.location}"')
