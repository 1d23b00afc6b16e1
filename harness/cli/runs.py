"""`runs`: the run directories here, and how far each has come."""

import json
from pathlib import Path
from typing import Annotated

import typer


def runs(
    root: Annotated[Path, typer.Argument(help="Where the run directories are.")] = Path("runs"),
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """List the run directories below ROOT: status, cells, time since the last finished cell, size."""
    from harness.listing import age, found_runs

    found = found_runs(root)
    if as_json:
        typer.echo(json.dumps(found, indent=1))
        return
    if not found:
        typer.echo(f"no run directories in {root}; make one with: harness run demo")
        return
    from harness.report.columns import Column
    from harness.report.sections import Section, Table
    from harness.report.terminal import print_table, wide_console

    columns = [
        Column("directory", lambda run: run["directory"], is_text=True),
        Column("suite", lambda run: run["suite"], drop=2, is_text=True),
        Column("status", lambda run: run["status"], is_text=True),
        Column("cells done", lambda run: f"{run['done']}/{run['cells']}"),
        Column("last", lambda run: age(run["age_seconds"])),
        Column("MB", lambda run: f"{run['megabytes']:.1f}"),
        Column("command", lambda run: run["command"], drop=3, is_text=True),
    ]
    rows = [[column.text(run) for column in columns] for run in found]
    print_table(Table("runs", "", columns, [Section("", rows)]), wide_console())
