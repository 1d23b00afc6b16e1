"""Takes away what is not as it was written in a run directory, so that it is made anew."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from condensers.artifact import load_set
from condensers.context import read_sealed
from condensers.engine import require_intact
from condensers.errors import UsageError
from harness.execute import MAKES_A_SET
from harness.store import Store

CHECKS: dict[str, Callable[[Path], Any]] = {".pt": require_intact, ".json": read_sealed, ".safetensors": load_set}


def repair(store: Store, keys: Sequence[str]) -> list[str]:
    """Remove what is damaged of the cells `key` and of what they share; what each was, in a sentence."""
    return [*_description(store), *(said for key in keys for said in _cell(store, key)), *_files(store.cache)]


def _description(store: Store) -> Iterator[str]:
    if store.described:
        try:
            store.suite()
        except UsageError as fault:
            store.description.unlink()
            yield str(fault)


def _cell(store: Store, key: str) -> Iterator[str]:
    """A finished cell goes as a whole; of an unfinished one, only the broken files."""
    try:
        if store.done(key) and store.record(key)["kind"] in MAKES_A_SET:
            store.require_intact(key)
        store.failure(key)
    except UsageError as fault:
        shutil.rmtree(store.folder(key))
        yield str(fault)
    yield from _files(store.work(key))


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
