"""A report on a terminal, through Rich."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from harness.printable import columns_asked, flat
from harness.report.notes import progress_sentence
from harness.report.overview.summary_table import tabulate_summary
from harness.report.overview.verdict import NO, UNDECIDED, YES, heading, plain_lines
from harness.report.table import Section, Table
from harness.report.tables import tables
from harness.report.wording import NO_INTERVAL, NOT_DISTINGUISHABLE, bare_verdict, cell_name

GAP = 2
WIDTH = 120
BREAK = "\n"
STYLES = {"better": "green", "worse": "red", NOT_DISTINGUISHABLE: "dim", NO_INTERVAL: "dim"}

ANSWERS = {YES: "bold green", NO: "bold red", UNDECIDED: "bold"}


def print_report(report: Mapping[str, Any], console: Console) -> None:
    """Print a built report: what it found first, then its tables, then what failed and what was not
    measured.
    """
    console.print(_plain(f"Report of {report['suite']}", "bold"))
    partial = progress_sentence(report["cells"])
    if partial:
        console.print(_plain(partial, "yellow"))
    _print_verdicts(report["verdicts"], console)
    summary = tabulate_summary(report)
    if summary is not None:
        print_table(summary, console)
    for headline in report["headlines"]:
        text = Text.assemble(_plain(headline["question"], "bold"), " ", _plain(headline["answer"]))
        console.line()
        console.print(text)
    for table in tables(report):
        if not table.is_detail:
            print_table(shorten(table), console)
    _list(
        "Failed cells",
        [f"{cell_name(f.get('cell'))}: {f.get('sentence')}" for f in report["failures"]],
        console,
    )
    _list("Notes", list(report["notes"]), console)
    _list("Made by", list(report["commands"]), console)


def _print_verdicts(verdicts: Sequence[Mapping[str, Any]], console: Console) -> None:
    """Print the answer to each question, then its reasons, indented."""
    for position, verdict in enumerate(verdicts):
        if position == 0 or verdict["job"] != verdicts[position - 1]["job"]:
            console.line()
            console.print(_plain(verdict["question"], "bold"))
        first, *more = plain_lines(verdict)
        answer = _plain(verdict["answer"].capitalize(), ANSWERS[verdict["answer"]])
        console.print(Text.assemble(answer, " ", _plain(f"({heading(verdict)}). {first}")))
        for line in more:
            console.print(Padding(_plain(line), (0, 0, 0, 2), expand=False))


def print_table(table: Table, console: Console) -> None:
    """One table, with its title and notes where it has them."""
    if table.title:
        console.line()
        console.print(_plain(table.title, "bold cyan"))
    grid, left_out = _fit(table, console.width)
    console.print(grid)
    notes = " ".join([*left_out, *table.footnotes])
    if notes:
        console.print(_plain(notes, "dim"))


def shorten(table: Table) -> Table:
    """Keep the rows that lead, and note how many there are."""
    sections = [
        (
            s
            if s.leading is None
            else Section(s.title, [row for i, row in enumerate(s.rows) if i in s.leading])
        )
        for s in table.sections
        if s.leading is None or s.leading
    ]
    shown, of = (sum(len(section.rows) for section in each) for each in (sections, table.sections))
    if shown == of:
        return table
    note = f"{shown} of {of} rows: {table.shortened}."
    return replace(table, sections=sections, footnotes=[note, *table.footnotes])


def _list(title: str, lines: Sequence[str], console: Console) -> None:
    if lines:
        console.line()
        console.print(_plain(title, "bold"))
        for line in lines:
            console.print(Padding(_plain(line), (0, 0, 0, 2), expand=False))


def _fit(table: Table, width: int) -> tuple[RichTable, list[str]]:
    """The table with the columns that fit, or stacked where not even those that count do; and a
    sentence on what was left out.
    """
    table = _flatten(table)
    whole = list(range(len(table.columns)))
    if _needed(table, whole) > width:
        table = _break_verdicts(table)
    shown = fit_columns(table, width)
    if _needed(table, shown) > width:
        return _stack(table), []
    titles = list(dict.fromkeys(table.columns[i].title for i in whole if i not in shown))
    if not titles:
        return _table(table, shown, width), []
    note = f"Not shown at this width: {'; '.join(titles)} (COLUMNS={_needed(table, whole)} does)."
    return _table(table, shown, width), [note]


def _stack(table: Table) -> RichTable:
    """Each row as lines of its own, a line a column."""
    grid = RichTable.grid(padding=(0, 1, 0, 0))
    grid.add_column(ratio=2)
    grid.add_column(ratio=3, overflow="fold")
    for section in table.sections:
        if section.title:
            grid.add_row(_plain(section.title, "italic"), "")
        for row in section.rows:
            grid.add_row(_plain(row[0], "bold"), "")
            for column, cell in zip(table.columns[1:], row[1:], strict=True):
                grid.add_row(
                    Padding(_plain(column.title, "dim"), (0, 0, 0, 2)),
                    Text(" ".join(cell.split()), style=STYLES.get(bare_verdict(cell), "")),
                )
    return grid


def _table(table: Table, shown: Sequence[int], width: int) -> RichTable:
    gap = GAP if sum(_width(table, i) + GAP for i in shown) - GAP <= width else 1
    grid = RichTable(
        box=box.SIMPLE_HEAD,
        padding=(0, gap - 1, 0, 0),
        pad_edge=False,
        show_edge=False,
        header_style="",
    )
    for index in shown:
        column = table.columns[index]
        title = _plain(column.title, "dim")
        grid.add_column(
            title, justify="left" if column.is_text else "right", max_width=_width(table, index)
        )
    for position, section in enumerate(table.sections):
        if section.title:
            grid.add_row(_plain(section.title, "italic"), end_section=False)
        for number, row in enumerate(section.rows):
            last = number == len(section.rows) - 1 and position < len(table.sections) - 1
            cells = [Text(row[i], style=STYLES.get(bare_verdict(row[i]), "")) for i in shown]
            grid.add_row(*cells, end_section=last)
    return grid


def _flatten(table: Table) -> Table:
    """Make each cell one line that holds nothing that a terminal obeys."""
    return replace(
        table,
        sections=[
            replace(section, rows=[[flat(cell) for cell in row] for row in section.rows])
            for section in table.sections
        ],
    )


def _break_verdicts(table: Table) -> Table:
    """Put what stands in brackets behind a verdict on a line of its own, or on two."""

    def broken(cell: str) -> str:
        word = bare_verdict(cell)
        if word not in STYLES or word == cell:
            return cell
        more = cell[len(word) + 1 :]
        return f"{word}\n{more if len(more) <= len(word) else more.replace('; ', ';' + BREAK)}"

    return replace(
        table,
        sections=[
            replace(section, rows=[[broken(cell) for cell in row] for row in section.rows])
            for section in table.sections
        ],
    )


def fit_columns(table: Table, width: int) -> list[int]:
    """Choose the columns that fit into `width` characters, close together if need be; those of the
    highest drop go first.
    """
    shown = list(range(len(table.columns)))
    while _needed(table, shown) > width:
        droppable = [i for i in shown if table.columns[i].drop]
        if not droppable:
            break
        shown.remove(max(droppable, key=lambda i: table.columns[i].drop))
    return shown


def _needed(table: Table, shown: Sequence[int]) -> int:
    """Characters of so many columns close together."""
    return sum(_width(table, i) + 1 for i in shown) - 1


def _width(table: Table, index: int) -> int:
    """Characters of the widest cell; a header may break at its spaces."""
    cells = [row[index] for section in table.sections for row in section.rows]
    titles = [section.title for section in table.sections] if index == 0 else []
    return max(
        cell_len(flat(line))
        for text in [*cells, *titles, *table.columns[index].title.split()]
        for line in text.split("\n")
    )


def _plain(text: str, style: str = "") -> Text:
    """One line of text that is no markup and holds nothing that a terminal obeys."""
    return Text(flat(text), style=style)


def wide_console() -> Console:
    """The terminal; where there is none (a file, a pipe), as wide as COLUMNS says, or as the whole
    report needs.
    """
    console = Console()
    return console if console.is_terminal else Console(width=columns_asked() or WIDTH)
