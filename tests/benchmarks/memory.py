"""Peak memory of one step of DC, DSA and IDC against the number of classes: ours beside the
published loop.

The published loop keeps the graphs of all classes until one backward pass; ours takes a backward
pass for each class. IDC's published code updates the images class by class, so neither side should
grow there.
"""

import ctypes
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from benchmarks.case import Case
from benchmarks.loads import LOADS
from benchmarks.worker import apart, peak_bytes
from harness.process import prepare

CLASSES = (10, 100, 200)
METHODS = ("dc", "dsa", "idc")
CASE = Case(per_class=40, batch_real=32, width=32, ipc=10)
Table = list[dict[str, Any]]


def table(case: Case, classes: Sequence[int] = CLASSES, methods: Sequence[str] = METHODS) -> Table:
    """A row for each method and side: bytes by number of classes, and how often those of the fewest
    the most classes take.
    """
    rows = []
    for method in methods:
        for side in ("plain", "ours"):
            found = {
                many: apart(step_bytes, method, side, replace(case, classes=many))
                for many in classes
            }
            growth = found[classes[-1]] / found[classes[0]]
            rows.append({"name": method, "side": side, "bytes": found, "growth": growth})
    return rows


def step_bytes(method: str, side: str, case: Case) -> int:
    """What one step needs beyond what the process held before it: images, networks and optimiser
    were there already.
    """
    torch.set_num_threads(1)
    if side == "ours":
        prepare(threads=1)
    load = LOADS[f"{method}-matching"]
    one = load.side(case, None if side == "plain" else "fp32")
    one.prepare(0)
    give_back()
    before = peak_bytes(case.device)
    one.run()
    return peak_bytes(case.device) - before


def give_back() -> None:
    """Linux: free memory goes back to the system and the peak begins anew, so that what was built
    before hides nothing.
    """
    if Path("/proc/self/clear_refs").exists():
        library = ctypes.CDLL(None)
        if hasattr(library, "malloc_trim"):
            library.malloc_trim(0)
        with suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
