"""Seconds of a DM and of a DSA step against classes, images per class, pixels and the network's
width, one varied at a time.

seconds = constant x size^exponent: the exponent is the slope of log seconds on log size, by least
squares.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.case import Case
from benchmarks.loads import LOADS
from benchmarks.worker import timed
from harness.process import prepare

AXES: dict[str, tuple[int, ...]] = {
    "classes": (5, 10, 20, 40),
    "ipc": (1, 5, 10, 20, 50),
    "side": (16, 32, 48, 64),
    "width": (16, 32, 64, 128),
}
METHODS = {"dm": LOADS["dm"], "dsa": LOADS["dsa-matching"]}
CASE = Case(per_class=100, batch_real=64, width=32, side=32)
Table = list[dict[str, Any]]


def table(case: Case, rounds: int, threads: int, axes: Mapping[str, Sequence[int]]) -> Table:
    """A row for each axis and method: median seconds by size, exponent and its standard error.

    Pixels are side x side.
    """
    prepare(threads)
    rows = []
    for axis, sizes in axes.items():
        for name in METHODS:
            seconds = steps(name, [replace(case, **{axis: size}) for size in sizes], rounds)
            shown = [size**2 if axis == "side" else size for size in sizes]
            exponent, error = fit(shown, seconds)
            by_size = dict(zip(shown, seconds, strict=True))
            named = "pixels" if axis == "side" else axis
            rows.append(
                {
                    "name": name,
                    "axis": named,
                    "seconds": by_size,
                    "exponent": exponent,
                    "error": error,
                }
            )
    return rows


def steps(name: str, cases: Sequence[Case], rounds: int) -> list[float]:
    """Median seconds of a step of each case; the cases take turns.

    The first round is not counted.
    """
    load = METHODS[name]
    sides = [load.side(case, "fp32") for case in cases]
    taken: list[list[float]] = [[] for _ in cases]
    for index in range(rounds + 1):
        for case, side, found in zip(cases, sides, taken, strict=True):
            done = timed(side, index, False, case.device)
            if index:
                found.append(done.wall if case.device.startswith("cuda") else done.cpu)
    return [statistics.median(found) for found in taken]


def fit(sizes: Sequence[float], seconds: Sequence[float]) -> tuple[float, float]:
    """Exponent of a power law and its standard error (nan with two sizes).

    ValueError with fewer.
    """
    if len(sizes) < 2:
        raise ValueError(f"an exponent needs at least two sizes, not {len(sizes)}")
    x, y = np.log(np.asarray(sizes, dtype=float)), np.log(np.asarray(seconds, dtype=float))
    spread = ((x - x.mean()) ** 2).sum()
    slope = float(((x - x.mean()) * (y - y.mean())).sum() / spread)
    left = y - y.mean() - slope * (x - x.mean())
    free = len(x) - 2
    return slope, math.sqrt(float((left**2).sum()) / free / float(spread)) if free else math.nan
