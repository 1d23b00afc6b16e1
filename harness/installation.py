"""What is installed here: the code of the harness, and the packages beside it, as one digest."""

import hashlib
import platform
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

OURS = ("condensers", "scenarios", "harness")
COMPILED = {".pyc", ".pyo"}
DESCRIBED = (".dist-info", ".egg-info", ".egg-link")


@cache
def digest_installation() -> str:
    """Digest of every file of our packages, of the names and versions of all packages that can be
    imported, and of Python's version.

    Nothing is imported for it.
    """
    found = hashlib.sha256(platform.python_version().encode())
    for line in (*_name_packages(), *_digest_files()):
        found.update(f"{line}\n".encode())
    return found.hexdigest()


def _digest_files() -> list[str]:
    return [
        f"{package}/{path.relative_to(folder)} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        for package in OURS
        if (spec := find_spec(package)) and spec.origin
        for folder in [Path(spec.origin).parent]
        for path in sorted(folder.rglob("*"))
        if path.suffix not in COMPILED and path.is_file()
    ]


def _name_packages() -> list[str]:
    """The folders that describe installed packages: their names have the versions."""
    folders = [Path(place or ".") for place in sys.path]
    return sorted(
        path.name
        for folder in dict.fromkeys(folders)
        if folder.is_dir()
        for path in folder.iterdir()
        if path.suffix in DESCRIBED
    )
