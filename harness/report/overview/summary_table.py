"""The summary of all sets as a table of text, and the sentence that says what its marks mean."""

from collections.abc import Mapping, Sequence
from typing import Any

from condensers.sets.rate import format_bits
from harness.report.overview.summary import BEST, EVEN
from harness.report.overview.verdict import seconds_text
from harness.report.place import Size
from harness.report.table import Column, Section, Table
from harness.report.wording import estimate, format_bytes

MARKS = {BEST: " (best)", EVEN: " (=)"}
RULE = (
    "One rule for the best: the best mean of its data set and size, real images included. Equals"
    " sign: not distinguishable from the best, by the 95 % interval of the paired difference. No"
    " mark: worse than the best, or nothing to compare."
)
Row = Mapping[str, Any]


def tabulate_summary(report: Mapping[str, Any], *, intervals: bool = False) -> Table | None:
    """Lay out the summary of a report; None where no chapter put a metric into it.

    Args:
        report: the report as its JSON has it.
        intervals: whether means have their 95 % intervals beside them.
    """
    columns, sections = report["summary"]["columns"], list_sections(report["summary"]["rows"])
    if not columns or not sections:
        return None
    shown = [
        Column("set", lambda row: str(row["condenser"]), is_text=True),
        Column("bytes", lambda row: format_bytes(row["bytes"]), drop=2),
        Column("bits per class", lambda row: format_bits(row["bits_per_class"]), drop=3),
        Column("to make", _making, drop=1),
        *(Column(column["title"], _Cell(column, intervals)) for column in columns),
    ]
    return Table(
        "",
        "All sets at a glance",
        shown,
        [
            Section(title, [[column.text(row) for column in shown] for row in rows])
            for title, rows in sections.items()
        ],
        (RULE,),
    )


class _Cell:
    """Writes the cell of one column: its mean, and whether it is the best or even."""

    def __init__(self, column: Row, intervals: bool) -> None:
        self._column, self._intervals = column, intervals

    def __call__(self, row: Row) -> str:
        cell = row["cells"].get(self._column["key"])
        if cell is None:
            return "-"
        text = estimate(cell, self._column["unit"]).removesuffix(" (no interval)")
        mean = text if self._intervals else text.partition(" [")[0]
        return f"{mean}{MARKS.get(cell['standing'], '')}"


def list_sections(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Group the rows of a summary by data set and size, under their titles."""
    sections: dict[str, list[Row]] = {}
    for row in rows:
        sections.setdefault(f"{row['data']}, {Size.of(row).heading}", []).append(row)
    return sections


def _making(row: Row) -> str:
    return "-" if row["reference"] or row["seconds"] is None else seconds_text(row["seconds"])
