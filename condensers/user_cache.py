"""The user's own cache folder, for what is made once on a machine.

Compiled code is loaded from it. So nobody else may be able to change what lies there: the folder
and the one above it must belong to the user, and others must not be able to write in them.
"""

import json
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from condensers.notices import tell

NAME = "condensation-harness"
PRIVATE = 0o700
Json = dict[str, Any]
ADVICE = "or set XDG_CACHE_HOME to a folder that is yours alone"


class CacheRefused(Exception):
    """There is no safe folder to keep anything in; the text is a sentence that says why."""


def cache_folder() -> Path:
    """Return $XDG_CACHE_HOME/condensation-harness, made where it is missing, for the user alone.

    Raises:
        CacheRefused: It cannot be made or written, or is not safe from others.
    """
    try:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:
        raise CacheRefused(f"this user has no home folder; make one, {ADVICE}") from None
    folder = base / NAME
    try:
        _make(folder)
        _require_safe(base, (os.geteuid(), 0))
        _require_safe(folder, (os.geteuid(),))
    except OSError as fault:
        raise CacheRefused(
            f"{folder}: cannot be made ({fault.strerror}); make it, {ADVICE}"
        ) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise CacheRefused(f"{folder}: cannot be written; chmod u+wx it, {ADVICE}")
    return folder


def usable_cache() -> Path | None:
    """Return the cache folder; None where it is refused, which is told."""
    try:
        return cache_folder()
    except CacheRefused as fault:
        tell(f"{fault}; until then each process makes anew what it would keep there")
        return None


def read_json(path: Path, is_whole: Callable[[Json], bool]) -> Json | None:
    """Read what `write_first` kept; None where it is none of ours, or damaged.

    Args:
        path: Of the file.
        is_whole: Whether it has what belongs there; it may fail on what has not.
    """
    try:
        found: Json = json.loads(path.read_text(encoding="utf-8"))
        return found if is_whole(found) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write_first(path: Path, found: Json, is_whole: Callable[[Json], bool]) -> Json:
    """Keep what was found unless another process was first; return what is kept.

    Where the file cannot be written, nothing is kept.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(OSError):
        temporary.write_text(json.dumps(found), encoding="utf-8")
        if read_json(path, is_whole) is None:
            path.unlink(missing_ok=True)  # damaged
        with suppress(FileExistsError):
            os.link(temporary, path)
    with suppress(OSError):
        temporary.unlink(missing_ok=True)
    return read_json(path, is_whole) or found


def _make(folder: Path) -> None:
    """Make a folder, and those missing above it, which nobody else may enter."""
    if not folder.is_dir():
        _make(folder.parent)
        folder.mkdir(mode=PRIVATE, exist_ok=True)


def _require_safe(folder: Path, owners: tuple[int, ...]) -> None:
    """Refuse a folder of another user, or one in which others could put or replace files."""
    found = folder.stat()
    if found.st_uid not in owners:
        raise CacheRefused(f"{folder}: belongs to another user; remove it, {ADVICE}")
    shared = stat.S_IMODE(found.st_mode) & (stat.S_IWGRP | stat.S_IWOTH)
    # With the sticky bit, as in /tmp, others cannot rename or remove what is ours.
    if shared and not (found.st_mode & stat.S_ISVTX and len(owners) > 1):
        raise CacheRefused(f"{folder}: others can write in it; chmod go-w it, {ADVICE}")
