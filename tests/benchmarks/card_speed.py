"""How fast our loops are on a graphics card beside the published ones, and their peak memory."""

import statistics
import time
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any, Protocol

import torch

from benchmarks import machine
from benchmarks.card_checks import eager
from benchmarks.case import Case
from benchmarks.loads import LOADS
from benchmarks.plain_trajectory import OurTrajectory, PublishedTrajectory
from condensers.engine.determinism import deterministic

GOALS = {"dm": 10.0, "dsa-matching": 10.0, "dc-matching": 5.0, "idc-matching": 5.0, "mtt": 5.0}
ROUNDS = 7


class Side(Protocol):
    """`prepare(index)` begins unit `index`, `run()` is timed."""

    def prepare(self, index: int) -> None: ...
    def run(self) -> None: ...


def side_of(name: str, case: Case, precision: str | None) -> Side:
    """The published loop (None), or ours at a precision."""
    if name == "mtt":
        return PublishedTrajectory(case) if precision is None else OurTrajectory(case, precision)
    side: Side = LOADS[name].side(case, precision)
    return side


def compare(name: str, case: Case, seconds: float) -> dict[str, Any]:
    """Wall seconds of a unit: the published loop, ours as a run takes it, ours eager, and ours
    without kernels of one order.
    """
    card = case.device.startswith("cuda")
    precision = "tf32" if card else "fp32"
    ways: dict[str, tuple[str | None, bool, bool]] = {
        "published": (None, False, False),
        "ours": (precision, True, True),
        "ours, eager": (precision, False, True),
        "ours, any order": (precision, True, False),
    }
    rows: dict[str, Any] = {}
    for way, (arithmetic, records, ordered) in ways.items():
        with nullcontext() if records else eager():
            side = side_of(name, case, arithmetic)
            device = torch.device(case.device)
            with deterministic(device) if ordered else nullcontext():
                rows[way] = time_units(side, case, seconds / len(ways))
    published = rows["published"]["median"]
    ratios = {way: round(published / row["median"], 2) for way, row in rows.items()}
    return {"goal": GOALS.get(name), "precision": precision, "ratios": ratios, "rows": rows}


def time_units(side: Side, case: Case, seconds: float) -> dict[str, Any]:
    """Seconds of some units after two to warm up, and the most memory that one took."""
    card = case.device.startswith("cuda")
    times: list[float] = []
    begun = time.monotonic()
    for index in range(ROUNDS + 2):
        side.prepare(index)
        if card:
            torch.cuda.synchronize()
            torch.cuda.reset_peak_memory_stats()
        start = time.perf_counter()
        side.run()
        if card:
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
        if len(times) > 2 and time.monotonic() - begun > seconds:
            break
    counted = times[min(2, len(times) - 1) :]
    row: dict[str, Any] = {"median": statistics.median(counted), "seconds": counted}
    if card:
        row["peak bytes"] = torch.cuda.max_memory_allocated()
    return row


def peak_gflops(case: Case, seconds: float) -> dict[str, Any]:
    """What the card gives at best, in each precision."""
    return machine.peaks(case.device, 1, 0.1)


SPEEDS: dict[str, Callable[[Case, float], Any]] = {
    name: partial(compare, name)
    for name in (
        "dm",
        "dsa-matching",
        "dc-matching",
        "idc-matching",
        "mtt",
        "dsa-epochs",
        "evaluation",
    )
}
