"""All tables of a report, as its chapters make them."""

from collections.abc import Mapping
from typing import Any

from harness.report.chapters import DESIGN, chapters_of_rows
from harness.report.place import MAKING
from harness.report.table import Table, with_power_note


def tables(report: Mapping[str, Any]) -> list[Table]:
    """Collect the tables by scenario, in the order of the report's rows.

    Main effects of a design lead the section of each scenario; the costs of making sets come last.
    """
    chapters = chapters_of_rows(report["rows"])
    scenarios = dict.fromkeys(row["scenario"] for row in report["rows"])
    order = [*(name for name in scenarios if name != MAKING), MAKING]
    effects = chapters[DESIGN].tables(report)
    return [
        with_power_note(table)
        for name in order
        for table in [
            *(table for table in effects if table.scenario == name),
            *chapters[name].tables(report),
        ]
    ]
