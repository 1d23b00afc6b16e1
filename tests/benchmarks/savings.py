"""What each saving saves, and the accuracy it keeps: `PYTHONPATH=tests python -m
benchmarks.savings` (20 minutes).

DM on Fashion-MNIST, ipc 10, in networks of width 32: each row changes one thing against the row it
names (tiles, for which a learning rate of 1 is too small, also that). CPU seconds are those of
making the set, everything counted. Accuracy is on the validation images; test data have no part
here. Rows already in runs/savings.json are taken as they are.
"""

import json
import statistics
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.measuring import Recipe, evaluate, make, write
from harness.process import prepare
from scenarios.datasets import load
from scenarios.protocol import Splits

SEEDS, IPC, STEPS = (0, 1), 10, 60
RECIPE = Recipe(width=32, epochs=150)
RECORD = Path("runs/savings.json")
WIDTH = {"name": "convnet", "width": 32}
TILES = {"parameterisation": {"name": "tiles", "factor": 2}, "batch_real": 64, "lr": 10.0}
SHRUNK = {"name": "shrunk", "network": {"name": "convnet", "width": 32, "depth": 2}}
LONG = {"iterations": 5 * STEPS, "batch_real": 64, "model_schedule": {"name": "fresh", "reuse": 4}}
CHECKS = {
    "name": "validation",
    "every": 30,
    "patience": 3,
    "network": {"name": "convnet", "width": 16},
    "images": 300,
}
PLAIN = {"name": "dm", "iterations": STEPS, "network": WIDTH, "batch_real": 256}
ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("", {}),
    "a network for 4 steps": ("plain", {"model_schedule": {"name": "fresh", "reuse": 4}}),
    "10 networks, batches cached": (
        "plain",
        {"model_schedule": {"name": "cached", "networks": 10, "real": "batch"}},
    ),
    "2 networks, whole classes cached": (
        "plain",
        {"model_schedule": {"name": "cached", "networks": 2}},
    ),
    "batch 64": ("plain", {"batch_real": 64}),
    "batch 64, stratified": ("batch 64", {"batch_real": 64, "sampler": "stratified"}),
    "300 steps, batch 64, reuse 4": ("plain", LONG),
    "the same, early stop": ("300 steps, batch 64, reuse 4", LONG | {"stop": CHECKS}),
    "tiles, batch 64": ("batch 64", TILES),
    "tiles, k-means start": ("tiles, batch 64", TILES | {"init": "k-means"}),
    "tiles, centroids start": ("tiles, batch 64", TILES | {"init": "centroids"}),
    "tiles, nothing learned": ("tiles, batch 64", TILES | {"iterations": 1, "lr": 0.0}),
    "tiles, rates that fall": ("tiles, batch 64", TILES | {"halve_at": [0.6, 0.8]}),
    "tiles, reuse 4": (
        "tiles, batch 64",
        TILES | {"model_schedule": {"name": "fresh", "reuse": 4}},
    ),
    "tiles, shrunk network": ("tiles, batch 64", TILES | {"network": SHRUNK}),
}


def measured(against: str, settings: dict[str, Any], splits: Splits) -> dict[str, Any]:
    """CPU seconds and accuracy of the sets of one row."""
    made = [make(PLAIN | settings, splits.train, IPC, seed) for seed in SEEDS]
    scores = [
        evaluate(one.synthetic, RECIPE, splits.validation, seed)
        for one, seed in zip(made, SEEDS, strict=True)
    ]
    found: dict[str, Any] = {"against": against, "settings": settings, "accuracy": scores}
    found["cpu_seconds"] = [one.cpu_seconds for one in made]
    found["stop"] = [one.synthetic.card["stop"] for one in made if "stop" in one.synthetic.card]
    return found


def main() -> None:
    """Print a table and write runs/savings.json."""
    prepare(threads=1)
    splits = load("fashion-mnist")
    earlier = json.loads(RECORD.read_text(encoding="utf-8"))["rows"] if RECORD.exists() else {}
    found: dict[str, dict[str, Any]] = {}
    for name, (against, settings) in ROWS.items():
        found[name] = earlier[name] if name in earlier else measured(against, settings, splits)
        write(
            RECORD,
            {
                "recipe": str(RECIPE),
                "tested": len(splits.validation.images),
                "plain": PLAIN,
                "rows": found,
            },
        )
    table = Table(
        "saving",
        "against",
        "CPU s",
        "of it",
        "accuracy %, each seed",
        title=f"{len(SEEDS)} seeds; {RECIPE}",
    )
    for name, row in found.items():
        seconds = statistics.median(row["cpu_seconds"])
        share = (
            f"{seconds / statistics.median(found[row['against']]['cpu_seconds']):.2f}"
            if row["against"]
            else ""
        )
        scores_text = ", ".join(f"{score:.1f}" for score in row["accuracy"])
        table.add_row(name, row["against"], f"{seconds:.1f}", share, scores_text)
    Console().print(table)


if __name__ == "__main__":
    main()
