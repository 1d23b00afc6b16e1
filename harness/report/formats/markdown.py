"""A report as GitHub-flavoured Markdown."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from harness.report.chapters import explain
from harness.report.notes import progress_sentence
from harness.report.overview.summary_table import tabulate_summary
from harness.report.overview.verdict import QUESTIONS, heading, plain_lines
from harness.report.table import Table
from harness.report.tables import tables
from harness.report.wording import METHOD, cell_name


def render(report: Mapping[str, Any]) -> str:
    """Write verdicts, the summary of all sets, headlines, tables, failures, notes, definitions and
    how to repeat the run.
    """
    partial = progress_sentence(report["cells"])
    blocks = [f"# Report of {escape(report['suite'])}"]
    blocks += [f"**{escape(partial)}**"] if partial else []
    for job in QUESTIONS:
        own = [verdict for verdict in report["verdicts"] if verdict["job"] == job]
        blocks += [draw_verdicts(own)] if own else []
    summary = tabulate_summary(report)
    blocks += [_table(summary)] if summary else []
    blocks += [
        "\n".join(
            f"- **{escape(h['question'])}** {escape(h['answer'])}" for h in report["headlines"]
        )
    ]
    blocks += [_table(table) for table in tables(report)]
    if report["failures"]:
        lines = [
            "- " + escape(cell_name(f.get("cell")) + ": " + str(f.get("sentence")))
            for f in report["failures"]
        ]
        blocks += ["## Failed cells", "\n".join(lines)]
    known = explain(report["rows"])
    blocks += ["## Notes", "\n".join(f"- {escape(note)}" for note in [*report["notes"], METHOD])]
    blocks += [
        "## Metrics",
        "\n".join(f"- **{escape(name)}**: {escape(text)}" for name, text in known.items()),
    ]
    facts = [f"- run on {escape(report['date'])}"] if report["date"] else []
    facts += ["- " + escape(f"{name}: {value}") for name, value in report["environment"].items()]
    commands = [f"    {line}" for command in report["commands"] for line in command.splitlines()]
    blocks += ["## Environment", "\n".join(facts), "\n".join(commands)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def draw_verdicts(verdicts: Sequence[Mapping[str, Any]]) -> str:
    """Write verdicts on one job: the question, then for each place the answer and its reasons."""
    blocks = [f"**{escape(verdicts[0]['question'])}**"]
    for verdict in verdicts:
        first, *more = plain_lines(verdict)
        lines = [
            f"**{verdict['answer'].capitalize()}** ({escape(heading(verdict))}). {escape(first)}"
        ]
        blocks.append("\n".join([*lines, "", *(f"- {escape(line)}" for line in more)]))
    return "\n\n".join(blocks)


def _table(table: Table) -> str:
    notes = "\n".join(escape(note) for note in table.footnotes)
    return f"## {escape(table.title)}\n\n{draw_table(table)}\n\n{notes}".rstrip("\n")


def draw_table(table: Table) -> str:
    """Write a table without its title and footnotes."""
    lines = [_line([escape(column.title) for column in table.columns])]
    lines += [_line([":---" if column.is_text else "---:" for column in table.columns])]
    for section in table.sections:
        if section.title:
            lines += [_line([f"**{escape(section.title)}**", *("" for _ in table.columns[1:])])]
        lines += [_line([escape(cell) for cell in row]) for row in section.rows]
    return "\n".join(lines)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def escape(text: str) -> str:
    """Keep what a label or an error message holds from being read as Markdown or HTML."""
    flat = " ".join(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").split())
    return re.sub(r"([\\`*_|#~$]|\](?=[(\[:])|^[-+](?= )|(?<=^\d)[.)](?= ))", r"\\\1", flat)
