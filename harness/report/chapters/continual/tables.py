"""Tables of continual learning beyond its metrics: condensed memories beside real ones, and what
each memory takes in bytes and in training.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from condensers.sets.rate import format_bits
from harness.report.chapters.continual.memories import best_by_strategy
from harness.report.place import Place, group_by_place
from harness.report.results import AVERAGES, Record, group_by_entry
from harness.report.table import Column, Table, sections_by_size
from harness.report.wording import (
    estimate,
    format_bytes,
    format_number,
    judge,
    name_strategy,
)

COSTS = ("seconds", "images", "joules")
Row = Mapping[str, Any]
PAIRED = "Paired differences of the memory less its rival, with 95 % intervals."
PICKED = (
    f"{PAIRED} The real images of a row are those of the highest mean final accuracy among the"
    " memories of its strategy that had the same budget in bytes or take 90 to 100 % of its bytes"
    " (else the most bytes below them), picked on these figures."
)
BEST = (
    " So is the condensed memory of each row: the best of several on the figures that it is shown"
    " with."
)
COSTS_NOTE = (
    "Means over seeds. Seconds, images and joules are those of training, all strategies and class"
    " orders of a seed together."
)


def tabulate_rivals(rows: Sequence[Row]) -> list[Table]:
    """Make tables of the best condensed memory of each strategy against the best real images, then
    of every memory against both rivals.
    """
    tables = []
    for place, own in group_by_place(rows).items():
        best = best_by_strategy(own)
        if best:
            columns = _columns("strategy")
            title = place.heading("Best condensed memory against the best real images")
            sections = sections_by_size(best, columns)
            tables.append(Table(place.scenario, title, columns, sections, (PICKED + BEST,)))
        groups = dict.fromkeys((row["rival"], row["strategy"]) for row in own)
        rivals = list(dict.fromkeys(row["rival"] for row in own))
        for rival, strategy in sorted(groups, key=lambda group: rivals.index(group[0])):
            shown = [row for row in own if (row["rival"], row["strategy"]) == (rival, strategy)]
            tables.append(_tabulate_all(place, shown))
    return tables


def _tabulate_all(place: Place, rows: Sequence[Row]) -> Table:
    of_averages = rows[0]["rival"] == AVERAGES
    name = "the best averages of real images" if of_averages else "the best real images"
    subject = name_strategy(rows[0]["strategy"])
    title = f"{place.heading(subject)}: every memory against {name}"
    columns = _columns("set")
    sections = sections_by_size(rows, columns)
    notes = (PAIRED if of_averages else PICKED,)
    return Table(place.scenario, title, columns, sections, notes, is_detail=True)


def tabulate_costs(rows: Sequence[Row]) -> list[Table]:
    """Make tables of bytes by part and of what training cost, one a strategy; references have one
    of their own.
    """
    tables = []
    for place, own in group_by_place(rows).items():
        groups: dict[str, list[Row]] = {}
        for row in own:
            subject = "References" if row["reference"] else name_strategy(row["strategy"])
            groups.setdefault(subject, []).append(row)
        for subject, shown in groups.items():
            columns = _cost_columns(shown)
            title = f"{place.heading(subject)}: bytes and costs"
            sections = sections_by_size(shown, columns)
            tables.append(
                Table(place.scenario, title, columns, sections, (COSTS_NOTE,), is_detail=True)
            )
    return tables


def _cost_columns(rows: Sequence[Row]) -> list[Column]:
    parts = dict.fromkeys(name for row in rows for name in row["parts"])
    columns = [Column("set", lambda row: str(row["condenser"]), is_text=True)]
    columns += [Column(name, _part(name)) for name in parts]
    columns.append(Column("total bytes", lambda row: format_bytes(round(row["total"]))))
    units = {
        "seconds": ("training, s", "s"),
        "images": ("images processed", "parameters"),
        "joules": ("joules", "J"),
    }
    measured = [name for name in units if any(row[name] is not None for row in rows)]
    columns += [Column(units[name][0], _cost(name, units[name][1])) for name in measured]
    return columns


def _columns(first: str) -> list[Column]:
    """first: "strategy" for the table of the best, "set" for that of all."""
    names = {"strategy": ("strategy", "condenser"), "set": ("condenser",)}[first]
    titles = {"strategy": "strategy", "condenser": "set"}
    return [
        *(Column(titles[name], _named(name), is_text=True) for name in names),
        Column("bytes", lambda row: format_bytes(row["bytes"]), drop=3),
        Column("bits per class", _bits("bits_per_class"), drop=5),
        Column("against", lambda row: str(row["against"]), drop=1, is_text=True),
        Column("its bytes", lambda row: format_bytes(row["against_bytes"]), drop=4),
        Column("its bits per class", _bits("against_bits_per_class"), drop=6),
        Column("final accuracy, points", lambda row: _difference(row["accuracy"])),
        Column(
            "accuracy", lambda row: judge(row["accuracy"], True, "points"), drop=2, is_text=True
        ),
        Column("forgetting, points", lambda row: _difference(row["forgetting"])),
        Column(
            "forgetting",
            lambda row: judge(row["forgetting"], False, "points"),
            drop=2,
            is_text=True,
        ),
        Column("beats it", lambda row: "yes" if row["beats"] else "no", is_text=True),
    ]


def _named(name: str) -> Callable[[Row], str]:
    return lambda row: str(row[name])


def _bits(name: str) -> Callable[[Row], str]:
    return lambda row: format_bits(row[name])


def _part(name: str) -> Callable[[Row], str]:
    return lambda row: format_bytes(round(row["parts"].get(name, 0)))


def _cost(name: str, unit: str) -> Callable[[Row], str]:
    return lambda row: format_number(row[name], unit)


def _difference(part: Row | None) -> str:
    return "-" if part is None else estimate(part, "points", "difference", signed=True)


def list_costs(records: Sequence[Record]) -> list[dict[str, Any]]:
    """List bytes by part and in total, and what training cost: a row a memory (or reference) and
    strategy, means over seeds.

    Seconds, images processed and joules are those of a whole cell, all its strategies and class
    orders together, and None where they were not measured. Records without a ledger give no row.
    """
    rows = []
    for entry, group in group_by_entry(records).items():
        outcomes = [record.get("outcome") or {} for record in group]
        ledgers = [(outcome.get("detail") or {}).get("ledger") or {} for outcome in outcomes]
        costs = {
            name: _mean([(outcome.get("costs") or {}).get(name) for outcome in outcomes])
            for name in COSTS
        }
        for strategy in dict.fromkeys(name for each in ledgers for name in each):
            parts = _parts([each[strategy] for each in ledgers if strategy in each])
            rows.append(
                {
                    **entry.as_json(),
                    "strategy": strategy,
                    "parts": parts,
                    "total": sum(parts.values()),
                    **costs,
                }
            )
    return rows


def _parts(ledgers: Sequence[Mapping[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for each in ledgers for name in each if name != "total")
    return {name: float(np.mean([each.get(name, 0) for each in ledgers])) for name in names}


def _mean(values: Sequence[Any]) -> float | None:
    known = [float(value) for value in values if isinstance(value, int | float)]
    return float(np.mean(known)) if known else None
