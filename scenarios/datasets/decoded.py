"""Decoded images in files that all processes of a machine map: decoded once, one copy in memory.

FOLDER/NAME-KEY/STAMP holds an array file (.npy) of the images and one of the labels of each part,
and data.json. KEY stands for what is read and by which code, STAMP for the source files as they
are: where one is edited, added or removed, all are decoded anew. FOLDER is the one that
HARNESS_DECODED names, or "decoded" in the user's cache; with HARNESS_DECODED=off every process
decodes for itself.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from condensers.data import ClassData
from condensers.engine.cache import key_of
from condensers.engine.files import make_folder, read_sealed, sync_folder, write_sealed
from condensers.errors import HarnessError, NotStored, StorageFailed
from condensers.registry.code_digest import digests
from scenarios.datasets.pictures import MakeArray
from scenarios.datasets.raw import Pixels
from scenarios.datasets.sources import Sources
from scenarios.protocol import Splits

PARTS = ("train", "validation", "test")
LEAST = 2**22  # bytes of source files; smaller data sets are decoded by every process
SPARE = 10**9  # bytes that are left free on the disk
UNUSED_SECONDS = 30 * 86400.0
FACTS = "data.json"
CODE = sorted(
    ".".join(("scenarios", "datasets", *file.relative_to(Path(__file__).parent).parts))[:-3]
    for file in Path(__file__).parent.rglob("*.py")
    if file.name != "__init__.py"
)
Read = Callable[[MakeArray | None], Splits]


def decoded_folder() -> Path | None:
    """Where decoded images are kept; None where they are not."""
    named = os.environ.get("HARNESS_DECODED")
    if named == "off":
        return None
    if named:
        return Path(named).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "condensation-harness" / "decoded"


def load_decoded(name: str, settings: Sequence[Any], sources: Sources, read: Read) -> Splits:
    """Return the parts of a data set, mapped from files; they are made if they are not there.

    Nothing that is written to the arrays reaches the files or other processes. Where files cannot
    be made, a warning says so, and the images are decoded into memory.

    Args:
        name: Of the data set, for people.
        settings: What is read, a JSON value.
        sources: The files that it is read from, as they are.
        read: Reads the data set; arrays that it is to make in a file it gets from its argument.
    """
    root = decoded_folder()
    if root is None or sources.nbytes < LEAST:
        return read(None)
    code = [digests(CODE), np.__version__, settings]
    plain = "".join(letter if letter.isalnum() else "-" for letter in name)[-40:]
    entry = root / f"{plain}-{key_of(code)}" / sources.stamp
    try:
        found = _open(entry)
        if found is None:
            with _lock(entry.parent):
                if _open(entry) is None:  # nobody made it meanwhile
                    _clear(entry.parent)
                    _build(entry, read)
            found = _open(entry)
        if found is not None:
            return found
        why = f"{entry}: is not as it was written"
    except StorageFailed as fault:
        why = str(fault)
    said = f"{name}: decoded images are not shared with other processes: {why}"
    warnings.warn(said, NotStored, stacklevel=2)
    return read(None)


@contextmanager
def _storing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        raise StorageFailed(
            f"{path} cannot be written ({fault.strerror or fault}); make room, or name another"
            " folder in HARNESS_DECODED"
        ) from fault


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Let one process at a time work in the folder; the others wait."""
    with _storing(folder):
        make_folder(folder)
        file = (folder / ".lock").open("w")
    with file:
        with _storing(folder):
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _clear(folder: Path) -> None:
    """Remove what other source files gave, what was left unfinished, and what nobody used for a
    month.
    """
    for other in folder.iterdir():
        if other.is_dir():
            shutil.rmtree(other, ignore_errors=True)
    for facts in folder.parent.glob(f"*/*/{FACTS}"):
        with suppress(OSError):
            if time.time() - facts.stat().st_mtime > UNUSED_SECONDS:
                shutil.rmtree(facts.parents[1], ignore_errors=True)


