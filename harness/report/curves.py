"""What a report draws beyond its rows: accuracy and forgetting along the stream, and proxy scores against true accuracy."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.report.results import Entry, Record, by_entry
from harness.report.rows import Searches
from scenarios.continual.metrics import accuracy_so_far, forgetting_so_far


def curves(records: Sequence[Record]) -> list[dict[str, Any]]:
    """What each memory and strategy is along the stream: means over class orders, then over seeds, of equally long streams.

    accuracy: (T,) on the classes seen so far, in %; forgetting: (T - 1,) so far, from the second experience on, in points;
    R: (T, T) accuracy after each experience on each, in %, to a hundredth.
    """
    found: dict[tuple[Entry, str], list[NDArray[np.float64]]] = {}
    for entry, group in by_entry(records).items():
        for record in group:
            matrices = ((record.get("outcome") or {}).get("detail") or {}).get("R") or {}
            for name, orders in matrices.items():
                measured = [np.asarray(matrix, dtype=np.float64) for matrix in (orders or {}).values() if matrix is not None]
                if measured and len(measured[0]) > 1 and len({matrix.shape for matrix in measured}) == 1:
                    found.setdefault((entry, name), []).append(np.array(measured))
    return [
        {**entry.named(), "strategy": strategy, **_along(seeds)}
        for (entry, strategy), seeds in found.items()
        if len({orders.shape[1:] for orders in seeds}) == 1
    ]


def _along(seeds: Sequence[NDArray[np.float64]]) -> dict[str, Any]:
    """seeds: (orders, T, T) each."""
    return {
        "accuracy": _mean([[accuracy_so_far(matrix) for matrix in orders] for orders in seeds]),
        "forgetting": _mean([[forgetting_so_far(matrix) for matrix in orders] for orders in seeds]),
        "R": np.round(np.mean([orders.mean(0) for orders in seeds], axis=0), 2).tolist(),
    }


def _mean(values: Sequence[Sequence[Sequence[float]]]) -> list[float]:
    """Over orders, then over seeds, which may have different numbers of orders."""
    found: list[float] = np.mean([np.mean(orders, axis=0) for orders in values], axis=0).tolist()
    return found


def scatters(searches: Searches) -> list[dict[str, Any]]:
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
            "truth": lineup.truth.test.mean(0).tolist(),
        }
        for (scenario, data, variant), searched in searches.items()
        for lineup in (searched.lineup,)
        if lineup is not None
        for entry, scores in lineup.scores.items()
    ]


def label(part: Mapping[str, Any]) -> str:
    """A set as figures name it."""
    return str(part["condenser"]) if part["ipc"] is None else f"{part['condenser']}, ipc {part['ipc']}"
