"""CPU seconds until a set is as good as plain DM's of 100 iterations: `PYTHONPATH=tests python -m
benchmarks.time_to_accuracy`.

Plain DM is the published loop: ConvNet-3 of width 128, 256 real images a class, a new network a
step, class after class, the C library's allocator as it comes. Against it stands the method dm-fast
as it is registered. Each set is made in a process of its own, on one thread; CPU seconds are those
of that process from data in memory to the stored set. Both are trained on by the same recipe and
tested on all test images. A plain set takes ten minutes, so there is one, and three of dm-fast,
unless more are asked for: `... PLAIN FAST`. Half an hour in all; sets already in runs/ are taken as
they are.
"""

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.measuring import Recipe, evaluate, make, write
from benchmarks.plain import PublishedLoop
from benchmarks.published_sides import published
from condensers.data import ClassData
from condensers.engine.context import Context
from condensers.methods.distribution_matching.dm import DM
from condensers.registry.registry import with_parts
from condensers.sets.files import load_set, save_set
from condensers.sets.synthetic_set import SyntheticSet, card_of, cost_of
from harness.process import prepare
from scenarios.datasets import load

IPC, ITERATIONS, BATCH, NETWORK = 10, 100, 256, (3, 128)
RECIPE = Recipe(width=128, epochs=300, precision="auto")
FOLDER = Path("runs/time_to_accuracy")


def made_plain(data: ClassData, seed: int) -> tuple[SyntheticSet, float]:
    """The set of the published loop, and its CPU seconds."""
    method = with_parts(DM(iterations=ITERATIONS, batch_real=BATCH))
    begun = time.process_time()
    loop = PublishedLoop(published("dm", data, None, 0), data, IPC, BATCH, NETWORK, seed)
    for index in range(ITERATIONS):
        loop.step(index)
    images = data.quantise(loop.images.detach())
    seconds = time.process_time() - begun
    context = Context(seed=seed)
    labels = torch.tensor(data.classes, dtype=torch.uint8).repeat_interleave(IPC)
    card = card_of(method, data, context, IPC, {"labels": "hard"})
    return (
        SyntheticSet({"images": images, "labels": labels}, card, cost_of(seconds, context)),
        seconds,
    )


def child(name: str, seed: int) -> None:
    """Make one set in this process and store it with its CPU seconds."""
    torch.set_num_threads(1)
    if name != "plain":
        prepare(threads=1)
    data = load("fashion-mnist").train
    synthetic, seconds = (
        made_plain(data, seed) if name == "plain" else make({"name": name}, data, IPC, seed)
    )
    save_set(synthetic, FOLDER / f"{name}-{seed}.safetensors")
    write(FOLDER / f"{name}-{seed}.json", {"cpu_seconds": seconds})


def measured(name: str, seed: int, test: ClassData) -> dict[str, float]:
    """CPU seconds and accuracy of one set, which is made where it is missing."""
    record = FOLDER / f"{name}-{seed}.json"
    if not record.exists():
        subprocess.run(
            [sys.executable, "-m", "benchmarks.time_to_accuracy", "make", name, str(seed)],
            check=True,
        )
    found: dict[str, float] = json.loads(record.read_text(encoding="utf-8"))
    if "accuracy" not in found:
        found["accuracy"] = evaluate(
            load_set(record.with_suffix(".safetensors")), RECIPE, test, seed
        )
        write(record, found)
    return found


def main(plain_seeds: int, fast_seeds: int) -> None:
    """Print a table and write runs/time_to_accuracy.json."""
    prepare(threads=1)
    test, console = load("fashion-mnist").test, Console()
    found: dict[str, Any] = {}
    table = Table(
        "method", "CPU s", "accuracy %, each seed", title=f"Fashion-MNIST, ipc {IPC}; {RECIPE}"
    )
    for name, seeds in (("plain", plain_seeds), ("dm-fast", fast_seeds)):
        found[name] = [measured(name, seed, test) for seed in range(seeds)]
        seconds, scores = ([one[key] for one in found[name]] for key in ("cpu_seconds", "accuracy"))
        table.add_row(
            name, ", ".join(f"{s:.1f}" for s in seconds), ", ".join(f"{s:.2f}" for s in scores)
        )
    medians = {
        name: statistics.median(one["cpu_seconds"] for one in rows) for name, rows in found.items()
    }
    ratio = medians["plain"] / medians["dm-fast"]
    console.print(table)
    console.print(
        f"plain DM ({ITERATIONS} iterations) takes {ratio:.1f} times the CPU seconds of dm-fast"
    )
    write(
        Path("runs/time_to_accuracy.json"),
        {"recipe": str(RECIPE), "iterations": ITERATIONS, "ratio": ratio, "sets": found},
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["make"]:
        child(sys.argv[2], int(sys.argv[3]))
    else:
        main(*map(int, sys.argv[1:3] or (1, 3)))
