"""`runs` lists run directories and their progress; `verify` checks that they are intact."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.catalogue import completion
from harness.cli import options

if TYPE_CHECKING:
    from harness.store.store import Store


def runs(
    root: Annotated[Path, typer.Argument(help="Where the run directories are.")] = Path("runs"),
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """List the run directories below ROOT.

    With status, cells, time since the last finished cell, and size.
    """
    from harness.store.upkeep import describe_age, list_runs

    listed = list_runs(root)
    if as_json:
        typer.echo(json.dumps(listed, indent=1))
        return
    if not listed:
        typer.echo(f"no run directories in {root}; make one with: harness run demo")
        return
    from harness.report.formats.terminal import print_table, wide_console
    from harness.report.table import Column, Section, Table

    columns = [
        Column("directory", lambda run: run["directory"], is_text=True),
        Column("suite", lambda run: run["suite"], drop=2, is_text=True),
        Column("status", lambda run: run["status"], is_text=True),
        Column("cells done", lambda run: f"{run['done']}/{run['cells']}"),
        Column("last", lambda run: describe_age(run["age_seconds"])),
        Column("MB", lambda run: f"{run['megabytes']:.1f}"),
        Column("command", lambda run: run["command"], drop=3, is_text=True),
    ]
    rows = [[column.text(run) for column in columns] for run in listed]
    print_table(Table("runs", "", columns, [Section("", rows)]), wide_console())


def verify(
    directories: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR...",
            help="A run directory.",
            autocompletion=completion.complete_run,
        ),
    ],
    as_json: options.AsJson = False,
) -> None:
    """Check that DIR holds what was written to it.

    Format, key and checksum of each record; the bytes of each set and its card.
    """
    from condensers.errors import Damaged, OtherFormat
    from harness.store.store import Store

    faults: list[Damaged | OtherFormat] = []
    found = []
    for directory in dict.fromkeys(directories):
        try:
            found.append({**_count_contents(Store(directory)), "intact": True, "faults": []})
        except (Damaged, OtherFormat) as fault:
            faults.append(fault)
            told = str(fault).splitlines()
            found.append({"directory": str(directory), "intact": False, "faults": told})
        else:
            if not as_json:
                typer.echo(_describe_contents(found[-1]))
    if as_json:
        options.print_json("verify", {"directories": found})
    if faults:
        raise type(faults[0])("\n".join(map(str, faults)))


def _count_contents(store: "Store") -> dict[str, Any]:
    """Count what the directory holds; Damaged or OtherFormat with all that is wrong."""
    suite, records, failures = store.contents()
    folders = {path.name for path in store.root.glob("cells/[!.]*")}
    return {
        "directory": str(store.root),
        "records": len(records),
        "sets": sum(record.get("set") is not None for record in records),
        "failed": len(failures),
        "left": len(suite["cells"]) - len(records) - len(failures),
        "others": len(folders - set(suite["cells"])),
    }


def _describe_contents(found: dict[str, Any]) -> str:
    """Say what `_count_contents` counted."""
    failed, left, others = found["failed"], found["left"], found["others"]
    parts = [
        f"{found['records']} records and {found['sets']} sets with their cards are as they were"
        " written"
    ]
    parts += [f"{failed} cells failed"] if failed else []
    parts += [f"{left} cells are not run yet"] if left else []
    parts += [f"{others} folders of other code or settings were not looked at"] if others else []
    return f"{found['directory']}: {', '.join(parts)}"
