"""Tables of continual learning beyond its metrics: condensed memories beside real ones, and what
each memory takes.

What each memory takes in continual learning: its bytes by part and strategy, and what its training
cost.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from harness.report.chapters.continual.memories import best_by_strategy
from harness.report.origin import AVERAGES
from harness.report.results import Record, by_entry
from harness.report.table import Column, Section, Table
from harness.report.wording import estimate, figure, sizes, verdict

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


def compared(report: Mapping[str, Any]) -> list[Table]:
    """The best condensed memory of each strategy against the best real images; then every memory
    against both rivals.
    """
    found = []
    for place, rows in _places(report["continual"]).items():
        best = best_by_strategy(rows)
        if best:
            title = f"{_heading(place)}: best condensed memory against the best real images"
            found.append(
                Table(
                    place[0],
                    title,
                    _columns(first="strategy"),
                    _sections(best, _columns("strategy")),
                    (PICKED + BEST,),
                )
            )
        for rival in dict.fromkeys(row["rival"] for row in rows):
            own = [row for row in rows if row["rival"] == rival]
            name = (
                "the best averages of real images" if rival == AVERAGES else "the best real images"
            )
            columns = _columns(first="set")
            for strategy in dict.fromkeys(row["strategy"] for row in own):
                shown = [row for row in own if row["strategy"] == strategy]
                title = f"{_heading(place)}, strategy {strategy}: every memory against {name}"
                notes = (PAIRED if rival == AVERAGES else PICKED,)
                found.append(
                    Table(
                        place[0], title, columns, _sections(shown, columns), notes, is_detail=True
                    )
                )
    return found


def ledgers(report: Mapping[str, Any]) -> list[Table]:
    """Bytes by part and what training cost, a table a strategy; references stand in their own."""
    found = []
    for place, rows in _places(report["ledger"]).items():
        groups: dict[str, list[Row]] = {}
        for row in rows:
            groups.setdefault(
                "references" if row["reference"] else str(row["strategy"]), []
            ).append(row)
        for strategy, own in groups.items():
            columns = _ledger_columns(own)
            title = (
                f"{_heading(place)},"
                f" {strategy if strategy == 'references' else f'strategy {strategy}'}: bytes and"
                " costs"
            )
            found.append(
                Table(
                    place[0], title, columns, _sections(own, columns), (COSTS_NOTE,), is_detail=True
                )
            )
    return found


def _ledger_columns(rows: Sequence[Row]) -> list[Column]:
    parts = dict.fromkeys(name for row in rows for name in row["parts"])
    columns = [Column("set", lambda row: str(row["condenser"]), is_text=True)]
    columns += [Column(name, _part(name)) for name in parts]
    columns.append(Column("total bytes", lambda row: sizes(round(row["total"]))))
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
        Column("bytes", lambda row: sizes(row["bytes"]), drop=3),
        Column("against", lambda row: str(row["against"]), drop=1, is_text=True),
        Column("its bytes", lambda row: sizes(row["against_bytes"]), drop=4),
        Column("final accuracy, points", lambda row: _difference(row["accuracy"])),
        Column("accuracy", lambda row: verdict(row["accuracy"], True), drop=2, is_text=True),
        Column("forgetting, points", lambda row: _difference(row["forgetting"])),
        Column("forgetting", lambda row: verdict(row["forgetting"], False), drop=2, is_text=True),
        Column("beats it", lambda row: "yes" if row["beats"] else "no", is_text=True),
    ]


def _named(name: str) -> Callable[[Row], str]:
    return lambda row: str(row[name])


def _part(name: str) -> Callable[[Row], str]:
    return lambda row: sizes(round(row["parts"].get(name, 0)))


def _cost(name: str, unit: str) -> Callable[[Row], str]:
    return lambda row: figure(row[name], unit)


def _difference(part: Row | None) -> str:
    return "-" if part is None else estimate(part, "points", "difference", signed=True)


def _places(rows: Sequence[Row]) -> dict[tuple[Any, ...], list[Row]]:
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        found.setdefault((row["scenario"], row["data"], row["variant"]), []).append(row)
    return found


def _heading(place: tuple[Any, ...]) -> str:
    scenario, data, variant = place
    return ", ".join(part for part in (f"{scenario} on {data}", variant) if part)


def _sections(rows: Sequence[Row], columns: Sequence[Column]) -> list[Section]:
    found: dict[tuple[int, int], list[Row]] = {}
    for row in rows:
        found.setdefault((row["budget"] or 0, 0 if row["budget"] else row["ipc"] or 0), []).append(
            row
        )
    titles = {
        key: f"{key[0]:,} bytes" if key[0] else f"ipc {key[1]}" if key[1] else "references"
        for key in found
    }
    return [
        Section(titles[key], [[column.text(row) for column in columns] for row in found[key]])
        for key in sorted(found)
    ]


COSTS = ("seconds", "images", "joules")


def ledger(records: Sequence[Record]) -> list[dict[str, Any]]:
    """One row a memory (or reference) and strategy: bytes by part and in total, means over seeds.

    seconds, images processed and joules are those of a whole cell, all its strategies and class
    orders together, and None where they were not measured. Records of before there was a ledger
    give no row.
    """
    found = []
    for entry, group in by_entry(records).items():
        outcomes = [record.get("outcome") or {} for record in group]
        ledgers = [(outcome.get("detail") or {}).get("ledger") or {} for outcome in outcomes]
        costs = {
            name: _mean([(outcome.get("costs") or {}).get(name) for outcome in outcomes])
            for name in COSTS
        }
        for strategy in dict.fromkeys(name for each in ledgers for name in each):
            parts = _parts([each[strategy] for each in ledgers if strategy in each])
            found.append(
                {
                    **entry.named(),
                    "strategy": strategy,
                    "parts": parts,
                    "total": sum(parts.values()),
                    **costs,
                }
            )
    return found


def _parts(ledgers: Sequence[Mapping[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for each in ledgers for name in each if name != "total")
    return {name: float(np.mean([each.get(name, 0) for each in ledgers])) for name in names}


def _mean(values: Sequence[Any]) -> float | None:
    known = [float(value) for value in values if isinstance(value, int | float)]
    return float(np.mean(known)) if known else None
