"""What every registered part says of itself, gathered once for each state of the code and kept in
the user's cache.

To gather it, all parts are imported, which takes seconds and brings torch; to read it again takes
milliseconds. The file's name is a digest of the code and of the plug-ins, so that a change of
either leads to another file. It holds texts, never code. A file that is damaged, or that somebody
else owns or may write, is not read.
"""

import hashlib
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from condensers.errors import HarnessError, StorageFailed, WorkFailed, brief
from harness.catalogue.registries import REGISTRIES

Descriptions = dict[str, dict[str, dict[str, Any]]]
PACKAGES = ("condensers", "scenarios", "harness")
KEPT = 4  # files: those of the states of the code that were described last
MOST_BYTES = 2**25
CHILD = (
    "import sys; sys.path[:] = {path!r}; from harness.catalogue.descriptions import main; main()"
)


def descriptions() -> Descriptions:
    """Kind (plural) -> name -> what `Registry.describe` gives, or `fault`, the reason why the part
    cannot be loaded.

    Imports no torch: where nothing is kept, another process gathers it. WorkFailed if that process
    fails.
    """
    path = cache_file()
    found = _read_cache(path) if path else None
    return _gather() if found is None else found


def cache_file() -> Path | None:
    """The file for the present state of the code; None for a user without a home."""
    try:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    except RuntimeError:
        return None
    return cache / "condensation-harness" / "catalogue" / f"{_state()}.json"


def main() -> None:
    """In a process of its own: gather all descriptions, keep them if every part could be loaded,
    and print them as JSON.
    """
    answer = os.dup(1)
    os.dup2(2, 1)  # what the parts' modules print is no part of the answer
    found = {
        registry.plural: {name: _description(registry, name) for name in registry.entries()}
        for registry in REGISTRIES
    }
    path = cache_file()
    if path and not any("fault" in one for table in found.values() for one in table.values()):
        _write_cache(path, found)
    with open(answer, "w", encoding="utf-8") as file:
        json.dump(found, file)


def _description(registry: Any, name: str) -> dict[str, Any]:
    try:
        return dict(registry.describe(name))
    except HarnessError as fault:
        return {
            "name": name,
            "kind": registry.kind,
            "where": registry.locate(name),
            "fault": str(fault),
        }
    except (Exception, SystemExit) as fault:  # a plug-in may raise anything
        said = (
            f"{registry.kind} '{name}' cannot be described ({type(fault).__name__}:"
            f" {brief(fault)}); mend or remove it"
        )
        return {"name": name, "kind": registry.kind, "where": registry.locate(name), "fault": said}


def _gather() -> Descriptions:
    if sys.stderr.isatty():
        print(
            "reading what all parts say of themselves, once for this state of the code ...",
            file=sys.stderr,
        )
    command = [sys.executable, "-W", "ignore", "-c", CHILD.format(path=sys.path)]
    done = subprocess.run(command, capture_output=True, check=False)
    try:
        found: Descriptions = json.loads(done.stdout)
    except ValueError:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise WorkFailed(
            f"the parts cannot be read ({brief(Exception(last))}); harness doctor checks the"
            " installation"
        ) from None
    return found


def _read_cache(path: Path) -> Descriptions | None:
    """What the file holds; None if it is not there, is not the user's alone, or is damaged."""
    try:
        with open(
            os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb"
        ) as file:  # a pipe would wait for ever
            about = os.fstat(file.fileno())
            ours = about.st_uid == os.geteuid() and not about.st_mode & (
                stat.S_IWGRP | stat.S_IWOTH
            )
            if not ours or not stat.S_ISREG(about.st_mode) or about.st_size > MOST_BYTES:
                return None
            checksum, _, text = file.read().partition(b"\n")
    except OSError:
        return None
    if checksum.decode(errors="replace") != hashlib.sha256(text).hexdigest():
        return None
    found: Descriptions = json.loads(text)
    return found


def _write_cache(path: Path, found: Descriptions) -> None:
    """Write the file for the user alone, and remove old ones; a folder that cannot be written is no
    fault.
    """
    from condensers.engine.files import write_atomically

    text = json.dumps(found).encode()
    with suppress(OSError, StorageFailed):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomically(path, hashlib.sha256(text).hexdigest().encode() + b"\n" + text)
        path.chmod(0o600)
        others = [one for one in path.parent.glob("*.json") if one != path]
        for old in sorted(others, key=lambda one: one.stat().st_mtime)[: 1 - KEPT]:
            old.unlink(missing_ok=True)


def _state() -> str:
    """A digest of our code and of the plug-ins that are installed."""
    digest = hashlib.sha256(repr(sys.version_info[:2]).encode())
    for package in PACKAGES:
        root = Path(str(find_spec(package).origin)).parent  # type: ignore[union-attr]
        for path in sorted(root.rglob("*.py")):
            digest.update(f"\n{package}/{path.relative_to(root)}\n".encode() + path.read_bytes())
    for line in _plugins():
        digest.update(line.encode())
    return digest.hexdigest()[:32]


def _plugins() -> Iterator[str]:
    """A line for each part of a third party, and one for each file of its package."""
    for registry in REGISTRIES:
        for name, where in registry.entries().items():
            if name not in registry.builtin:
                yield f"\n{registry.plural} {name} {where}"
                yield from _files(where.partition(".")[0].partition(":")[0])


def _files(package: str) -> Iterator[str]:
    """Path, size and time of change of a top-level package's or module's files; it is not
    imported.
    """
    with suppress(ImportError, ValueError, OSError):
        spec = find_spec(package)
        folders = list(spec.submodule_search_locations or ()) if spec else []
        single = [Path(spec.origin)] if spec and spec.origin and not folders else []
        for path in [
            *single,
            *(path for folder in folders for path in sorted(Path(folder).rglob("*.py"))),
        ]:
            about = path.stat()
            yield f"\n{path} {about.st_size} {about.st_mtime_ns}"
