"""`diff` and `rank`: what changed from one run to another, and the ranks of their sets."""

import json
from pathlib import Path
from typing import Annotated

import typer

from harness.catalogue import completion
from harness.cli.options import OUTPUT

RANKED = "What is ranked"
RANK_FORMATS = ("rich", "md", "json", "html")


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


def rank(
    directories: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN...",
            help="A run directory, such as runs/demo, or reference:NAME.",
            autocompletion=completion.complete_results,
        ),
    ],
    scenario: Annotated[
        list[str] | None,
        typer.Option(
            "--scenario",
            help="Only this scenario, by its label; may be repeated.",
            rich_help_panel=RANKED,
        ),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option("--data", help="Only this data set; may be repeated.", rich_help_panel=RANKED),
    ] = None,
    metric: Annotated[
        str,
        typer.Option(
            "--metric",
            help="By what, with or without its strategy; the first that a scenario's sets are for.",
            rich_help_panel=RANKED,
        ),
    ] = "",
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help="rich, md, json or html.",
            rich_help_panel=OUTPUT,
            autocompletion=lambda: list(RANK_FORMATS),
        ),
    ] = "rich",
    out: Annotated[
        Path | None, typer.Option("--out", help="A file.", rich_help_panel=OUTPUT)
    ] = None,
) -> None:
    """Rank the sets of RUN over data sets, sizes and scenarios, with intervals of the ranks.

    A task is one metric of the sets of one size in one place; their means are paired by seed. Reads
    the records alone.
    """
    from condensers.engine.files import write_atomically
    from condensers.errors import UsageError, suggestion
    from harness.api import rank as rank_results
    from harness.cli.options import writable
    from harness.ranking.formats import print_ranking, render
    from harness.report.formats.terminal import wide_console

    if form not in RANK_FORMATS:
        raise UsageError(f"--format {form}: not a format; {suggestion(form, RANK_FORMATS)}")
    if form == "rich" and out is not None:
        raise UsageError("--out: is for md, json and html; add --format md")
    ranking = rank_results(*directories, scenarios=scenario or (), data=data or (), metric=metric)
    if form == "rich":
        print_ranking(ranking, wide_console())
        return
    if out is None:
        typer.echo(render(ranking, form), nl=False)
        return
    writable(out, "--out")
    write_atomically(out, render(ranking, form).encode())
    typer.echo(f"wrote {out}", err=True)
