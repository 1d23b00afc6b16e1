"""What making a set takes in joules, what using it takes, and after how many uses it has paid for itself.

uses = making / (a use of all data - a use of the set). Measured and estimated joules never enter one figure together.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from harness.bounds import POSITIVE
from harness.power import MEASURED, Power
from harness.report.results import Entry, Record, by_entry
from harness.report.rows import number
from harness.statistics import break_even, interval

# Scenario -> the reference that is trained on all data, and what one use is.
FULL = {"accuracy": "full-data", "cross-architecture": "full-data", "continual": "joint", "search": "truth"}
USES = {
    "accuracy": "training one network",
    "cross-architecture": "training one network",
    "continual": "one class order with all strategies",
    "search": "training one architecture",
}
Figure = dict[str, Any]


def energy_costs(records: Sequence[Record], power: Power) -> dict[str, Any]:
    """`rows`: making, use and full, each {"mean", "low", "high", "n", "how"} in joules or None, and paid_after.

    paid_after: the number of uses; "never" where a use of the set takes no less; None where a figure is missing, or one was
    measured and another estimated.
    """
    groups = by_entry(records)
    made = {_set(entry): _figure(group, power) for entry, group in groups.items() if entry.scenario == "condense"}
    used = {entry: _figure(group, power) for entry, group in groups.items() if entry.scenario in FULL}
    full = {_place(entry): figure for entry, figure in used.items() if _is_full(entry)}
    rows = []
    for entry, use in used.items():
        is_full = _is_full(entry)
        if use is None or (entry.is_reference and not is_full):
            continue
        making, whole = (None, None) if is_full else (made.get(_set(entry)), full.get(_place(entry)))
        found = {"making": making, "use": use, "full": whole}
        grams = {name: power.grams(figure["mean"]) if figure else None for name, figure in found.items()}
        rows.append({**entry.named(), **found, "paid_after": _paid_after(making, use, whole), "grams": grams})
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
    return {"mean": found.mean, "low": number(found.low), "high": number(found.high), "n": found.n, "how": how}


def _uses(record: Record) -> int:
    """How many uses a cell is: networks, class orders or architectures; 1 for the making of a set."""
    if record["kind"] == "condense":
        return 1
    measurements: Sequence[Mapping[str, Any]] = (record.get("outcome") or {}).get("measurements", [])
    networks = sum(len(m["values"]) for m in measurements if m["metric"].startswith("test-accuracy"))
    return networks or len({json.dumps(repeat, sort_keys=True) for m in measurements for repeat in m["repeats"]})


def _paid_after(making: Figure | None, use: Figure, full: Figure | None) -> float | str | None:
    if making is None or full is None or len({making["how"], use["how"], full["how"]}) > 1:
        return None
    return break_even(making["mean"], full["mean"], use["mean"]) or "never" if making["mean"] else 0.0
