"""`new`: files to start from."""

from pathlib import Path
from typing import Annotated

import typer

# As `harness.scaffold` knows them, which imports more than the help needs.
KINDS = ("method", "condenser", "network", "dataset", "space", "scenario", "strategy")


def new(
    kind: Annotated[
        str,
        typer.Argument(
            help="method (or condenser), network, dataset, space, scenario or strategy.",
            autocompletion=lambda: list(KINDS),
        ),
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
    toml = json.dumps(written.location, ensure_ascii=False)
    typer.echo(f"use it with  {command.format(shlex.quote(written.location), toml)}")
    typer.echo(f"or in a suite  {line.format(toml, toml)}")
