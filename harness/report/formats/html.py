"""A report as one self-contained HTML page: nothing fetched, figures inline, one script of our own that sorts its tables.

The style sheet of the HTML report.

The script of the HTML report: its tables are sorted by the heading that a reader presses, within their sections.

Without a script the tables are as they were written. A heading is a button, so the keyboard reaches it, and says its order
as aria-sort; pressed a third time it gives back the first order. What is no number comes last in a column of numbers.
"""

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from harness.report.notes import progress_sentence
from harness.report.pictures import pictures
from harness.report.set_sheets import gallery_page
from harness.report.table import Table
from harness.report.tables import tables
from harness.report.wording import METHOD, NO_INTERVAL, NOT_DISTINGUISHABLE, cell_name, definitions

STYLE = """
:root { color-scheme: light dark; --ink: #1d232b; --soft: #5c6672; --page: #fff; --card: #f4f6f8; --line: #d9dee4;
  --good: #14713f; --bad: #b3261e; --warn: #8a5a00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ec; --soft: #9aa5b1; --page: #14181d; --card: #1d232a; --line: #343c46;
  --good: #5cc98d; --bad: #f28b82; --warn: #f0c060; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; }
main { max-width: 1260px; margin: 0 auto; padding: 28px 24px 64px; }
h1 { margin: 0; font-size: 27px; letter-spacing: -.01em; }
h2 { margin: 44px 0 12px; padding-bottom: 6px; border-bottom: 1px solid var(--line); font-size: 20px; }
h3 { margin: 26px 0 8px; font-size: 15px; }
.facts, .notes { color: var(--soft); font-size: 13px; }
.facts { margin: 4px 0 0; }
.notes { margin: 6px 0 0; }
.warning { margin: 14px 0 0; padding: 8px 12px; border-left: 4px solid var(--warn); background: var(--card); }
.headlines { list-style: none; margin: 20px 0 0; padding: 0; display: grid; gap: 10px; }
.headlines li { padding: 11px 15px; background: var(--card); border-left: 4px solid #3b7dd8; border-radius: 3px; }
.headlines b { display: block; }
.figures { display: flex; flex-wrap: wrap; gap: 22px 28px; margin: 18px 0; align-items: flex-start; }
figure { margin: 0; flex: 0 1 auto; min-width: 0; max-width: 100%; }
svg { display: block; max-width: 100%; height: auto; }
.wide { overflow-x: auto; }
.wide svg { min-width: 660px; }
.sheet img { display: block; max-width: 100%; height: auto; image-rendering: pixelated; }
.sheet figcaption { margin-top: 4px; color: var(--soft); font-size: 13px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 7px; text-align: right; white-space: nowrap; }
thead th { vertical-align: bottom; white-space: normal; font-weight: 600; font-size: 12.5px; color: var(--soft);
  border-bottom: 1px solid var(--line); }
thead button { all: unset; cursor: pointer; }
thead button:hover { color: var(--ink); }
thead button:focus-visible { outline: 2px solid #3b7dd8; outline-offset: 2px; }
[aria-sort=ascending] button::after { content: " \\25B2"; }
[aria-sort=descending] button::after { content: " \\25BC"; }
.text, .part th { text-align: left; }
.part th { padding-top: 10px; font-weight: 600; color: var(--soft); }
@media (max-width: 700px) { tbody td:first-child { position: sticky; left: 0; background: var(--page); } }
tbody tr:not(.part):hover { background: var(--card); }
td small { color: var(--soft); font-size: 12px; }
.good { color: var(--good); font-weight: 600; }
.bad { color: var(--bad); font-weight: 600; }
.even { color: var(--soft); }
details { margin: 14px 0 0; }
summary { cursor: pointer; color: var(--soft); font-size: 14px; }
pre { padding: 12px 14px; background: var(--card); border-radius: 3px; overflow-x: auto; font-size: 13px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 5px 18px; margin: 12px 0 0; font-size: 14px; }
dt { font-weight: 600; }
dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 700px) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: 8px; } }
@media print { .scroll { overflow: visible; } }
"""


SCRIPT = """
(() => {
  const value = (row, index, text) => {
    const words = row.cells[index].textContent.trim();
    return text ? words.toLowerCase() : parseFloat(words.replaceAll(",", ""));
  };
  const compare = (a, b, sign) => {
    if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
    return sign * (a < b ? -1 : a > b ? 1 : 0);
  };
  const next = {none: "ascending", ascending: "descending", descending: "none"};
  document.querySelectorAll("table").forEach(table => {
    const heads = [...table.tHead.rows[0].cells];
    const bodies = [...table.tBodies].map(body => [body, [...body.rows].filter(row => row.className !== "part")]);
    heads.forEach((head, index) => {
      const button = document.createElement("button");
      button.append(...head.childNodes);
      head.append(button);
      head.setAttribute("aria-sort", "none");
      const text = head.classList.contains("text");
      button.addEventListener("click", () => {
        const order = next[head.getAttribute("aria-sort")];
        heads.forEach(other => other.setAttribute("aria-sort", "none"));
        head.setAttribute("aria-sort", order);
        const sign = order === "descending" ? -1 : 1;
        bodies.forEach(([body, rows]) => {
          const sorted = order === "none" ? rows
            : [...rows].sort((a, b) => compare(value(a, index, text), value(b, index, text), sign));
          body.append(...sorted);
        });
      });
    });
  });
})();
"""


