"""The files that a data set is read from, as they are: where one changes, so does the stamp."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from scenarios.datasets.layout import is_visible

DIGITS = 16


class Sources(NamedTuple):
    """Files as they are.

    Attributes:
        stamp: Hex digits that stand for their names, sizes and times of change.
        nbytes: Of all files.
    """

    stamp: str
    nbytes: int


def stamp_files(files: Iterable[Path]) -> Sources:
    """The stamp of some files; OSError where one is not there."""
    return _stamp((str(file), file.stat()) for file in files)


def stamp_folder(root: Path) -> Sources | None:
    """The stamp of all files and folders below `root` that a reader of folders looks at; None if it
    is no folder.
    """
    return _stamp(_walk(root, {os.path.realpath(root)})) if root.is_dir() else None


def join_sources(parts: Iterable[Sources]) -> Sources:
    """The stamp of several data sets."""
    stamps, sizes = zip(*parts, strict=True)
    return Sources(_digest("\n".join(stamps)), sum(sizes))


def _walk(folder: Path, seen: set[str]) -> Iterator[tuple[str, os.stat_result]]:
    """Folders that are links are followed, each but once."""
    with os.scandir(folder) as entries:
        found = sorted((e for e in entries if is_visible(e.name)), key=lambda entry: entry.name)
    for entry in found:
        if not entry.is_dir():
            yield entry.path, entry.stat()
            continue
        yield entry.path, os.stat_result((0,) * 10)
        real = os.path.realpath(entry.path)
        if real not in seen:
            seen.add(real)
            yield from _walk(Path(entry.path), seen)


def _stamp(found: Iterable[tuple[str, os.stat_result]]) -> Sources:
    sha, total = hashlib.sha256(), 0
    for name, facts in found:
        # The time of the last change of its name or content too: copies may keep the other one.
        line = f"{name}\0{facts.st_size}\0{facts.st_mtime_ns}\0{facts.st_ctime_ns}\n"
        sha.update(os.fsencode(line))
        total += facts.st_size
    return Sources(sha.hexdigest()[:DIGITS], total)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
