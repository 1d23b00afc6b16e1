"""A report as one self-contained HTML page: nothing fetched, figures inline, one style sheet, and
two scripts of our own: one sorts its tables, one names the points of its figures.

The first sorts by the heading that a reader presses, within the sections of a table. Without it
the tables stand as they were written. A heading is a button, so that the keyboard reaches it, and
gives its order as aria-sort; pressed a third time it restores the first order. Cells that are no
numbers come last in a column of numbers.

The second shows name and values of the point that a reader points at, or reaches with Tab and the
arrow keys, and marks the points of the same name in that figure. Without it browsers show the same
as the <title> of a point.
"""

import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from harness.report.chapters import CHAPTERS, chapters_of_rows, explain
from harness.report.notes import progress_sentence
from harness.report.pictures import pictures
from harness.report.set_sheets import gallery_page
from harness.report.table import Table
from harness.report.tables import tables
from harness.report.wording import METHOD, NO_INTERVAL, NOT_DISTINGUISHABLE, bare_verdict, cell_name

STYLE = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
SCRIPT = "".join(
    (Path(__file__).parent / name).read_text(encoding="utf-8") for name in ("sort.js", "points.js")
)
FIGURES = 12
WIDE = 500.0  # points
WORDS = {"better": "good", "worse": "bad", NOT_DISTINGUISHABLE: "even", NO_INTERVAL: "even"}


def render(report: Mapping[str, Any]) -> str:
    """Write the page: headlines, then figures and tables by scenario, then failures, notes,
    definitions and how to repeat the run.
    """
    title = f"Report of {escape(str(report['suite']))}"
    body = [_head(report, title), _headlines(report["headlines"])]
    chapters, figures, every = chapters_of_rows(report["rows"]), pictures(report), tables(report)
    for scenario in dict.fromkeys(table.scenario for table in every):
        own = [table for table in every if table.scenario == scenario]
        body.append(
            _section(
                chapters[scenario].title if scenario in CHAPTERS.entries() else scenario,
                _figures(figures.get(scenario, [])) + "".join(map(_table, own)),
            )
        )
    pictured = gallery_page(report)
    body += [_section("Images of the sets", pictured)] if pictured else []
    failed = [
        f"<b>{escape(cell_name(f.get('cell')))}</b>: {escape(str(f.get('sentence')))}"
        for f in report["failures"]
    ]
    body += [_section("Failed cells", _list(failed))] if failed else []
    body.append(
        _section(
            "What was not measured, and what to know",
            _list([escape(note) for note in report["notes"]]),
        )
    )
    body.append(
        _section("How the figures are made", f"<p>{escape(METHOD)}</p>{_definitions(report)}")
    )
    body.append(_section("Where, and how to repeat it", _environment(report)))
    meta = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    head = f"{meta}<title>{title}</title><style>{STYLE}</style>"
    content = f"<main>{''.join(body)}</main><script>{SCRIPT}</script>"
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{content}</body></html>\n'


def _head(report: Mapping[str, Any], title: str) -> str:
    cells = report["cells"]
    data = dict.fromkeys(str(row["data"]) for row in report["rows"])
    facts = [f"{cells['done']} of {cells['total']} cells", f"data: {', '.join(data) or 'none'}"]
    environment = report["environment"]
    facts += [
        f"{name}: {_plain(environment[name])}"
        for name in ("device", "threads", "cpu")
        if name in environment
    ]
    partial = progress_sentence(cells)
    warning = f'<p class="warning">{escape(partial)}</p>' if partial else ""
    return (
        f"<header><h1>{title}</h1><p"
        f' class="facts">{escape(" · ".join(facts))}</p>{warning}</header>'
    )


def _headlines(headlines: Sequence[Mapping[str, str]]) -> str:
    cards = [f"<li><b>{escape(h['question'])}</b> {escape(h['answer'])}</li>" for h in headlines]
    return f'<ul class="headlines">{"".join(cards)}</ul>' if cards else ""


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>"


def _figures(svgs: Sequence[str]) -> str:
    """Figures side by side where they fit; of many, those after the first fold away."""
    figures = [f"<figure{_wide(svg)}>{svg}</figure>" for svg in svgs]
    shown, folded = figures[:FIGURES], figures[FIGURES:]
    more = (
        f"<details><summary>{len(folded)} more figures</summary>{_figure_row(folded)}</details>"
        if folded
        else ""
    )
    return _figure_row(shown) + more if figures else ""


def _figure_row(figures: Sequence[str]) -> str:
    return f'<div class="figures">{"".join(figures)}</div>'


def _wide(svg: str) -> str:
    """Mark panels side by side, which a small screen scrolls and does not shrink."""
    width = re.search(r'width="([\d.]+)pt"', svg)
    return ' class="wide"' if width and float(width[1]) > WIDE else ""


def _table(table: Table) -> str:
    """A table; further metrics fold away."""
    heads = "".join(
        f'<th scope="col"{_kind(column.is_text)}>{escape(column.title)}</th>'
        for column in table.columns
    )
    bodies = []
    for section in table.sections:
        lines = [
            '<tr class="part"><th scope="rowgroup"'
            f' colspan="{len(table.columns)}">{escape(section.title)}</th></tr>'
        ]
        for row in section.rows:
            cells = zip(row, table.columns, strict=True)
            written = (f"<td{_kind(column.is_text)}>{_cell(text)}</td>" for text, column in cells)
            lines.append(f"<tr>{''.join(written)}</tr>")
        bodies.append(f"<tbody>{''.join(lines)}</tbody>")
    notes = " ".join(escape(note) for note in table.footnotes)
    grid = (
        f'<div class="scroll"><table><thead><tr>{heads}</tr></thead>{"".join(bodies)}</table></div>'
    )
    title = escape(table.title)
    content = f'{grid}<p class="notes">{notes}</p>'
    return (
        f"<details><summary>{title}</summary>{content}</details>"
        if table.is_detail
        else f"<h3>{title}</h3>{content}"
    )


def _kind(is_text: bool) -> str:
    return ' class="text"' if is_text else ""


def _cell(text: str) -> str:
    """A verdict gets a colour beside its word; an interval stands back from its mean."""
    if bare_verdict(text) in WORDS:
        return f'<span class="{WORDS[bare_verdict(text)]}">{escape(text)}</span>'
    mean, bracket, bounds = text.partition(" [")
    return f"{escape(mean)} <small>[{escape(bounds)}</small>" if bracket else escape(text)


def _list(items: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"


def _definitions(report: Mapping[str, Any]) -> str:
    known = explain(report["rows"])
    written = (f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in known.items())
    return f"<dl>{''.join(written)}</dl>"


def _environment(report: Mapping[str, Any]) -> str:
    facts = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(_plain(value))}</dd>"
        for name, value in report["environment"].items()
    )
    return f"<pre>{escape(chr(10).join(report['commands']))}</pre><dl>{facts}</dl>"


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
