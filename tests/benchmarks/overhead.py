"""What the store, worker processes and Ray add to a cell: PYTHONPATH=tests python -m
benchmarks.overhead [--ray].

A cell is one set of real images of scikit-learn's digits, which takes a few milliseconds to make.
"""

import sys
import tempfile
import threading
import time
from pathlib import Path

from condensers.engine.context import Context
from condensers.registry.registry import create_condenser
from condensers.sets.budget import Budget
from harness.running import processes
from harness.running.cell_work import RunSettings
from harness.running.processes import WorkerSpec
from harness.store.store import Store
from harness.suite.plan import plan_suite

FEW = 100
SUITE = """
data = ["digits"]
seeds = 1000
ipc = [1]

[[condensers]]
method = "random"

[[scenarios]]
scenario = "accuracy"
references = []
"""


def main(with_ray: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        suite = Path(folder) / "overhead.toml"
        suite.write_text(SUITE)
        plan = plan_suite(suite)
        cells = [cell for cell in plan.cells if cell.kind == "condense"]
        train = plan.data["digits"].train
        condenser = create_condenser(cells[0].condenser)

        def alone() -> None:
            for cell in cells:
                assert cell.budget is not None
                condenser.condense(train, Budget.from_json(cell.budget), Context(seed=cell.seed))

        def seconds(workers: WorkerSpec, count: int) -> float:
            root = Path(folder) / f"{workers}-{count}"
            Store(root).describe({"suite": "overhead", "cells": []})
            begun = time.perf_counter()
            processes.run_cells(
                cells[:count],
                RunSettings(root, "overhead", None, 0.1),
                workers,
                lambda _: None,
                threading.Event(),
                plan.data,
            )
            return time.perf_counter() - begun

        alone()
        begun = time.perf_counter()
        alone()
        bare = 1000 * (time.perf_counter() - begun) / len(cells)
        print(f"{'no store':<20} {bare:6.1f} ms a cell")
        for workers in [
            WorkerSpec(1),
            WorkerSpec(2),
            *([WorkerSpec(2, "local")] if with_ray else []),
        ]:
            few, all_of_them = seconds(workers, FEW), seconds(workers, len(cells))
            each = (all_of_them - few) / (len(cells) - FEW)
            print(
                f"{workers!s:<20} {1000 * each:6.1f} ms a cell, {1000 * each - bare:.1f} more;"
                f" {few - FEW * each:.1f} s to start"
            )


if __name__ == "__main__":
    main("--ray" in sys.argv)
