"""Keeps run directories in order: repairs them, lists them, and compares their versions.

Repair deletes damaged files so that they are recomputed. A run goes on under the versions of
packages with which it began, since other versions of some packages round differently.
"""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from condensers.engine.files import read_sealed, require_intact
from condensers.errors import Damaged, OlderFormat, OtherFormat, StorageFailed, UsageError
from harness.process import environment
from harness.store.store import Store
from harness.suite.cell import IN_KEY, Cell


def _check_set(path: Path) -> None:
    from condensers.sets.files import load_set  # here: to list runs takes no torch

    load_set(path)


CHECKS: dict[str, Callable[[Path], Any]] = {
    ".pt": require_intact,
    ".json": read_sealed,
    ".safetensors": _check_set,
}


def prepare_directory(
    store: Store,
    keys: Sequence[str],
    device: str,
    threads: int,
    tell: Callable[[str], None],
    *,
    repair_first: bool = False,
    mix_versions: bool = False,
) -> dict[str, Any]:
    """Make sure that a run can go on in a directory.

    Args:
        store: the run directory, which this process has locked.
        keys: those of the cells of the run.
        device: the device of the run, which its environment names.
        threads: threads of each process.
        tell: hears in a sentence what was removed or has changed.
        repair_first: remove what is damaged.
        mix_versions: go on under other versions of packages than before.

    Returns:
        The versions of now, for the description of the run.

    Raises:
        Damaged: a file is not as it was written; the text names every one.
        UsageError: the run was begun with versions whose figures may differ.
    """
    for sentence in repair(store, keys) if repair_first else []:
        tell(f"removed: {sentence}")
    now = versions(environment(device, threads))
    before = _last_versions(store, tell)
    _require_sound(store, keys, tell)
    if not mix_versions:
        refuse_other(before, now, store.root)
    if words := describe_changes(before, now):
        tell(f"not as before: {words}")
    return now


def _last_versions(store: Store, tell: Callable[[str], None]) -> dict[str, Any]:
    """Versions and machine of the last run here; nothing if none of its cells can be used."""
    try:
        return store.suite().get("environment", {}) if store.described else {}
    except OlderFormat as fault:
        why = str(fault).partition("; ")[0]
        tell(f"{why}; its cells stay where they are, and none is used")
        return {}


def _require_sound(store: Store, keys: Sequence[str], tell: Callable[[str], None]) -> None:
    """Damaged with all that is wrong; cells of an older format are removed, to be computed anew."""
    states = store.examine(keys)
    for key in [key for key, fault in states.faults.items() if isinstance(fault, OlderFormat)]:
        tell(f"computed anew: {states.faults.pop(key)}")
        shutil.rmtree(store.folder(key))
    states.require_sound()


def repair(store: Store, keys: Sequence[str]) -> list[str]:
    """Delete damaged files of the cells `keys` and of their shared cache.

    Returns:
        A sentence for each file or folder that was deleted.
    """
    return [
        *_repair_description(store),
        *(sentence for key in keys for sentence in _repair_cell(store, key)),
        *_repair_files(store.cache),
    ]


def _repair_description(store: Store) -> Iterator[str]:
    if store.described:
        try:
            store.suite()
        except Damaged as fault:
            _remove(store.description)
            yield str(fault)
        except OlderFormat:
            return  # `run` says so, and writes its own


def _repair_cell(store: Store, key: str) -> Iterator[str]:
    """A finished cell goes as a whole; of an unfinished one, only the broken files."""
    for fault in store.examine([key]).faults.values():
        if not isinstance(fault, Damaged | OlderFormat):
            raise fault  # of a later version: not ours to remove
        _remove(store.folder(key))
        yield str(fault)
    yield from _repair_files(store.work(key))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif os.path.lexists(path):
        path.unlink()


