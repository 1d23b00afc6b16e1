"""`runs`: the run directories here, and how far each has come."""

import json
from pathlib import Path
from typing import Annotated

import typer


def runs(
    root: Annotated[Path, typer.Argument(help="Where the run directories are.")] = Path("runs"),
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """List the run directories below ROOT."""
    from harness.store import Store

    found = []
    for path in sorted(root.glob("*/suite.json")) if root.is_dir() else []:
        suite, records, failures = Store(path.parent).contents()
        found.append(
            {
                "directory": str(path.parent),
                "suite": suite["suite"],
                "cells": len(suite["cells"]),
                "done": len(records),
                "failed": len(failures),
                "command": suite["command"],
            }
        )
    if as_json:
        typer.echo(json.dumps(found, indent=1))
    elif not found:
        typer.echo(f"no run directories in {root}; make one with: harness run demo")
    for run in found if not as_json else []:
        typer.echo(f"{run['directory']}: {run['done']} of {run['cells']} cells done, {run['failed']} failed; {run['command']}")
