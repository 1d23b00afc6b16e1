"""`diff`: what changed from one run to another."""

import json
from pathlib import Path
from typing import Annotated

import typer

from harness.catalogue import completion


def diff(
    first: Annotated[
        Path,
        typer.Argument(
            metavar="A",
            help="A run directory, or reference:NAME.",
            autocompletion=completion.complete_results,
        ),
    ],
    second: Annotated[
        Path,
        typer.Argument(
            metavar="B",
            help="What to compare with it: a run, or reference:NAME.",
            autocompletion=completion.complete_results,
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what changed from run A to run B.

    Configuration, environment, and figures with paired intervals; whether B's values are those of
    A, and within what.
    """
    from harness.reference.files import open_results
    from harness.report.runs import compare_runs

    changed = compare_runs(open_results(first).contents(), open_results(second).contents())
    if as_json:
        typer.echo(json.dumps(changed, indent=1))
        return
    from harness.report.chapters.difference import summarise_changes, tabulate_changes
    from harness.report.chapters.reproduction import summarise_reproduction
    from harness.report.formats.terminal import print_table, shorten, wide_console

    console = wide_console()
    console.print(
        f"A: {first}\nB: {second}\n{summarise_changes(changed)}"
        f"\n{summarise_reproduction(changed['reproduction'])}",
        markup=False,
        highlight=False,
    )
    for table in tabulate_changes(changed):
        print_table(shorten(table), console)
