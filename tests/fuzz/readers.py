"""Every reader of files from outside: how a good file is made, and how one is read.

A reader may return, or raise a HarnessError, which is one sentence: anything else is a defect.
"""

import gzip
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.io
import torch
from PIL import Image

from condensers.engine.context import Context
from condensers.engine.files import read_sealed, read_state, write_sealed, write_state
from condensers.formats.reading import Files, read
from condensers.registry.registry import create_condenser
from condensers.sets.files import card_path, load_set, save_set
from condensers.sets.synthetic_set import Budget
from harness.suite import definition
from scenarios.datasets import load
from scenarios.datasets.formats.cifar import read_pickle
from scenarios.datasets.formats.idx import read_idx
from scenarios.datasets.formats.mat import read_part
from scenarios.search.ground_truth import files as tables
from tests.conftest import build_data
from tests.scenarios.datasets.conftest import write_python2

CPU = torch.device("cpu")


class Reader(NamedTuple):
    """name: of the file that is spoilt, in a folder of its own. make: writes good files there.
    read: reads them.
    """

    name: str
    make: Callable[[Path], None]
    read: Callable[[Path], Any]


def _set(spec: dict[str, Any], ipc: int = 1) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        save_set(
            create_condenser(spec).condense(
                build_data((1, 8, 8), 3, 10), Budget(ipc=ipc), Context(seed=0)
            ),
            path,
        )

    return make


def _with_card(path: Path) -> None:
    _set({"name": "random"})(path.parent / "set.safetensors")
    assert path == card_path(path.parent / "set.safetensors")


def _published(content: Any) -> Callable[[Path], None]:
    return lambda path: torch.save(content, path)


def _checkpoint(path: Path) -> None:
    write_state(path, {"done": 1, "x": torch.arange(20.0)})


def _npz(path: Path) -> None:
    np.savez(
        path, images=np.random.RandomState(0).rand(6, 8, 8, 1).astype("f4"), labels=np.arange(6) % 3
    )


def _idx(path: Path) -> None:
    path.write_bytes(bytes([0, 0, 8, 3]) + struct.pack(">3I", 4, 28, 28) + bytes(4 * 784))


def _idx_gz(path: Path) -> None:
    path.write_bytes(
        gzip.compress(bytes([0, 0, 8, 3]) + struct.pack(">3I", 4, 28, 28) + bytes(4 * 784), mtime=0)
    )


def _cifar(path: Path) -> None:
    write_python2(path, {b"data": np.zeros((2, 3072), np.uint8), b"labels": [0, 1]})


def _svhn(path: Path) -> None:
    scipy.io.savemat(
        path, {"X": np.zeros((32, 32, 3, 4), np.uint8), "y": np.ones((4, 1), np.uint8)}
    )


def _images(path: Path) -> None:
    for label in ("cats", "dogs"):
        for index in range(3):
            file = path.parent / "photos" / label / f"{index}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((8, 8), 80 * index, np.uint8)).save(file)
    path.write_bytes(file.read_bytes())


def _read_images(path: Path) -> Any:
    (path.parent / "photos" / "cats" / "0.png").write_bytes(path.read_bytes())
    return load(f"folder:{path.parent / 'photos'}")


def _suite(path: Path) -> None:
    path.write_bytes(definition.built_in()["demo"].read_bytes())


def _record(path: Path) -> None:
    write_sealed(
        path,
        {
            "kind": "scenario",
            "cell": {"label": "dm", "seed": 0},
            "outcome": {"values": [0.5, None]},
        },
    )


def _table(path: Path) -> None:
    whole = tables.read_table(
        min(tables.list_shipped().values(), key=lambda found: found.stat().st_size)
    )
    tables.write_table(path, replace(whole, rows=whole.rows[:2]))


def _read_published(path: Path) -> Any:
    return read(Files(path))


def _read_mtt(path: Path) -> Any:
    labels = path.with_name("labels.pt")
    torch.save(torch.arange(6) % 3, labels)
    return read(Files(path, labels=labels))


IMAGES, LABELS = torch.zeros(6, 1, 8, 8), torch.arange(6) % 3
SOFT = {"name": "teacher", "epochs": 1, "network": {"name": "mlp", "width": 8}}
READERS = {
    "set of pixels": Reader("set.safetensors", _set({"name": "random"}), load_set),
    "set of tiles with soft labels": Reader(
        "set.safetensors", _set({"name": "real-tiles", "labels": SOFT}, 2), load_set
    ),
    "set of files": Reader("set.safetensors", _set({"name": "real-png"}, 4), load_set),
    "card": Reader(
        "set.card.json",
        _with_card,
        lambda path: dict(load_set(path.parent / "set.safetensors").cost),
    ),
    "npz": Reader("a.npz", _npz, _read_published),
    "DC's file": Reader("a.pt", _published({"data": [[IMAGES, LABELS]]}), _read_published),
    "MTT's file": Reader("a.pt", _published(IMAGES), _read_mtt),
    "IDC's file": Reader("a.pt", _published([IMAGES, LABELS]), _read_published),
    "DD's file": Reader(
        "a.pt", _published([(IMAGES[:3], LABELS[:3], torch.tensor(0.1))]), _read_published
    ),
    "suite": Reader("suite.toml", _suite, lambda path: definition.read(str(path))),
    "record": Reader("record.json", _record, read_sealed),
    "truth table": Reader("table.json", _table, tables.read_table),
    "checkpoint": Reader("c.pt", _checkpoint, lambda path: read_state(path, CPU)),
    "CIFAR": Reader("batch", _cifar, read_pickle),
    "SVHN": Reader("train_32x32.mat", _svhn, read_part),
    "IDX": Reader("images", _idx, lambda path: read_idx(path, 3)),
    "IDX, gzipped": Reader("images.gz", _idx_gz, lambda path: read_idx(path, 3)),
    "image": Reader("spoilt.png", _images, _read_images),
}
