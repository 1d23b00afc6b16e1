"""The user's own cache folder, for what is made once on a machine.

Compiled code is loaded from it. So nobody else may be able to change what lies there: the folder
and the one above it must belong to the user, and others must not be able to write in them.
"""

import os
import stat
from pathlib import Path

from condensers.notices import tell

NAME = "condensation-harness"
PRIVATE = 0o700
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
