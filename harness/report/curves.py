"""What a report draws beyond its rows: accuracy along the stream, and proxy scores against true accuracy."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from harness.report.results import Entry, Record, by_entry
from harness.report.rows import Lineups
from scenarios.continual.metrics import accuracy_so_far

BOUNDS = {"naive": "replay"}  # a bound that runs through the stream, and the protocol beside which it is drawn


def curves(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Accuracy on the classes seen so far after each experience, in %: mean over class orders, then over seeds."""
    found: dict[tuple[Entry, str], list[list[float]]] = {}
    for entry, group in by_entry(records).items():
        for record in group:
            matrices = ((record.get("outcome") or {}).get("detail") or {}).get("R") or {}
            for name, orders in matrices.items():
                seen = [accuracy_so_far(matrix) for matrix in orders.values()]
                if seen and len(seen[0]) > 1 and len({len(line) for line in seen}) == 1:
                    found.setdefault((entry, BOUNDS.get(name, name)), []).append(np.mean(seen, axis=0).tolist())
    return [
        {
            "scenario": entry.scenario,
            "data": entry.data,
            "variant": entry.variant,
            "recipe": entry.recipe,
            "condenser": entry.condenser,
            "ipc": entry.ipc,
            "reference": entry.is_reference,
            "protocol": protocol,
            "accuracy": np.mean(lines, axis=0).tolist(),
        }
        for (entry, protocol), lines in found.items()
        if len({len(line) for line in lines}) == 1
    ]


def scatters(lineups: Lineups) -> list[dict[str, Any]]:
    """The points of every proxy: its mean score over seeds, and the true test accuracy in %, of each architecture."""
    return [
        {
            "scenario": scenario,
            "data": data,
            "variant": variant,
            "condenser": entry.condenser,
            "ipc": entry.ipc,
            "reference": entry.is_reference,
            "architectures": list(lineup.ids),
            "scores": scores.mean(0).tolist(),
            "truth": lineup.truth.mean(0).tolist(),
        }
        for (scenario, data, variant), lineup in lineups.items()
        if lineup is not None
        for entry, scores in lineup.scores.items()
    ]


def label(part: Mapping[str, Any]) -> str:
    """A set as figures name it."""
    return str(part["condenser"]) if part["ipc"] is None else f"{part['condenser']}, ipc {part['ipc']}"
