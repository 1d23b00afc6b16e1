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
from typing import Any, NamedTuple

from harness.report.chapters import CHAPTERS, chapters_of_rows, explain
from harness.report.formats.first_screen import draw_cards
from harness.report.notes import progress_sentence
from harness.report.overview.picture import draw_overview
from harness.report.overview.summary_table import MARKS, tabulate_summary
from harness.report.pictures import choose_styles, pictures
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


class _Part(NamedTuple):
    """A part of the page that the navigation names.

    Args:
        anchor: its id.
        name: its name in the navigation.
        title: its heading.
        content: its HTML.
    """

    anchor: str
    name: str
    title: str
    content: str


def render(report: Mapping[str, Any]) -> str:
    """Write the page: verdicts, summary and one picture first, then answers, figures and tables by
    scenario, then failures, notes, definitions and how to repeat the run.
    """
    title = f"Report of {escape(str(report['suite']))}"
    parts = [*_chapters(report), *_ends(report)]
    first = f'<section id="glance">{_first_screen(report)}</section>'
    body = "".join(_section(part) for part in parts)
    meta = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    head = f"{meta}<title>{title}</title><style>{STYLE}</style>"
    content = (
        f"{_head(report, title)}{_navigation(parts)}<main>{first}{body}</main>"
        f"<script>{SCRIPT}</script>"
    )
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{content}</body></html>\n'


def wrap_page(title: str, body: str) -> str:
    """Write a page of tables alone, in the style of a report, whose columns can be sorted."""
    name = escape(title)
    meta = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    head = f"{meta}<title>{name}</title><style>{STYLE}</style>"
    content = f"<header><h1>{name}</h1></header><main>{body}</main><script>{SCRIPT}</script>"
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{content}</body></html>\n'


def _first_screen(report: Mapping[str, Any]) -> str:
    summary = tabulate_summary(report, intervals=True)
    table = f'<div class="summary">{draw_table(summary)}</div>' if summary else ""
    picture = _figures(draw_overview(report, choose_styles(report)))
    return f"{draw_cards(report['verdicts'])}{table}{picture}"


def _chapters(report: Mapping[str, Any]) -> list[_Part]:
    """A part for each scenario, and one for answers that belong to none of them."""
    chapters, figures, every = chapters_of_rows(report["rows"]), pictures(report), tables(report)
    scenarios = list(dict.fromkeys(table.scenario for table in every))
    parts = []
    for number, scenario in enumerate(scenarios):
        own = [table for table in every if table.scenario == scenario]
        title = chapters[scenario].title if scenario in CHAPTERS.entries() else scenario
        content = (
            _answers(report, [scenario])
            + _figures(figures.get(scenario, []))
            + "".join(map(draw_table, own))
        )
        parts.append(_Part(f"chapter{number}", title.partition(":")[0], title, content))
    others = {h["scenario"] for h in report["headlines"]} - set(scenarios)
    more = _answers(report, sorted(others))
    return [_Part("answers", "Answers", "Across scenarios", more), *parts] if more else parts


def _ends(report: Mapping[str, Any]) -> list[_Part]:
    """What stands after the chapters."""
    parts = []
    pictured = gallery_page(report)
    if pictured:
        parts.append(_Part("images", "Images", "Images of the sets", pictured))
    failed = [
        f"<b>{escape(cell_name(f.get('cell')))}</b>: {escape(str(f.get('sentence')))}"
        for f in report["failures"]
    ]
    if failed:
        parts.append(_Part("failed", "Failed cells", "Failed cells", _list(failed)))
    notes = _list([escape(note) for note in report["notes"]])
    made = f"<p>{escape(METHOD)}</p>{_definitions(report)}"
    return [
        *parts,
        _Part("notes", "Notes", "What was not measured, and what to know", notes),
        _Part("method", "Method", "How the figures are made", made),
        _Part("repeat", "Repeat it", "Where, when, and how to repeat it", _environment(report)),
    ]


def _navigation(parts: Sequence[_Part]) -> str:
    links = [("glance", "At a glance"), *((part.anchor, part.name) for part in parts)]
    written = (f'<a href="#{anchor}">{escape(name)}</a>' for anchor, name in links)
    return f'<nav aria-label="Chapters"><div>{"".join(written)}</div></nav>'


def _head(report: Mapping[str, Any], title: str) -> str:
    cells = report["cells"]
    data = dict.fromkeys(str(row["data"]) for row in report["rows"])
    facts = [f"run on {report['date']}"] if report["date"] else []
    facts += [f"{cells['done']} of {cells['total']} cells", f"data: {', '.join(data) or 'none'}"]
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


def _answers(report: Mapping[str, Any], scenarios: Sequence[str]) -> str:
    """The questions of some scenarios with their answers; folded away where the first screen has a
    verdict on the same.
    """
    own = [h for h in report["headlines"] if h["scenario"] in scenarios]
    if not own:
        return ""
    judged = any(verdict["scenario"] in scenarios for verdict in report["verdicts"])
    items = (f"<li><b>{escape(h['question'])}</b> {escape(h['answer'])}</li>" for h in own)
    answers = f'<ul class="headlines">{"".join(items)}</ul>'
    if not judged:
        return answers
    count = f"{len(own)} question{'s' * (len(own) > 1)} answered in words"
    return f"<details><summary>{count}</summary>{answers}</details>"


def _section(part: _Part) -> str:
    return f'<section id="{part.anchor}"><h2>{escape(part.title)}</h2>{part.content}</section>'


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


def draw_table(table: Table) -> str:
    """Draw a table; further metrics fold away."""
    heads = "".join(
        f'<th scope="col"{_kind(column.is_text)}>{escape(column.title)}</th>'
        for column in table.columns
    )
    bodies = []
    for section in table.sections:
        lines = [
            '<tr class="part"><th scope="rowgroup"'
            f' colspan="{len(table.columns)}">{escape(section.title)}</th></tr>'
        ] * bool(section.title)
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
    for standing, mark in MARKS.items():
        if text.endswith(mark):
            value = _cell(text.removesuffix(mark))
            return f'<span class="{standing}">{value}</span>'
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
    date = f"<p>Run on {escape(report['date'])}.</p>" if report["date"] else ""
    return f"{date}<pre>{escape(chr(10).join(report['commands']))}</pre><dl>{facts}</dl>"


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
