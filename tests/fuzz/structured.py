"""What is read from TOML and JSON, from a good value to the last thing that a verb makes of it;
checksums are made right.

A target takes a random generator and may return or raise a HarnessError, one sentence a line:
anything else is a defect.
"""

import fcntl
import io
import json
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np
import torch
from rich.console import Console
from safetensors.torch import load_file, save

from condensers import networks
from condensers.data import ClassData
from condensers.engine import files as engine_files
from condensers.engine import loop as engine
from condensers.engine.context import Context
from condensers.engine.files import SEAL, seal
from condensers.hyperparameters import settings_of
from condensers.registry.registry import METHODS, SELECTIONS, create_condenser
from condensers.sets.files import card_path, load_set, save_set
from condensers.sets.merging import restrict
from condensers.sets.synthetic_set import Budget, SyntheticDataset
from condensers.training.classifier import Training, TrainingLoop
from harness.ground_truth.summary import print_summary
from harness.report.building import build, render
from harness.report.chapters.difference import summarise_changes, tabulate_changes
from harness.report.formats.terminal import print_report
from harness.report.runs import compare_runs, merge_runs
from harness.report.set_sheets import draw_set
from harness.sets.dataset_card import dataset_card
from harness.sets.exporting import content
from harness.store.store import FORMAT, Store
from harness.suite import definition, plan
from harness.suite.cell import key_of_record
from harness.suite.overrides import apply_override, loads
from scenarios.accuracy.scenario import Accuracy
from scenarios.datasets import check, load
from scenarios.protocol import Splits
from scenarios.registry import SCENARIOS
from scenarios.search.ground_truth import files
from scenarios.search.ground_truth.table import hash_content, merge_tables
from tests.conftest import build_data
from tests.fuzz.structures import EXTREMES, spoilt
from tests.harness.report.conftest import made, scored, with_values
from tests.helpers.suites import TINY

Target = Callable[[Random], Any]
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAAAAABX3VL4AAAADklEQVR4"
    "nGNgYGBgAAAABQABijPjAAAAAABJRU5ErkJggg=="
)
QUICK = {"name": "mlp", "width": 4}


class Made(NamedTuple):
    """A suite.json, records and failures, as a run directory has them."""

    suite: dict[str, Any]
    records: list[dict[str, Any]]
    failures: list[dict[str, Any]]


