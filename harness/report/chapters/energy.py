"""What making a set takes in joules, what using it takes, and after how many uses it has paid for
itself.

uses = making / (a use of all data - a use of the set). Measured and estimated joules never enter
one figure together.

The table of joules and grams: measured and estimated ones are told apart in every row.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from math import ceil
from typing import Any

from harness.power import ESTIMATED, MEASURED, Power
from harness.report.results import Entry, Record, by_entry
from harness.report.rows import number
from harness.report.table import Column, Section, Table
from harness.report.wording import estimate
from harness.statistics.bounds import POSITIVE
from harness.statistics.intervals import break_even, interval

# Scenario -> the reference that is trained on all data, and what one use is.
FULL = {
    "accuracy": "full-data",
    "cross-architecture": "full-data",
    "continual": "joint",
    "search": "truth",
}
USES = {
    "accuracy": "training one network",
    "cross-architecture": "training one network",
    "continual": "one class order with all strategies",
    "search": "training one architecture",
}
Figure = dict[str, Any]


def energy_costs(records: Sequence[Record], power: Power) -> dict[str, Any]:
    """`rows`: making, use and full, each {"mean", "low", "high", "n", "how"} in joules or None, and
    paid_after.

    paid_after: the number of uses; "never" where a use of the set takes no less; None where a
    figure is missing, or one was measured and another estimated.
    """
    groups = by_entry(records)
    made = {
        _set(entry): _figure(group, power)
        for entry, group in groups.items()
        if entry.scenario == "condense"
    }
    used = {
        entry: _figure(group, power) for entry, group in groups.items() if entry.scenario in FULL
    }
    full = {_place(entry): figure for entry, figure in used.items() if _is_full(entry)}
    rows = []
    for entry, use in used.items():
        is_full = _is_full(entry)
        if use is None or (entry.is_reference and not is_full):
            continue
        making, whole = (
            (None, None) if is_full else (made.get(_set(entry)), full.get(_place(entry)))
        )
        found = {"making": making, "use": use, "full": whole}
        grams = {
            name: power.grams(figure["mean"]) if figure else None for name, figure in found.items()
        }
        rows.append(
            {
                **entry.named(),
                **found,
                "paid_after": _paid_after(making, use, whole),
                "grams": grams,
            }
        )
    return {**power.as_json(), "rows": rows}


def _is_full(entry: Entry) -> bool:
    return entry.is_reference and entry.condenser == FULL[entry.scenario]


def _set(entry: Entry) -> tuple[Any, ...]:
    return entry.data, entry.condenser, entry.ipc, entry.budget


def _place(entry: Entry) -> tuple[str, str, str]:
    return entry.scenario, entry.data, entry.variant


def _figure(group: Sequence[Record], power: Power) -> Figure | None:
    """Joules of one use (or making), over seeds; those that were measured, where any was."""
    spent = {record["cell"]["seed"]: (power.joules(record), _uses(record)) for record in group}
    known = [(*joules, uses) for joules, uses in spent.values() if joules is not None and uses]
    if not known:
        return None
    how = MEASURED if any(each[1] == MEASURED for each in known) else known[0][1]
    found = interval([joules / uses for joules, told, uses in known if told == how], POSITIVE)
    return {
        "mean": found.mean,
        "low": number(found.low),
        "high": number(found.high),
        "n": found.n,
        "how": how,
    }


def _uses(record: Record) -> int:
    """How many uses a cell is: networks, class orders or architectures; 1 for the making of a
    set.
    """
    if record["kind"] == "condense":
        return 1
    measurements: Sequence[Mapping[str, Any]] = (record.get("outcome") or {}).get(
        "measurements", []
    )
    networks = sum(
        len(m["values"]) for m in measurements if m["metric"].startswith("test-accuracy")
    )
    return networks or len(
        {json.dumps(repeat, sort_keys=True) for m in measurements for repeat in m["repeats"]}
    )


def _paid_after(making: Figure | None, use: Figure, full: Figure | None) -> float | str | None:
    if making is None or full is None or len({making["how"], use["how"], full["how"]}) > 1:
        return None
    return (
        break_even(making["mean"], full["mean"], use["mean"]) or "never" if making["mean"] else 0.0
    )


Row = Mapping[str, Any]


def energy_tables(report: Mapping[str, Any]) -> list[Table]:
    """One table for each data set; none where nothing was measured and no CPU time is known."""
    energy = report["energy"]
    columns = _columns(energy["grid_intensity"] is not None)
    found = []
    for data in dict.fromkeys(row["data"] for row in energy["rows"]):
        groups: dict[tuple[str, str, bool, int, int], list[Row]] = {}
        for row in (row for row in energy["rows"] if row["data"] == data):
            size = row["budget"] or 0, 0 if row["budget"] else row["ipc"] or 0
            groups.setdefault(
                (row["scenario"], row["variant"], row["reference"], *size), []
            ).append(row)
        last = {
            scenario: place for place, (scenario, *_) in enumerate(groups)
        }  # references stand after the sets
        sections = [
            Section(_title(*key), [[column.text(row) for column in columns] for row in groups[key]])
            for key in sorted(groups, key=lambda key: (last[key[0]], key[1:]))
        ]
        title = (
            f"energy on {data}: making a set, using it, and the uses after which it has paid for"
            " itself"
        )
        found.append(Table("condense", title, columns, sections, _notes(energy)))
    return found


def _columns(with_grams: bool) -> list[Column]:
    grams = [
        Column("making, g CO2", _grams("making")),
        Column("one use, g CO2", _grams("use")),
    ]
    return [
        Column("set", lambda row: str(row["condenser"]), is_text=True),
        Column("making, J", _joules("making")),
        Column("one use, J", _joules("use")),
        Column("a use of all data, J", _joules("full"), drop=1),
        Column("paid for after, uses", lambda row: _paid(row["paid_after"])),
        *(grams if with_grams else []),
        Column("joules are", _how, is_text=True),
    ]


def _title(scenario: str, variant: str, is_reference: bool, budget: int, ipc: int) -> str:
    size = "all data" if is_reference else f"{budget:,} bytes" if budget else f"ipc {ipc}"
    return ", ".join(part for part in (scenario, variant, size) if part)


def _joules(name: str) -> Callable[[Row], str]:
    return lambda row: estimate(row[name], "J") if row[name] else "-"


def _grams(name: str) -> Callable[[Row], str]:
    """Two digits, wherever they begin: a small set's grams are thousandths."""
    return lambda row: "-" if row["grams"][name] is None else f"{row['grams'][name]:.2g}"


