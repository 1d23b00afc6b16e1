"""Tables of a search by its cost: Kendall's tau along each curve, and what a training adds to a
score that trains nothing.
"""

from collections.abc import Callable, Sequence
from functools import partial

from harness.report.chapters.search.rivals import OWN, SPOKEN, proxy_name
from harness.report.place import group_by_place
from harness.report.table import Column, Row, Table, sections_by_size
from harness.report.wording import estimate, format_number, join_some

MOST_STEPS = 8  # columns
LEARNING = (
    "Kendall's tau by the scores of the search after so many steps of training, with 95 %"
    " intervals. Seconds are those of all architectures at the last of them, condensation included."
)
AVERAGED = (
    "The mean of two ranks: that by the training and that by the score. Differences are paired over"
    " architectures and seeds, with 95 % intervals of each alone."
)


def tabulate_costs(rows: Sequence[Row]) -> list[Table]:
    """Make the table of Kendall's tau along the curves, where some are known by their steps.

    Args:
        rows: tau and regret by cost.
    """
    tables = []
    for place, own in group_by_place(rows).items():
        curves = [row for row in own if _steps(row)]
        steps = sorted({at for row in curves for at in _steps(row)})
        if not curves or len(steps) > MOST_STEPS:
            continue
        columns = (
            Column("trained on", lambda row: str(row["condenser"]), is_text=True),
            Column("to make, s", lambda row: format_number(row["made"], "s")),
            *(Column(f"{at} steps", partial(_tau_after, at)) for at in steps),
            Column("in all, s", lambda row: format_number(row["points"][-1]["seconds"], "s")),
        )
        tables.append(
            Table(
                place.scenario,
                f"{place.heading()}: Kendall tau by steps",
                columns,
                sections_by_size(curves, columns),
                [LEARNING],
                is_detail=True,
            )
        )
    return tables


def _steps(row: Row) -> list[int]:
    return [point["steps"] for point in row["points"] if point["steps"]]


def _tau_after(steps: int, row: Row) -> str:
    found = [point["tau"] for point in row["points"] if point["steps"] == steps]
    return estimate(found[0], "") if found and found[0] else "-"


def tabulate_combined(rows: Sequence[Row]) -> list[Table]:
    """Make a table for each score that trains nothing: what its ranks averaged with those of a
    training gain.

    Args:
        rows: averages of two ranks against baselines of equal cost.
    """
    tables = []
    for place, own in group_by_place(rows).items():
        for score in dict.fromkeys(str(row["with"]) for row in own):
            some = [row for row in own if row["with"] == score]
            rivals = list(dict.fromkeys((row["against"], row["at"]) for row in some))
            columns = (
                Column("trained on", lambda row: str(row["condenser"]), is_text=True),
                Column("tau of both", lambda row: estimate(row["tau"], "")),
                *(Column(_rival_title(*rival), _difference_to(*rival)) for rival in rivals),
            )
            tables.append(
                Table(
                    place.scenario,
                    f"{place.heading()}: ranks averaged with {score}",
                    columns,
                    sections_by_size(_gather(some), columns),
                    [AVERAGED, tell_together(some)],
                    is_detail=True,
                )
            )
    return tables


def _gather(rows: Sequence[Row]) -> list[Row]:
    """One row an entry, with its comparisons by what they are with."""
    entries: dict[tuple[object, ...], Row] = {}
    for row in rows:
        key = (row["condenser"], row["ipc"], row["budget"], row["recipe"])
        found = entries.setdefault(key, {**row, "by_rival": {}})
        found["by_rival"][row["against"], row["at"]] = row
    return list(entries.values())


def _rival_title(against: str, at: str) -> str:
    if at == OWN:
        return f"less {against} alone"
    return f"less {SPOKEN.get(against, against)} and it, at {at}"


def _difference_to(against: str, at: str) -> Callable[[Row], str]:
    def text(row: Row) -> str:
        found = row["by_rival"].get((against, at))
        known = found is not None and found["difference"] is not None
        return estimate(found, "", "difference", signed=True) if known else "-"

    return text


def tell_together(rows: Sequence[Row]) -> str:
    """Say which of many differences are above and below 0 in intervals that hold for all at once.

    Args:
        rows: comparisons, with `together`; its counts are those of all rows.
    """
    known = [row for row in rows if row["together"]["low"] is not None]
    if not known:
        return "No difference has an interval."
    above = [_pair_name(row) for row in known if row["together"]["low"] > 0]
    below = sum(row["together"]["high"] < 0 for row in known)
    count = known[0]["together"]["of"]
    return (
        f"In intervals that hold for all {count} differences at once (95 %), {len(above) or 'none'}"
        f" above 0{f' ({join_some(above)})' if above else ''} and {below or 'none'} below 0."
    )


def _pair_name(row: Row) -> str:
    against = SPOKEN.get(row["against"], row["against"])
    return f"{proxy_name(row)} less {against}{'' if row['at'] == OWN else ' at ' + str(row['at'])}"
