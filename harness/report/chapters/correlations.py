"""Correlations between properties of the data space and usefulness, as tables and in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.report.place import Place
from harness.report.table import Column, Section, Table
from harness.report.wording import IN, NO_INTERVAL, NOT_DISTINGUISHABLE, estimate

BYTES = "bytes"  # what any measure must surpass: how large the set is
LEADING = 3
SHORTENED = "the strongest in each embedding; all are in --format md, html and json"
EXPLAINED = (
    "Rank correlations over all sets (condensers, sizes and seeds), with 95 % intervals from a"
    " bootstrap over condensers. Given bytes: Spearman's partial correlation, which leaves out what"
    " the size of a set explains; where it is defined, the last column goes by it. Each verdict"
    " stands alone; the sentence at the top corrects for the number of measures."
)

Row = Mapping[str, Any]


def tabulate_correlations(rows: Sequence[Row], scenario: str) -> list[Table]:
    """Make a table for each data set and usefulness, a section an embedding.

    Args:
        rows: correlations as the report's JSON has them.
        scenario: in whose section of the report the tables stand.
    """
    tables = []
    for data, useful in dict.fromkeys((row["data"], row["usefulness"]) for row in rows):
        own = [row for row in rows if (row["data"], row["usefulness"]) == (data, useful)]
        sections = [
            _section(space, own) for space in dict.fromkeys(row["embedding"] for row in own)
        ]
        title = f"{Place(scenario, data).heading()}: what goes with {useful}"
        note = f"{own[0]['condensers']} condensers. {EXPLAINED}"
        tables.append(Table(scenario, title, COLUMNS, sections, [note], shortened=SHORTENED))
    return tables


def _section(space: str, rows: Sequence[Row]) -> Section:
    own = [row for row in rows if row["embedding"] == space]
    strongest = sorted(range(len(own)), key=lambda i: -abs(judged_part(own[i])["mean"] or 0))
    lines = [[column.text(row) for column in COLUMNS] for row in own]
    title = f"{IN.strip()} {space}" if space else "the size of the set alone"
    return Section(title, lines, sorted(strongest[:LEADING]))


def judged_part(row: Row) -> Mapping[str, Any]:
    """Return the partial correlation where it is defined, else the plain one."""
    key = "given_bytes" if row["given_bytes"]["mean"] is not None else "spearman"
    part: Mapping[str, Any] = row[key]
    return part


def _verdict(row: Row) -> str:
    part = judged_part(row)
    if part["mean"] is None:
        return "-"
    if part["low"] is None:
        return NO_INTERVAL
    if not part["distinguishable"]:
        shown = part.get("detectable")
        return f"{NOT_DISTINGUISHABLE}{f' (from {shown:.2f})' if shown is not None else ''}"
    return "rises with it" if part["mean"] > 0 else "falls with it"


COLUMNS = (
    Column("property", lambda row: row["measure"], is_text=True),
    Column("Spearman", lambda row: estimate(row["spearman"], "")),
    Column("Kendall", lambda row: estimate(row["kendall"], ""), drop=2),
    Column("Spearman given bytes", lambda row: estimate(row["given_bytes"], "")),
    Column("sets", lambda row: str(row["sets"]), drop=1),
    Column("what it says", _verdict, is_text=True),
)


def answer_question(rows: Sequence[Row]) -> str:
    """Say which property goes with one usefulness best, and how sure that is."""
    measures = [
        row for row in rows if row["measure"] != BYTES and judged_part(row)["mean"] is not None
    ]
    if not measures:
        return "No measure is defined on enough sets."
    over = f"over {rows[0]['sets']} sets of {rows[0]['condensers']} condensers"
    if all(judged_part(row)["low"] is None for row in measures):
        return f"No order can be claimed {over}: they are too few for intervals."
    sure = [row for row in measures if judged_part(row)["distinguishable"]]
    corrected = [row for row in sure if row["corrected"]]
    strongest = max(corrected or sure or measures, key=lambda row: abs(judged_part(row)["mean"]))
    counted = (
        f"Distinguishable from 0: {len(sure)} of {len(measures)} measures each by itself,"
        f" {len(corrected)} where their number is corrected for (Bonferroni), {over}."
    )
    leader = (
        f"Best is {_name(strongest)}."
        if corrected
        else f"None is shown to. The strongest is {_name(strongest)}."
    )
    return f"{leader} {counted} {_bytes_alone(rows)}".strip()


def _name(row: Row) -> str:
    condition = " given bytes" if row["given_bytes"]["mean"] is not None else ""
    value = estimate(judged_part(row), "")
    return f"{row['measure']}{IN}{row['embedding']} (Spearman{condition} {value})"


def _bytes_alone(rows: Sequence[Row]) -> str:
    own = next((row for row in rows if row["measure"] == BYTES), None)
    if own is None or own["spearman"]["mean"] is None:
        return ""
    return f"The bytes of a set alone: {estimate(own['spearman'], '')}."
