"""A ranking on a terminal, as Markdown, as JSON and as an HTML page."""

import json
from collections.abc import Mapping
from html import escape
from typing import Any

from rich.console import Console

from condensers.errors import UsageError, suggestion
from harness.printable import all_visible, visible
from harness.ranking.tables import tabulate
from harness.report.formats import html, markdown

FORMATS = ("rich", "md", "json", "html")
Ranking = Mapping[str, Any]


def title_of(ranking: Ranking) -> str:
    """The heading of a ranking: "Ranking of demo and split-mnist-5k"."""
    names = [str(name) for name in ranking["runs"]]
    return f"Ranking of {' and '.join(names) if len(names) < 3 else ', '.join(names)}"


def print_ranking(ranking: Ranking, console: Console) -> None:
    """Print the tables, the notes and the method."""
    from harness.report.formats.terminal import print_table

    console.print(visible(title_of(ranking)), style="bold", markup=False, highlight=False)
    for table in tabulate(ranking):
        print_table(table, console)
    console.line()
    for note in [*ranking["notes"], ranking["method"]]:
        console.print(visible(note), style="dim", markup=False, highlight=False)


def render(ranking: Ranking, form: str) -> str:
    """Write a ranking.

    Args:
        ranking: what `rank_runs` returned.
        form: md, json or html.

    Raises:
        UsageError: the format is not known.
    """
    if form == "json":
        return json.dumps(ranking, indent=1) + "\n"
    shown: Ranking = all_visible(ranking)
    if form == "md":
        return _as_markdown(shown)
    if form == "html":
        return _as_page(shown)
    raise UsageError(f"--format {form}: not a format; {suggestion(form, FORMATS)}")


def _as_markdown(ranking: Ranking) -> str:
    blocks = [f"# {markdown.escape(title_of(ranking))}"]
    for table in tabulate(ranking):
        blocks += [f"## {markdown.escape(table.title)}", markdown.draw_table(table)]
    notes = "\n".join(
        f"- {markdown.escape(note)}" for note in [*ranking["notes"], ranking["method"]]
    )
    return "\n\n".join([*blocks, notes]) + "\n"


def _as_page(ranking: Ranking) -> str:
    body = "".join(html.draw_table(table) for table in tabulate(ranking))
    notes = "".join(f"<li>{escape(note)}</li>" for note in ranking["notes"])
    below = f"<ul>{notes}</ul><p>{escape(ranking['method'])}</p>"
    return html.wrap_page(title_of(ranking), f"<section>{body}{below}</section>")