FIGURES = 12
WIDE = 500.0  # points
WORDS = {"better": "good", "worse": "bad", NOT_DISTINGUISHABLE: "even", NO_INTERVAL: "even"}
TITLES = {
    "accuracy": "Accuracy: networks trained on the set alone",
    "cross-architecture": "Cross-architecture: other networks trained on the set alone",
    "continual": "Continual learning: the set as replay memory",
    "data-space": "Data space: where the images of a set lie among real ones",
    "search": "Architecture search: the set as proxy data",
    "mask-quality": "Mask quality: whether the views' masks mean something",
    "privacy": "Privacy: which images a set was made of",
    "condense": "Making the sets",
}


def render(report: Mapping[str, Any]) -> str:
    """The page: what was found, then figures and tables by scenario, then failures, notes, definitions and how to repeat it."""
    title = f"Report of {escape(str(report['suite']))}"
    body = [_head(report, title), _headlines(report["headlines"])]
    drawn, laid = pictures(report), tables(report)
    for scenario in dict.fromkeys(table.scenario for table in laid):
        own = [table for table in laid if table.scenario == scenario]
        body.append(_section(TITLES.get(scenario, scenario), _figures(drawn.get(scenario, [])) + "".join(map(_table, own))))
    pictured = gallery_page(report)
    body += [_section("Images of the sets", pictured)] if pictured else []
    failed = [f"<b>{escape(cell_name(f.get('cell')))}</b>: {escape(str(f.get('sentence')))}" for f in report["failures"]]
    body += [_section("Failed cells", _list(failed))] if failed else []
    body.append(_section("What was not measured, and what to know", _list([escape(note) for note in report["notes"]])))
    body.append(_section("How the figures are made", f"<p>{escape(METHOD)}</p>{_definitions(report)}"))
    body.append(_section("Where, and how to repeat it", _environment(report)))
    meta = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    head = f"{meta}<title>{title}</title><style>{STYLE}</style>"
    content = f"<main>{''.join(body)}</main><script>{SCRIPT}</script>"
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{content}</body></html>\n'


def _head(report: Mapping[str, Any], title: str) -> str:
    cells = report["cells"]
    data = dict.fromkeys(str(row["data"]) for row in report["rows"])
    facts = [f"{cells['done']} of {cells['total']} cells", f"data: {', '.join(data) or 'none'}"]
    here = report["environment"]
    facts += [f"{name}: {_plain(here[name])}" for name in ("device", "threads", "cpu") if name in here]
    partial = progress_sentence(cells)
    warning = f'<p class="warning">{escape(partial)}</p>' if partial else ""
    return f'<header><h1>{title}</h1><p class="facts">{escape(" · ".join(facts))}</p>{warning}</header>'


def _headlines(found: Sequence[Mapping[str, str]]) -> str:
    cards = [f"<li><b>{escape(h['question'])}</b> {escape(h['answer'])}</li>" for h in found]
    return f'<ul class="headlines">{"".join(cards)}</ul>' if cards else ""


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>"


def _figures(svgs: Sequence[str]) -> str:
    """Figures side by side where they fit; of many, those after the first fold away."""
    figures = [f"<figure{_wide(svg)}>{svg}</figure>" for svg in svgs]
    shown, folded = figures[:FIGURES], figures[FIGURES:]
    more = f"<details><summary>{len(folded)} more figures</summary>{_beside(folded)}</details>" if folded else ""
    return _beside(shown) + more if figures else ""


def _beside(figures: Sequence[str]) -> str:
    return f'<div class="figures">{"".join(figures)}</div>'


def _wide(svg: str) -> str:
    """Mark panels side by side, which a small screen scrolls and does not shrink."""
    width = re.search(r'width="([\d.]+)pt"', svg)
    return ' class="wide"' if width and float(width[1]) > WIDE else ""


def _table(table: Table) -> str:
    """A table; further metrics fold away."""
    heads = "".join(f'<th scope="col"{_kind(column.is_text)}>{escape(column.title)}</th>' for column in table.columns)
    bodies = []
    for section in table.sections:
        lines = [f'<tr class="part"><th scope="rowgroup" colspan="{len(table.columns)}">{escape(section.title)}</th></tr>']
        for row in section.rows:
            cells = zip(row, table.columns, strict=True)
            lines.append(f"<tr>{''.join(f'<td{_kind(column.is_text)}>{_cell(text)}</td>' for text, column in cells)}</tr>")
        bodies.append(f"<tbody>{''.join(lines)}</tbody>")
    notes = " ".join(escape(note) for note in table.footnotes)
    grid = f'<div class="scroll"><table><thead><tr>{heads}</tr></thead>{"".join(bodies)}</table></div>'
    title = escape(table.title)
    content = f'{grid}<p class="notes">{notes}</p>'
    return f"<details><summary>{title}</summary>{content}</details>" if table.is_detail else f"<h3>{title}</h3>{content}"


def _kind(is_text: bool) -> str:
    return ' class="text"' if is_text else ""


def _cell(text: str) -> str:
    """A verdict gets a colour beside its word; an interval stands back from its mean."""
    if text in WORDS:
        return f'<span class="{WORDS[text]}">{escape(text)}</span>'
    mean, bracket, bounds = text.partition(" [")
    return f"{escape(mean)} <small>[{escape(bounds)}</small>" if bracket else escape(text)


def _list(items: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"


def _definitions(report: Mapping[str, Any]) -> str:
    known = definitions([row["metric"] for row in report["rows"]])
    return f"<dl>{''.join(f'<dt>{escape(name)}</dt><dd>{escape(text)}</dd>' for name, text in known)}</dl>"


def _environment(report: Mapping[str, Any]) -> str:
    facts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(_plain(value))}</dd>" for name, value in report["environment"].items())
    return f"<pre>{escape(chr(10).join(report['commands']))}</pre><dl>{facts}</dl>"


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
