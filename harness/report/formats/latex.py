"""The tables of a report as LaTeX, for a paper; needs the package booktabs."""

from collections.abc import Mapping
from typing import Any

from harness.report.notes import progress_sentence
from harness.report.table import Table
from harness.report.tables import tables
from harness.report.wording import cell_name

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "[": "{[}",  # after \\ a bracket would be read as a length
} | {sign: f"\\{sign}" for sign in "&%$#_{}"}


def render(report: Mapping[str, Any]) -> str:
    """One table environment each; headlines, notes and commands as comments above."""
    lines = [
        f"Report of {report['suite']}; needs \\usepackage{{booktabs}}",
        progress_sentence(report["cells"]) or "",
    ]
    lines += [f"{h['question']} {h['answer']}" for h in report["headlines"]] + list(report["notes"])
    lines += [
        f"failed: {cell_name(f.get('cell'))}: {f.get('sentence')}" for f in report["failures"]
    ]
    lines += [f"made by: {command}" for command in report["commands"]]
    comments = [f"% {' '.join(line.split())}" for line in lines if line]
    return "\n\n".join(["\n".join(comments), *(_table(table) for table in tables(report))]) + "\n"


def _table(table: Table) -> str:
    width = len(table.columns)
    lines = [
        r"\begin{table}",
        r"\centering\small",
        rf"\caption{{{escape(table.title)}. {escape(' '.join(table.footnotes))}}}",
        (
            r"\begin{tabular}{"
            + "".join("l" if column.is_text else "r" for column in table.columns)
            + "}"
        ),
        r"\toprule",
        _line([escape(column.title) for column in table.columns]),
    ]
    for section in table.sections:
        lines += [
            r"\midrule",
            rf"\multicolumn{{{width}}}{{l}}{{\textit{{{escape(section.title)}}}}} \\",
        ]
        lines += [_line([escape(cell) for cell in row]) for row in section.rows]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}"])


def _line(cells: list[str]) -> str:
    return f"{' & '.join(cells)} \\\\"


def escape(text: str) -> str:
    """Keep LaTeX's special characters literal."""
    return "".join(_SPECIAL.get(sign, sign) for sign in " ".join(text.split()))