def _build(entry: Path, read: Read) -> None:
    building = entry.with_name(f".{entry.name}.tmp")
    with _storing(building):
        make_folder(building)
    try:
        splits = read(lambda number, size: _new_array(building / f"{PARTS[number]}.npy", size))
        facts = _facts(splits.train) | {
            name: _store(building, name, part) for name, part in _parts(splits).items()
        }
        write_sealed(building / FACTS, facts)
        with _storing(entry):
            building.rename(entry)
            sync_folder(entry.parent)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _parts(splits: Splits) -> dict[str, ClassData]:
    return dict(zip(PARTS, (splits.train, splits.validation, splits.test), strict=True))


def _facts(data: ClassData) -> dict[str, Any]:
    return {
        "name": data.name,
        "class_names": data.class_names,
        "mean": data.mean,
        "std": data.std,
        "mirror": data.mirror,
        "licence": data.licence,
        "notes": data.notes,
    }


def _new_array(path: Path, size: tuple[int, ...]) -> Pixels:
    """An array in a file whose room on the disk is taken at once: there is no way to be told later
    that the disk is full.
    """
    _require_free(path, int(np.prod(size)))
    with _storing(path):
        array = np.lib.format.open_memmap(path, "w+", np.uint8, size)
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return array


def _require_free(path: Path, nbytes: int) -> None:
    with _storing(path):
        free = shutil.disk_usage(path.parent).free
    if free < nbytes + SPARE:
        raise StorageFailed(
            f"{path} needs {nbytes / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free; make room, or"
            " name another folder in HARNESS_DECODED"
        )


def _store(folder: Path, name: str, part: ClassData) -> dict[str, Any]:
    """Write the arrays of a part that are not there yet, and tell what they are."""
    images, marks = part.images.numpy(), {}
    for array, path in (
        (images, folder / f"{name}.npy"),
        (part.labels.numpy(), folder / f"{name}-labels.npy"),
    ):
        if not path.exists():
            _require_free(path, array.nbytes)
        with _storing(path):
            if not path.exists():
                np.save(path, array)
            with path.open("r+b") as file:
                os.fsync(file.fileno())
            path.chmod(0o444)
            marks[path.name] = _mark(path)
    return {"digest": part.digest, "files": marks}


def _mark(path: Path) -> list[int]:
    facts = path.stat()
    return [facts.st_size, facts.st_mtime_ns]


def _open(entry: Path) -> Splits | None:
    """The stored parts; None where they are not there, or not as they were written."""
    try:
        facts = read_sealed(entry / FACTS)
        marks = {name: mark for part in PARTS for name, mark in facts[part]["files"].items()}
        if any(_mark(entry / name) != mark for name, mark in marks.items()):
            return None
        parts = [_map(entry, name, facts) for name in PARTS]
        with suppress(OSError):
            os.utime(entry / FACTS)  # when it was last used
    except (HarnessError, OSError, ValueError, KeyError):
        return None
    return Splits(*parts)


def _map(entry: Path, name: str, facts: dict[str, Any]) -> ClassData:
    # Copy on write: a page that is written to becomes this process's own.
    images = np.load(entry / f"{name}.npy", mmap_mode="c")
    data = ClassData(
        name=facts["name"],
        images=torch.from_numpy(images),
        labels=torch.from_numpy(np.load(entry / f"{name}-labels.npy")),
        class_names=tuple(facts["class_names"]),
        mean=tuple(facts["mean"]),
        std=tuple(facts["std"]),
        mirror=facts["mirror"],
        licence=facts["licence"],
        notes=tuple(facts["notes"]),
    )
    data.adopt_digest(facts[name]["digest"])
    return data


class Kept(NamedTuple):
    """A data set whose decoded images are kept: its name, their bytes, whether all are as they were
    written.
    """

    name: str
    nbytes: int
    intact: bool


def verify_decoded() -> list[Kept]:
    """Read all decoded images that are kept, and compare their digests."""
    root, found = decoded_folder(), []
    for path in sorted(root.glob(f"*/[!.]*/{FACTS}")) if root else []:
        splits = _open(path.parent)
        nbytes = sum(file.stat().st_size for file in path.parent.iterdir())
        intact = splits is not None and all(
            replace(part).digest == part.digest for part in _parts(splits).values()
        )
        found.append(Kept(splits.train.name if splits else path.parts[-3], nbytes, intact))
    return found
