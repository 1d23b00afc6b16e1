"""Takes away what is not as it was written in a run directory, so that it is made anew."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from condensers.artifact import load_set
from condensers.context import read_sealed
from condensers.engine import require_intact
from condensers.errors import Damaged, OlderFormat, UsageError
from harness.store import Store

CHECKS: dict[str, Callable[[Path], Any]] = {".pt": require_intact, ".json": read_sealed, ".safetensors": load_set}


def repair(store: Store, keys: Sequence[str]) -> list[str]:
    """Remove what is damaged of the cells `key` and of what they share; what each was, in a sentence."""
    return [*_description(store), *(said for key in keys for said in _cell(store, key)), *_files(store.cache)]


def _description(store: Store) -> Iterator[str]:
    if store.described:
        try:
            store.suite()
        except Damaged as fault:
            _remove(store.description)
            yield str(fault)
        except OlderFormat:
            return  # `run` says so, and writes its own


def _cell(store: Store, key: str) -> Iterator[str]:
    """A finished cell goes as a whole; of an unfinished one, only the broken files."""
    for fault in store.examine([key]).faults.values():
        if not isinstance(fault, Damaged | OlderFormat):
            raise fault  # of a later version: not ours to remove
        _remove(store.folder(key))
        yield str(fault)
    yield from _files(store.work(key))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif os.path.lexists(path):
        path.unlink()


def _files(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        check = CHECKS.get(path.suffix)
        if check is None or not path.is_file() or path.name.endswith(".card.json"):
            continue
        try:
            check(path)
        except UsageError as fault:
            path.unlink()
            yield str(fault)
