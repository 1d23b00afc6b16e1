"""Accuracy and forgetting along the stream: averages with their intervals."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.report.results import (
    Entry,
    Record,
    Result,
    group_by_entry,
    in_two_stages,
    summarise,
)
from harness.report.rows import finite
from scenarios.continual.metrics import accuracy_so_far, forgetting_so_far

UNITS = {"accuracy": "%", "forgetting": "points"}


def average_streams(records: Sequence[Record], first: Sequence[int] = ()) -> list[dict[str, Any]]:
    """Average the streams of each memory and strategy over class orders, then over seeds; streams
    of different lengths are left out.

    Args:
        records: all records of the scenario.
        first: the seeds whose values decided that others were added.

    Returns:
        Rows with accuracy: (T,) on the classes seen so far, in %; forgetting: (T - 1,) so far, from
        the second experience on, in points; the lower and upper ends of their 95 % intervals, None
        where there is none, over `n` of what `over` says; R: (T, T) accuracy after each
        experience on each, in %, to a hundredth.
    """
    streams: dict[tuple[Entry, str], dict[int, NDArray[np.float64]]] = {}
    for entry, group in group_by_entry(records).items():
        for record in group:
            matrices = ((record.get("outcome") or {}).get("detail") or {}).get("R") or {}
            for name, orders in matrices.items():
                measured = [
                    np.asarray(matrix, dtype=np.float64)
                    for matrix in (orders or {}).values()
                    if matrix is not None
                ]
                if (
                    measured
                    and len(measured[0]) > 1
                    and len({matrix.shape for matrix in measured}) == 1
                ):
                    streams.setdefault((entry, name), {})[record["cell"]["seed"]] = np.array(
                        measured
                    )
    return [
        {**entry.as_json(), "strategy": strategy, **_average(entry, seeds, first)}
        for (entry, strategy), seeds in streams.items()
        if len({orders.shape[1:] for orders in seeds.values()}) == 1
    ]


def _average(
    entry: Entry, seeds: Mapping[int, NDArray[np.float64]], first: Sequence[int]
) -> dict[str, Any]:
    """seeds: seed -> (orders, T, T)."""
    averages: dict[str, Any] = {}
    for name, measure in (("accuracy", accuracy_so_far), ("forgetting", forgetting_so_far)):
        along = {seed: [measure(matrix) for matrix in orders] for seed, orders in seeds.items()}
        steps = [
            _summarise_step(entry, name, along, step, first)
            for step in range(len(next(iter(along.values()))[0]))
        ]
        averages[name] = [one.interval.mean for one in steps]
        averages[f"{name}_low"] = [finite(one.interval.low) for one in steps]
        averages[f"{name}_high"] = [finite(one.interval.high) for one in steps]
        averages |= {"n": steps[-1].interval.n, "over": steps[-1].over}
    matrices = [orders.mean(0) for orders in seeds.values()]
    return {**averages, "R": np.round(np.mean(matrices, axis=0), 2).tolist()}


def _summarise_step(
    entry: Entry,
    name: str,
    along: Mapping[int, Sequence[Sequence[float]]],
    step: int,
    first: Sequence[int],
) -> Result:
    """One moment of the stream, as any other metric is summarised."""
    values = {
        seed: {str(order): stream[step] for order, stream in enumerate(orders)}
        for seed, orders in along.items()
    }
    over = "seeds" if len(values) > 1 else "class orders of one set"
    return in_two_stages(summarise(entry, None, (name, UNITS[name], None), values, over), first)