def _repair_files(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        check = CHECKS.get(path.suffix)
        if check is None or not path.is_file() or path.name.endswith(".card.json"):
            continue
        try:
            check(path)
        except UsageError as fault:
            path.unlink()
            yield str(fault)


UNREAD = {"suite": "-", "cells": 0, "done": 0, "failed": 0, "age_seconds": None, "command": "-"}
AGES = ((2 * 86400, 86400, "d"), (2 * 3600, 3600, "h"), (2 * 60, 60, "min"))


def list_runs(root: Path) -> list[dict[str, Any]]:
    """One JSON object a run directory; age_seconds is the time since a cell was last finished, None
    where none was.
    """
    return (
        [_describe_run(path.parent) for path in sorted(root.glob("*/suite.json"))]
        if root.is_dir()
        else []
    )


def describe_age(seconds: float | None) -> str:
    """ "3 h": the largest unit of which there are two."""
    if seconds is None:
        return "-"
    return next(
        (f"{seconds // unit:.0f} {name}" for least, unit, name in AGES if seconds >= least),
        f"{max(0, seconds):.0f} s",
    )


def _describe_run(folder: Path) -> dict[str, Any]:
    try:
        return _read(Store(folder))
    except (Damaged, OtherFormat, StorageFailed) as fault:
        why = {Damaged: "damaged", OlderFormat: "of an older format"}.get(
            type(fault), "cannot be read"
        )
        return {**UNREAD, "directory": str(folder), "status": why, "megabytes": _megabytes(folder)}


def _megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def _read(store: Store) -> dict[str, Any]:
    folder, suite = store.root, store.suite()
    ended = [store.finished_at(key) for key in suite["cells"] if store.done(key)]
    failed = sum(store.failure(key) is not None for key in suite["cells"] if not store.done(key))
    left = len(suite["cells"]) - len(ended)
    return {
        "directory": str(folder),
        "suite": suite["suite"],
        "status": _name_status(store.in_use(), left, failed),
        "cells": len(suite["cells"]),
        "done": len(ended),
        "failed": failed,
        "age_seconds": max(0.0, time.time() - max(ended)) if ended else None,
        "megabytes": _megabytes(folder),
        "command": suite["command"],
    }


def _name_status(in_use: bool, left: int, failed: int) -> str:
    if in_use:
        return "running"
    if left == failed:
        return f"{failed} failed" if failed else "complete"
    return f"{left} left" + (f", {failed} of them failed" if failed else "")


DECISIVE = ("torch", "torchvision", "numpy")
REPORTED = ("python", "cpu", "device", "blocks", "threads", "harness")


def versions(environment: Mapping[str, Any]) -> dict[str, Any]:
    """Versions and machine, as a run directory describes its last run."""
    from harness import __version__

    return {**environment, "numpy": version("numpy"), "harness": __version__}


def refuse_other(before: Mapping[str, Any], now: Mapping[str, Any], root: object) -> None:
    """UsageError where a package that decides results is another one than before."""
    changed = _name_changes(before, now, DECISIVE)
    if changed:
        raise UsageError(
            f"{root}: was begun with other versions ({changed}), whose figures may differ; install"
            " those, choose another --out, or add --mix-versions to go on, and the report lists"
            " both"
        )


def refuse_node(command: Mapping[str, Any], node: Mapping[str, Any], name: str) -> None:
    """UsageError where a node of a cluster has another version of what decides results than the
    command has.
    """
    different = [key for key in (*DECISIVE, "harness") if command[key] != node[key]]
    if different:
        versions = ", ".join(f"{key} {node[key]}, the command {command[key]}" for key in different)
        raise UsageError(
            f"node {name}: has other versions than the command ({versions}), so figures may differ;"
            " install the same on every node, or add --mix-versions"
        )


def describe_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """All that is not as before, in words; "" if nothing has changed."""
    return _name_changes(before, now, (*DECISIVE, *REPORTED))


def _name_changes(before: Mapping[str, Any], now: Mapping[str, Any], names: tuple[str, ...]) -> str:
    different = [name for name in names if name in before and before[name] != now.get(name)]
    return ", ".join(f"{name} {before[name]}, now {now.get(name)}" for name in different)


def modules_changed(store: "Store", left: Sequence[Cell]) -> list[str]:
    """Modules whose change is the only reason that some of the cells `left` are not done."""
    try:
        records = store.examine(store.suite()["cells"]).records.values() if store.described else ()
    except UsageError:
        return []
    keyed = [record for record in records if "keyed_by" in record]
    done = {_task_of(r["kind"], r["cell"], r["keyed_by"]): r["keyed_by"]["sources"] for r in keyed}
    found = set()
    for cell in left:
        before = done.get(_task_of(cell.kind, cell.as_json(), cell.keyed_by), cell.sources)
        found |= {name for name, _ in set(before.items()) ^ set(cell.sources.items())}
    return sorted(found)


def _task_of(kind: str, cell: Mapping[str, Any], keyed_by: Mapping[str, Any]) -> str:
    """The task of a cell, whatever the code that does it."""
    asked = [keyed_by[name] for name in ("scenario", "architecture", "classes")]
    return json.dumps([kind, *asked, *(cell.get(name) for name in IN_KEY)], sort_keys=True)
