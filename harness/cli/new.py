"""`new`: files to start from."""

from pathlib import Path
from typing import Annotated

import typer


def new(
    kind: Annotated[
        str, typer.Argument(help="method (or condenser), network, dataset, space or scenario.")
    ],
    name: Annotated[
        str, typer.Argument(help="The part's name: small letters, digits and hyphens.")
    ],
    folder: Annotated[Path, typer.Option("--dir", help="Where the files go.")] = Path("."),
) -> None:
    """Write a part of a kind, NAME.py, and its test, test_NAME.py; both run as they are."""
    import json
    import shlex

    from harness.scaffold import USES, new_part

    kind = "method" if kind == "condenser" else kind
    written = new_part(kind, name, folder)
    command, line = USES[kind]
    typer.echo(f"{written.part}: a {kind} that runs as it is; write your own into it")
    typer.echo(f"{written.test}: try it with  python -m pytest {shlex.quote(str(written.test))}")
    typer.echo(f"use it with  {command.format(shlex.quote(written.location))}")
    typer.echo(f"or in a suite  {line.format(json.dumps(written.location, ensure_ascii=False))}")
