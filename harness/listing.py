"""The run directories below a folder: how far each has come, how long ago, and how much room it takes."""

import time
from pathlib import Path
from typing import Any

from condensers.errors import Damaged, OlderFormat, OtherFormat, StorageFailed
from harness.store import Store

UNREAD = {"suite": "-", "cells": 0, "done": 0, "failed": 0, "age_seconds": None, "command": "-"}
AGES = ((2 * 86400, 86400, "d"), (2 * 3600, 3600, "h"), (2 * 60, 60, "min"))


def found_runs(root: Path) -> list[dict[str, Any]]:
    """One JSON object a run directory; age_seconds is the time since a cell was last finished, None where none was."""
    return [_described(path.parent) for path in sorted(root.glob("*/suite.json"))] if root.is_dir() else []


def age(seconds: float | None) -> str:
    """ "3 h": the largest unit of which there are two."""
    if seconds is None:
        return "-"
    return next((f"{seconds // unit:.0f} {name}" for least, unit, name in AGES if seconds >= least), f"{max(0, seconds):.0f} s")


def _described(folder: Path) -> dict[str, Any]:
    try:
        return _read(Store(folder))
    except (Damaged, OtherFormat, StorageFailed) as fault:
        why = {Damaged: "damaged", OlderFormat: "of an older format"}.get(type(fault), "cannot be read")
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
        "status": _status(store.in_use(), left, failed),
        "cells": len(suite["cells"]),
        "done": len(ended),
        "failed": failed,
        "age_seconds": max(0.0, time.time() - max(ended)) if ended else None,
        "megabytes": _megabytes(folder),
        "command": suite["command"],
    }


def _status(in_use: bool, left: int, failed: int) -> str:
    if in_use:
        return "running"
    if left == failed:
        return f"{failed} failed" if failed else "complete"
    return f"{left} left" + (f", {failed} of them failed" if failed else "")