def _budget(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    for record in records:
        ipc = record["cell"]["ipc"]
        record["cell"] |= {
            "budget": ["ipc", ipc] if ipc else None,
            "hyperparameters": {"name": "x", "labels": {"name": "hard"}},
        }
        record["energy"] = {"reason": "no readable meter", "cpu_seconds": 1.5}
    return list(records)


def _accuracy(seed: int) -> list[dict[str, Any]]:
    value = 80.0 + seed
    found = [made(None, label, 10, seed) for label in ("dm", "random")]
    found[0] |= {
        "view": {"name": "attention", "pixels_changed": 0.001},
        "doubts": ["half of its pixels are 0 or 255"],
    }
    rows = [("dm", 10, False), ("random", 10, False), ("full-data", None, True)]
    measured = [("test-accuracy", [value, value + 1.5], "%", True)]
    return [
        *found,
        *(with_values(made("accuracy", *row[:2], seed, row[2]), *measured) for row in rows),
    ]


def _continual(seed: int) -> list[dict[str, Any]]:
    found = []
    for label, reference in (("dm", False), ("random", False), ("naive", True)):
        figures = [
            ("replay/final-accuracy", [70.0, 72.0 + seed], "%", True),
            ("replay/forgetting", [20.0, 18.0], "points", False),
        ]
        record = with_values(
            made("continual", label, None if reference else 10, seed, reference),
            *figures,
            drawn="order",
        )
        record["outcome"]["detail"] = {
            "R": {"replay": {"0": [[90.0, 1.0], [60.0, 80.0]], "1": [[91.0, 0.0], [61.0, 83.0]]}},
            "ledger": {"replay": {"images": 6400, "labels": 100}},
            "bytes_used_max": 6500,
            "memory": "offline",
            "doubts": ["it is constant"],
        }
        found.append(record)
    return found


def _search(seed: int) -> list[dict[str, Any]]:
    true = np.linspace(80, 90, 8)
    found = [scored(made("search", "truth", None, seed, True), true + seed, 20.0, true)]
    found += [scored(made("search", label, 10, seed), true - 20, 4.0) for label in ("dm", "random")]
    found.append(scored(made("search", "early-stopping", None, seed, True), true - 3, 4.5))
    for row in found[-1]["outcome"]["detail"]["architectures"]:
        row |= {"parameters": 1000, "steps": 20, "images": 900}
        row["curve"] = [
            {"steps": 10 * i, "images": 500 * i, "seconds": 1.5 * i, "validation": 50.0 + i}
            for i in (1, 2)
        ]
    found[0]["outcome"]["detail"] |= {
        "table": "23a65fc8f8e71b52",
        "truth": {"from": "auto", "content": "ab" * 32, "torch": ["2.6"]},
        "final": {"test": 91.0},
    }
    return found


def _space(seed: int) -> list[dict[str, Any]]:
    found = []
    for label in ("dm", "random"):
        figures = [
            ("frechet-distance in pixels", [3.0], "", False),
            ("coverage in pixels", [0.4], "", True),
        ]
        record = with_values(made("data-space", label, 10, seed), *figures, drawn="x")
        record["outcome"]["detail"] = {
            "undefined": ["mmd in pixels"],
            "class_names": ["zero", "one"],
            "picture": {
                "embedding": "pixels",
                "skipped": {"umap": "umap-learn is not installed"},
                "labels": {"real": [0, 1], "synthetic": [1]},
                "coordinates": {
                    "pca": {"real": [[0.0, 1.0], [2.0, 1.5]], "synthetic": [[1.0, 1.0]]}
                },
            },
        }
        found.append(record)
    return found


def _privacy(seed: int) -> list[dict[str, Any]]:
    found = []
    for label in ("dm", "random"):
        figures = [
            ("lira-auc", [0.6, 0.5], "area", False),
            ("lira-tpr@1%fpr", [0.1, 0.2], "", False),
        ]
        record = with_values(made("privacy", label, 10, seed), *figures, drawn="target")
        words = {"title": "Nearest", "rows": ["of the set", "nearest"]}
        record["outcome"]["detail"] = {
            "said": ["too few"],
            "pictures": PNG,
            "pictured": words,
            "shadows": 8,
        }
        found.append(record)
    return found


GROUPS = {
    "accuracy": _accuracy,
    "continual": _continual,
    "search": _search,
    "data-space": _space,
    "privacy": _privacy,
}


def run_of(name: str) -> Made:
    """A whole run directory's content of one scenario, two seeds."""
    records = _budget([record for seed in (0, 1) for record in GROUPS[name](seed)])
    keyed_by = {
        "scenario": name,
        "architecture": None,
        "classes": None,
        "sources": {"condensers.training.classifier": "0123456789abcdef"},
    }
    for record in records[::2]:  # the others are as a script might write them
        record["keyed_by"] = keyed_by
        record["key"] = key_of_record(record)
    failure = {
        "key": "failed",
        "sentence": "it broke",
        "traceback": "...",
        "cell": made("accuracy", "dc", 10, 0)["cell"],
    }
    runs = {"dm": {"a": "dm", "b": "x"}, "random": {"a": "random", "b": "y"}}
    described = {
        "suite": name,
        "about": "",
        "command": "harness run s.toml",
        "environment": {"torch": "2.6"},
        "cells": [*(record["key"] for record in records), "failed"],
        "design": {"factors": {"a": ["random", "dm"], "b": ["x", "y"]}, "runs": runs},
    }
    return Made(described, records, [failure])


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """As `write_sealed` does, without waiting for the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = {name: part for name, part in value.items() if name != SEAL}
    path.write_text(json.dumps({**whole, SEAL: seal(whole)}))


def records(folder: Path, runs: Sequence[Made]) -> Target:
    """A record, failure or suite.json is spoilt, and the verbs that read run directories make all
    of it that they make.
    """
    stores = []
    for index, run in enumerate(runs):
        store = Store(folder / f"run-{index}")
        write_json(store.description, {**run.suite, "format": FORMAT})
        for record in run.records:
            write_json(store.folder(record["key"]) / "record.json", {**record, "format": FORMAT})
        for failure in run.failures:
            write_json(store.folder(failure["key"]) / "failure.json", {**failure, "format": FORMAT})
        stores.append((store, store.contents()))

    def target(random: Random) -> None:
        store, before = random.choice(stores)
        path = random.choice([store.description, *sorted(store.root.glob("cells/*/*.json"))])
        good = path.read_bytes()
        write_json(path, spoilt({k: v for k, v in json.loads(good).items() if k != SEAL}, random))
        try:
            after = store.contents()
        finally:
            path.write_bytes(good)
        _reported(after, before, random)

    return target


def _reported(after: Any, before: Any, random: Random) -> None:
    report = build(*after)
    render(report, "json")
    if random.random() < 0.3:
        for form in ("md", "csv", "latex", *(("html",) if random.random() < 0.1 else ())):
            render(report, form).encode()
        print_report(report, Console(file=io.StringIO(), width=120))
    if random.random() < 0.2:
        changed = compare_runs(before, after)
        json.dumps(changed)
        summarise_changes(changed)
        tabulate_changes(changed)
        build(*merge_runs([("a", before), ("b", after)]))


@lru_cache(maxsize=32)
def _load(name: str) -> Splits:
    check(name)
    return load(name, data_dir=Path("/nonexistent"))


def templates() -> list[dict[str, Any]]:
    """Suites whose tables give every setting of every method, selection and scenario, and those
    that ship.
    """
    plain = {"data": ["digits"], "seeds": 1, "ipc": [1]}
    accuracy = {"scenario": "accuracy", "network": QUICK, "references": []}
    found = [loads(TINY)]
    for name in [*METHODS.entries(), *SELECTIONS.entries()]:
        condenser = {"method": name, **settings_of(create_condenser(name))}
        found.append({**plain, "condensers": [condenser], "scenarios": [accuracy]})
    for name in SCENARIOS.entries():
        scenario = {"scenario": name, **settings_of(SCENARIOS.create(name))}
        found.append({**plain, "condensers": [{"method": "random"}], "scenarios": [scenario]})
    for path in definition.built_in().values():
        found.append(loads(path.read_text(encoding="utf-8")) | {"data": ["digits"]})
    return [table for table in map(_without_none, found)]


def _without_none(value: Any) -> Any:
    """TOML has no null."""
    if isinstance(value, dict):
        return {name: _without_none(part) for name, part in value.items() if part is not None}
    return [_without_none(part) for part in value] if isinstance(value, list) else value


def suites(known: Sequence[dict[str, Any]]) -> Target:
    def target(random: Random) -> None:
        table = spoilt(random.choice(known), random, dates=True)
        planned = plan.lay_out(definition.parse(table, "fuzz"), _load)
        for cell in planned.cells[:20]:
            if cell.scenario:
                SCENARIOS.create({"name": cell.scenario, **cell.settings})

    return target


def overrides(random: Random) -> None:
    """`--set` with a path that leads somewhere or nowhere, and a value that is TOML or not."""
    table = loads(TINY)
    steps = [
        "seeds",
        "ipc",
        "data",
        "condensers.dm.lr",
        "condensers.dm.network.width",
        "scenarios.accuracy.epochs",
        "design.x",
    ]
    values = [
        "1",
        "[1, 2",
        '"C:\\Users"',
        "{a = 1}",
        "1\nw = 2",
        "[" * 3000,
        "9" * 5000,
        "1979-05-27",
        "nan",
        "\udce9",
        "",
        "'",
    ]
    for _ in range(random.choice((1, 2))):
        path = random.choice(steps)
        path = (
            path if random.random() < 0.7 else "".join(random.choices(path + "..=[]", k=len(path)))
        )
        apply_override(table, f"{path}={random.choice(values)}")
    plan.lay_out(definition.parse(table, "fuzz"), _load)


SETS: dict[str, tuple[dict[str, Any], int]] = {
    "random": ({"name": "random"}, 1),
    "float16": (
        {
            "name": "dm",
            "iterations": 1,
            "parameterisation": {"name": "pixels", "storage": "float16"},
        },
        1,
    ),
    "tiles": (
        {"name": "dm", "iterations": 1, "parameterisation": {"name": "tiles", "factor": 2}},
        1,
    ),
    "soft": (
        {"name": "real-tiles", "labels": {"name": "teacher", "epochs": 1, "network": QUICK}},
        2,
    ),
    "files": ({"name": "real-png"}, 4),
    "rates": ({"name": "dd", "iterations": 1, "network": QUICK}, 1),
    "jpeg": ({"name": "dm", "iterations": 1, "parameterisation": "jpeg"}, 4),
    "transform": ({"name": "real-transform"}, 4),
}


def cards(folder: Path) -> Target:
    """The card of a set is spoilt, and the set is shown, exported and trained on."""
    data = build_data((1, 8, 8), 3, 10)
    kept = []
    for name, (spec, ipc) in SETS.items():
        quick = (
            spec
            if "network" in spec or name in ("random", "soft", "files", "transform")
            else {**spec, "network": QUICK}
        )
        path = folder / name / "set.safetensors"
        save_set(create_condenser(quick).condense(data, Budget(ipc=ipc), Context(seed=0)), path)
        tensors = {
            group: tensor.clone() for group, tensor in load_file(path).items()
        }  # the file is mapped into memory
        kept.append((path, tensors, dict(load_set(path).card), card_path(path).read_bytes()))

    def target(random: Random) -> None:
        path, tensors, card, beside = random.choice(kept)
        wrong = spoilt(card, random)
        if random.random() < 0.8:
            path.write_bytes(save(tensors, metadata={"card": json.dumps(wrong)}))
        else:
            path.write_bytes(save(tensors, metadata={"card": json.dumps(card)}))
            card_path(path).write_text(json.dumps(spoilt(json.loads(beside), random)))
        try:
            _used(path, data, random)
        finally:
            card_path(path).write_bytes(beside)

    return target


def _used(path: Path, data: ClassData, random: Random) -> None:
    synthetic = load_set(path)
    SyntheticDataset(synthetic)[0]
    held = content(synthetic) | {"synthetic": synthetic, "measured": ()}
    dataset_card(held).encode()
    draw_set(synthetic, 2)
    restrict(synthetic, synthetic.classes[:1])
    if random.random() < 0.2:
        train = Accuracy(
            networks=1, epochs=1, network=QUICK, recipe=random.choice(("common", "card"))
        )
        train.run(synthetic, Splits(data, data, data), Context(seed=0))


def truth(folder: Path) -> Target:
    """A ground-truth table is spoilt, and shown, written as CSV, merged and compared."""
    whole = files.read_table(files.list_shipped()["convnet-small-digits"])
    chosen = [row for row in whole.rows if row["id"] in whole.ids[:4]]
    good = json.loads(json.dumps({**whole.as_json(), "rows": chosen}))
    paths = [
        folder / f"table-{index}.json" for index in range(64)
    ]  # a table is remembered by its file and time
    first = folder / "first.json"
    first.write_text(json.dumps({**good, "content": hash_content(good)}))
    known = files.read_table(first)

    def target(random: Random) -> None:
        path, value = random.choice(paths), spoilt(good, random)
        path.write_text(json.dumps({**value, "content": hash_content(value)}))
        files._read.cache_clear()
        table = files.read_table(path)
        table.as_csv().encode()
        if random.random() < 0.2:
            print_summary("table", table, Console(file=io.StringIO()))
        table.target.differences(known.target)
        merge_tables([("a", table), ("b", known)])

    return target


def checkpoints(folder: Path) -> Target:
    """A checkpoint of training is spoilt, and the training goes on from it."""
    data = build_data((1, 8, 8), 3, 10)
    path = folder / "checkpoint.pt"
    stops: list[bool] = []

    def begin(stop: bool) -> None:
        context = Context(seed=0, folder=folder, stop=lambda: stop and len(stops) > 3)
        network = networks.build(QUICK, data.shape, 3, torch.Generator().manual_seed(0))
        loop = TrainingLoop(
            network,
            data.normalise(data.images),
            data.labels,
            Training(epochs=4, batch=16),
            data,
            context,
        )
        stops.append(True)
        engine.run(loop, loop.total, context, "training")

    context = Context(seed=0)
    network = networks.build(QUICK, data.shape, 3, torch.Generator().manual_seed(0))
    loop = TrainingLoop(
        network,
        data.normalise(data.images),
        data.labels,
        Training(epochs=4, batch=16),
        data,
        context,
    )
    for index in range(3):
        loop.step(index)
    good = {
        "done": 3,
        "seconds": 0.1,
        "generator": context.generator.get_state(),
        "loop": loop.state_dict(),
    }

    def target(random: Random) -> None:
        engine_files.write_state(path, spoilt(good, random))
        try:
            begin(False)
        finally:
            path.unlink(missing_ok=True)

    return target


def locks(folder: Path) -> Target:
    """What stands in a lock that is held is spoilt, and another run wants to begin."""
    store, good = (
        Store(folder / "locked"),
        {"process": 7, "host": "here", "command": "harness run demo"},
    )
    store.root.mkdir()

    def target(random: Random) -> None:
        path = store.root / ".lock"
        value = spoilt(good, random) if random.random() < 0.8 else random.choice(EXTREMES)
        path.write_text(json.dumps(value))
        with path.open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            with store.lock():
                raise AssertionError("two runs have the lock")

    return target
