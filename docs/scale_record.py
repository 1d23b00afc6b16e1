"""Measure how the harness does with many cells and with two workers; write the record of it.

    python docs/scale_record.py FOLDER docs/results/scale.json [ROUNDS]

Plans and reports are measured on records that are made up and written by the store itself. Each
measurement is a command in a process of its own: its CPU seconds, its seconds by the clock, and the
most memory it held.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness import __version__
from harness.process import cores, environment
from harness.store.store import Store
from harness.store.upkeep import versions
from harness.suite.cell import Cell
from harness.suite.plan import plan_suite

SEEDS = (10, 100)  # 1,000 and 10,000 cells
MANY = """
about = "many cells"
data = ["digits"]
ipc = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
condensers = [{method = "random"}, {method = "herding"}, {method = "k-means"},
    {method = "k-center"}, {method = "k-means-centroids"}]
scenarios = [{scenario = "accuracy", epochs = 2, networks = 1, references = []}]
"""
SMALL = """
about = "accuracy of sets of digits, for one worker and for two"
data = ["mnist-5k"]
seeds = 4
ipc = [10]
condensers = [
    {method = "random"},
    {method = "herding"},
    {method = "dm", iterations = 20, batch_real = 64, network = {name = "convnet", width = 16}},
]
[[scenarios]]
scenario = "accuracy"
networks = 1
epochs = 60
references = []
network = {name = "convnet", width = 16}
"""
# The system's figure for the most memory counts what this process held when it started another.
CODE = """
import os, re
from pathlib import Path
from condensation_harness import main
try:
    main()
finally:
    held = re.search("VmHWM: *(\\d+)", Path("/proc/self/status").read_text().replace("\\t", " "))
    Path(os.environ["PEAK"]).write_text(held[1])
"""


def measure(words: Sequence[object]) -> dict[str, float]:
    """Run `harness WORDS...`; its CPU seconds, seconds by the clock, and most MB of memory."""
    with tempfile.NamedTemporaryFile() as peak:
        begun = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-c", CODE, *map(str, words)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PEAK": peak.name},
        )
        _, status, used = os.wait4(process.pid, 0)
        held = int(peak.read() or 0)
    if status:
        raise SystemExit(f"harness {' '.join(map(str, words))}: status {status}")
    return {
        "cpu": round(used.ru_utime + used.ru_stime, 2),
        "clock": round(time.perf_counter() - begun, 2),
        "megabytes": round(held * 1024 / 1e6),
    }


def measure_cells(folder: Path, seeds: int) -> dict[str, Any]:
    """Plan, run, report and list a run of 100 cells a seed whose cells are all done."""
    suite, out = folder / "many.toml", folder / f"many-{seeds}"
    suite.write_text(MANY)
    shutil.rmtree(out, ignore_errors=True)
    change = ("--set", f"seeds={seeds}")
    cells = write_records(Store(out), suite, change[1])
    run = ("run", suite, "--out", out, *change)
    report = ("report", out, "--format", "csv", "--out", folder / "report.csv")
    found = {
        "plan, nothing done": measure(("plan", suite, "--out", folder / "none", *change)),
        "report": measure(report),
        "report again": measure(report),
        "run, all done": measure(run),
        "run again": measure(run),
        "runs": measure(("runs", folder)),
    }
    return {"cells": cells, "found": found}


def write_records(store: Store, suite: Path, change: str) -> int:
    """Write made-up records for all cells of a suite, and its description."""
    plan, rng, here = plan_suite(suite, [change]), random.Random(0), environment("cpu", 1)
    for cell in plan.cells:
        store.write_record(cell.key, _make_up(cell, rng, here))
    command = f"harness run {suite} --out {store.root} --set {change}"
    store.describe(plan.describe(command, versions(here)))
    return len(plan.cells)


def _make_up(cell: Cell, rng: random.Random, here: Mapping[str, Any]) -> dict[str, Any]:
    assert cell.budget is not None
    measured = {
        "metric": "test-accuracy",
        "values": [rng.gauss(50, 3)],
        "repeats": [{"network": 0}],
        "unit": "%",
        "higher_is_better": True,
    }
    outcome = {"measurements": [measured], "costs": {"seconds": 1.0, "images": 100}, "detail": {}}
    return {
        "kind": cell.kind,
        "keyed_by": cell.keyed_by,
        "cell": cell.as_json(cell.budget[1]),
        "bytes": 650 * cell.budget[1],
        "condensation": {"seconds": 0.1 + rng.random() / 10, "joules": "not measured"},
        "outcome": outcome if cell.kind == "scenario" else None,
        "environment": dict(here),
        "command": "made up",
        "seconds": 1.0,
    }


def measure_workers(folder: Path, rounds: int) -> dict[str, Any]:
    """Run one suite with one worker and with two, in turn."""
    suite = folder / "small.toml"
    suite.write_text(SMALL)
    found: dict[str, list[dict[str, float]]] = {"1": [], "2": []}
    for _ in range(rounds):
        for workers, measured in found.items():
            out = folder / "small"
            shutil.rmtree(out, ignore_errors=True)
            measured.append(measure(("run", suite, "--out", out, "--workers", workers)))
    return {"cells": len(plan_suite(suite).cells), "found": found}


def main(folder: str, out: str, rounds: str = "3") -> None:
    """Measure all, and write the record."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    load = os.getloadavg()[1]
    record = {
        "many": [measure_cells(place, seeds) for seeds in SEEDS],
        "workers": measure_workers(place, int(rounds)),
        "environment": {**environment("cpu", 1), "harness": __version__, "cores": cores()},
        "busy": [round(load, 1), round(os.getloadavg()[1], 1)],
    }
    Path(out).write_text(json.dumps(record, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
