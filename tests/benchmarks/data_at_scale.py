"""What many classes cost: seconds and memory of decoding, condensing and evaluating; two processes
that load CIFAR-10.

    python tests/benchmarks/data_at_scale.py RECORD.json

Memory is private to a process, as the kernel counts it in /proc/self/smaps_rollup; pages of mapped
files that several processes share stand apart. Seconds are those of one processor. Images are a
pattern for each class, with noise, 300 of 64 x 64 pixels a class; they are written into the files
of decoded images, and read from there. CIFAR-10 is read from HARNESS_DATA, and left out where it is
not there.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

CLASSES, EACH, SIDE = (10, 100, 1000), {"train": 270, "validation": 20, "test": 10}, 64
BATCH_REAL = 4  # real images a class, of DM's default of 256, for a whole step
TESTED = 1  # test images a class
BEGUN_SECONDS = 40  # of a step with the default, after which it is left
STEPS = ("make", "map", "condense", "default", "evaluate")
MIB = 2**20


def memory() -> dict[str, float]:
    """Private and shared MiB of this process."""
    found: dict[str, int] = {}
    for line in Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]:
        name, _, size = line.partition(":")
        found[name] = int(size.split()[0]) * 1024
    return {
        "private": (found["Private_Clean"] + found["Private_Dirty"]) / MIB,
        "anonymous": found["Anonymous"] / MIB,
        "shared": (found["Shared_Clean"] + found["Shared_Dirty"]) / MIB,
    }


@contextmanager
def measured(into: dict[str, Any], limit: float = float("inf")) -> Iterator[None]:
    """Put CPU seconds and the largest memory of a block into a table; after `limit` seconds print
    it and end the process.
    """
    ended, peak = threading.Event(), dict.fromkeys(("private", "anonymous", "shared"), 0.0)

    def watch() -> None:
        while not ended.wait(0.05):
            for name, size in memory().items():
                peak[name] = max(peak[name], size)
            if time.process_time() - begun > limit:
                note()
                print(json.dumps(into), flush=True)
                os._exit(0)

    def note() -> None:
        into["seconds"] = round(time.process_time() - begun, 2)
        into.update({name: round(size) for name, size in peak.items()})

    watcher, begun = threading.Thread(target=watch), time.process_time()
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
        note()


def load_patterns(classes: int) -> Any:
    """The parts of the patterns, mapped from files."""
    import numpy as np

    from scenarios.datasets.decoded import load_decoded
    from scenarios.datasets.raw import RawData, RawPart
    from scenarios.datasets.sources import Sources
    from scenarios.datasets.split import as_splits

    def read(make_array: Any) -> Any:
        random, parts = np.random.RandomState(classes), []
        patterns = random.randint(64, 192, (classes, 3, 8, 8)).repeat(8, 2).repeat(8, 3)
        for number, count in enumerate(EACH.values()):
            labels = random.permutation(np.arange(classes).repeat(count))
            images = make_array(number, (len(labels), 3, SIDE, SIDE))
            for row, label in enumerate(labels):
                noise = random.randint(-60, 60, (1, SIDE, SIDE))
                images[row] = patterns[label] + noise
            parts.append(RawPart(images, labels))
        names = tuple(f"class {c}" for c in range(classes))
        train, validation, test = parts
        raw = RawData(train, test, names, "none", mirror=True, validation=validation)
        return as_splits(f"patterns{classes}", raw, 0.1)

    return load_decoded(f"patterns{classes}", [classes], Sources("patterns", 2**40), read)


def measure_step(step: str, classes: int) -> dict[str, Any]:
    """One step of the curve, in a process of its own."""
    import torch

    from condensers import create_condenser, load_set, save_set
    from condensers.engine.context import Context
    from condensers.sets.budget import Budget
    from scenarios.registry import SCENARIOS

    torch.set_num_threads(1)
    made, found = Path(f"dm-{classes}.safetensors"), dict[str, Any]()
    if step in ("make", "map"):
        with measured(found):
            data = load_patterns(classes)
        return found | {"images": sum(len(p.labels) for p in (data.train, data.test))}
    data = load_patterns(classes)
    if step == "evaluate":
        scenario = SCENARIOS.create({"name": "accuracy", "networks": 1, "epochs": 1})
        few = torch.cat([data.test.members(c)[:TESTED] for c in data.test.classes])
        with measured(found):
            scenario.run(load_set(made), replace(data, test=data.test.subset(few)), Context(seed=0))
        return found
    size, limit = (256, BEGUN_SECONDS) if step == "default" else (BATCH_REAL, float("inf"))
    spec = {"name": "dm", "iterations": 1, "batch_real": size}
    with measured(found, limit):
        done = create_condenser(spec).condense(data.train, Budget(ipc=1), Context(seed=0))
    if step == "condense":
        save_set(done, made)
    return found


def measure_cifar10() -> dict[str, Any]:
    """Load CIFAR-10 and read all of it; wait while the other process does so too."""
    from scenarios.datasets import load

    data = load("cifar10")
    for part in data.train.images.split(1024):
        part.float().mean()
    print("read", flush=True)
    sys.stdin.readline()
    return memory()


def call(step: str, *arguments: object, decoded: str) -> subprocess.Popen[str]:
    words = [sys.executable, str(Path(__file__).resolve()), "--step", step, *map(str, arguments)]
    environment = {**os.environ, "HARNESS_DECODED": decoded}
    pipe = subprocess.PIPE
    return subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True, env=environment)


def measure_curve(folder: str) -> list[dict[str, Any]]:
    rows = []
    for classes in CLASSES:
        images = classes * sum(EACH.values())
        row: dict[str, Any] = {
            "classes": classes,
            "images": images,
            "bytes": images * 3 * SIDE**2,
        }
        for step in STEPS:
            row[step] = json.loads(call(step, classes, decoded=folder).communicate()[0])
            print(classes, step, row[step], file=sys.stderr, flush=True)
        rows.append(row)
    return rows


def measure_workers(decoded: str) -> list[dict[str, float]]:
    """Memory of two processes that hold CIFAR-10 at once."""
    call("cifar10", decoded=decoded).communicate("\n")
    both = [call("cifar10", decoded=decoded) for _ in range(2)]
    for one in both:
        assert one.stdout is not None
        one.stdout.readline()
    found = []
    for one in both:
        found.append(one.communicate("\n")[0])
    return [{name: round(size) for name, size in json.loads(text).items()} for text in found]


def main(arguments: Sequence[str]) -> None:
    if arguments[0] == "--step":
        step, *rest = arguments[1:]
        found = measure_cifar10() if step == "cifar10" else measure_step(step, int(rest[0]))
        print(json.dumps(found))
        return
    place = Path(arguments[0]).resolve()
    record: dict[str, Any] = {
        "machine": f"{platform.system()} {platform.machine()}",
        "settings": {
            "each": sum(EACH.values()),
            "side": SIDE,
            "batch_real": BATCH_REAL,
            "begun_seconds": BEGUN_SECONDS,
            "tested": TESTED,
        },
    }
    with tempfile.TemporaryDirectory(dir=place.parent) as folder:
        os.chdir(folder)
        if (Path(os.environ.get("HARNESS_DATA", "-")) / "cifar-10-batches-py").is_dir():
            record["two processes with CIFAR-10"] = {
                "each decodes": measure_workers("off"),
                "mapped": measure_workers(folder),
            }
        record["curve"] = measure_curve(folder)
    place.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
