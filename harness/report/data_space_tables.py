"""The table of correlations between data space and usefulness, and the sentence that leads it."""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.report.columns import Column
from harness.report.data_space_correlations import BYTES, SPACE
from harness.report.definitions import IN
from harness.report.sections import Section, Table
from harness.report.wording import NO_INTERVAL, NOT_DISTINGUISHABLE, estimate

Row = Mapping[str, Any]
LEADING = 3
SHORTENED = "the strongest in each embedding; all are in --format md, html and json"
EXPLAINED = (
    "Rank correlations over all sets (condensers, sizes and seeds), with 95 % intervals from a bootstrap over condensers."
    " Given bytes: Spearman's partial correlation, what a measure says beyond how large a set is; where it is defined the"
    " last column judges. Each verdict stands alone; the sentence at the top corrects for the number of measures."
)
COLUMNS = (
    Column("property", lambda row: row["measure"], is_text=True),
    Column("Spearman", lambda row: estimate(row["spearman"], "")),
    Column("Kendall", lambda row: estimate(row["kendall"], ""), drop=2),
    Column("Spearman given bytes", lambda row: estimate(row["given_bytes"], "")),
    Column("sets", lambda row: str(row["sets"]), drop=1),
    Column("what it says", lambda row: said_of(row), is_text=True),
)


def correlation_tables(rows: Sequence[Row]) -> list[Table]:
    """A table for each data set and usefulness, a section an embedding; rows as the report has them."""
    found = []
    for data, useful in dict.fromkeys((row["data"], row["usefulness"]) for row in rows):
        own = [row for row in rows if (row["data"], row["usefulness"]) == (data, useful)]
        sections = [_section(space, own) for space in dict.fromkeys(row["embedding"] for row in own)]
        title = f"{SPACE} on {data}: what goes with {useful}"
        note = f"{own[0]['condensers']} condensers. {EXPLAINED}"
        found.append(Table(SPACE, title, COLUMNS, sections, [note], shortened=SHORTENED))
    return found


def _section(space: str, rows: Sequence[Row]) -> Section:
    own = [row for row in rows if row["embedding"] == space]
    strongest = sorted(range(len(own)), key=lambda i: -abs(judged(own[i])["mean"] or 0))
    lines = [[column.text(row) for column in COLUMNS] for row in own]
    title = f"{IN.strip()} {space}" if space else "the size of the set alone"
    return Section(title, lines, sorted(strongest[:LEADING]))


def judged(row: Row) -> Mapping[str, Any]:
    """The partial correlation where it is defined, else the plain one."""
    part: Mapping[str, Any] = row["given_bytes"] if row["given_bytes"]["mean"] is not None else row["spearman"]
    return part


def said_of(row: Row) -> str:
    found = judged(row)
    if found["mean"] is None:
        return "-"
    if found["low"] is None:
        return NO_INTERVAL
    if not found["distinguishable"]:
        return NOT_DISTINGUISHABLE
    return "rises with it" if found["mean"] > 0 else "falls with it"


def correlation_headlines(rows: Sequence[Row]) -> list[dict[str, str]]:
    """{"question", "answer"} for each data set and usefulness: which property goes with it best, or that none is shown to."""
    places = dict.fromkeys((row["data"], row["usefulness"]) for row in rows)
    return [
        {
            "question": f"Which property of the data space goes with {useful} on {data}?",
            "answer": _answer([row for row in rows if (row["data"], row["usefulness"]) == (data, useful)]),
        }
        for data, useful in places
    ]


def _answer(rows: Sequence[Row]) -> str:
    measures = [row for row in rows if row["measure"] != BYTES and judged(row)["mean"] is not None]
    if not measures:
        return "No measure is defined on enough sets."
    over = f"over {rows[0]['sets']} sets of {rows[0]['condensers']} condensers"
    if all(judged(row)["low"] is None for row in measures):
        return f"No order can be claimed {over}: they are too few for intervals."
    told = [row for row in measures if judged(row)["distinguishable"]]
    corrected = [row for row in told if row["corrected"]]
    strongest = max(corrected or told or measures, key=lambda row: abs(judged(row)["mean"]))
    counted = (
        f"Distinguishable from 0: {len(told)} of {len(measures)} measures each by itself, {len(corrected)} where their number is"
        f" corrected for (Bonferroni), {over}."
    )
    leader = f"Best is {_named(strongest)}." if corrected else f"None is shown to. The strongest is {_named(strongest)}."
    return f"{leader} {counted} {_size(rows)}".strip()


def _named(row: Row) -> str:
    given = " given bytes" if row["given_bytes"]["mean"] is not None else ""
    return f"{row['measure']}{IN}{row['embedding']} (Spearman{given} {estimate(judged(row), '')})"


def _size(rows: Sequence[Row]) -> str:
    own = next((row for row in rows if row["measure"] == BYTES), None)
    if own is None or own["spearman"]["mean"] is None:
        return ""
    return f"The bytes of a set alone: {estimate(own['spearman'], '')}."
