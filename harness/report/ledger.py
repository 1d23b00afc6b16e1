"""What each memory takes in continual learning: its bytes by part and strategy, and what its training cost."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from harness.report.results import Record, by_entry

COSTS = ("seconds", "images", "joules")


def ledger(records: Sequence[Record]) -> list[dict[str, Any]]:
    """One row a memory (or reference) and strategy: bytes by part and in total, means over seeds.

    seconds, images processed and joules are those of a whole cell, all its strategies and class orders together, and
    None where they were not measured. Records of before there was a ledger give no row.
    """
    found = []
    for entry, group in by_entry(records).items():
        outcomes = [record.get("outcome") or {} for record in group]
        ledgers = [(outcome.get("detail") or {}).get("ledger") or {} for outcome in outcomes]
        costs = {name: _mean([(outcome.get("costs") or {}).get(name) for outcome in outcomes]) for name in COSTS}
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