def _paid(uses: float | str | None) -> str:
    if uses is None:
        return "-"
    return uses if isinstance(uses, str) else f"{ceil(uses):,}"


def _how(row: Row) -> str:
    """measured or estimated, or which is which."""
    known = {name: row[name]["how"] for name in ("making", "use", "full") if row[name]}
    if len(set(known.values())) == 1:
        return str(next(iter(known.values())))
    return ", ".join(
        f"{'all data' if name == 'full' else name} {how}" for name, how in known.items()
    )


def _notes(energy: Mapping[str, Any]) -> list[str]:
    rows = energy["rows"]
    uses = "; ".join(
        f"{name}: {what}"
        for name, what in USES.items()
        if any(row["scenario"] == name for row in rows)
    )
    full = "; ".join(dict.fromkeys(FULL[row["scenario"]] for row in rows if row["full"]))
    found = [
        f"A use is, in {uses}. Means over seeds with 95 % intervals; uses are computed from means."
    ]
    found += [f"All data are those of the references {full}."] if full else []
    if any(
        row[name] and row[name]["how"] == ESTIMATED
        for row in rows
        for name in ("making", "use", "full")
    ):
        found.append(
            f"Estimated: CPU seconds times {energy['watts_per_core']:g} W a core"
            f" ({energy['source']}); no memory, no cooling."
        )
    if energy["grid_intensity"] is not None:
        found.append(f"CO2 at {energy['grid_intensity']:g} g/kWh.")
    return found
