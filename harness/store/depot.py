"""Cells at a URL that fsspec knows (s3://, gs://, file://, ...), for nodes that share no folder.

URL/cells/KEY/ has the files of a cell, its record written last; URL/cells/KEY/unfinished/ the
checkpoints of one at work. What is done is what the depot holds whole. A node's own folder is a
cache: it saves transfers and answers for nothing.

Source: the fsspec documentation, "API Reference", AbstractFileSystem.
"""

import json
import os
import shutil
import stat
import tempfile
from pathlib import Path

from condensers.engine.cache import key_of
from condensers.errors import StorageFailed, UsageError, brief
from harness.store.store import Store

RECORD, SET, CARD = "record.json", "set.safetensors", "set.card.json"
KEPT = (SET, CARD, "failure.json")
WORK = "unfinished"
MISSING = 'fsspec is not installed; pip install "condensation-harness[cluster]"'


class Depot:
    """A store of cells at a URL. UsageError where the URL or what reads it is not known."""

    def __init__(self, url: str) -> None:
        try:
            from fsspec.core import url_to_fs
        except ImportError:
            raise UsageError(f"--share {url}: {MISSING}") from None
        try:
            self.files, self.root = url_to_fs(url)
        except (ImportError, ValueError) as fault:
            raise UsageError(f"--share {url}: {fault}") from None
        self.url = url
        self.pushed: dict[Path, int] = {}

    def location(self, key: str, name: str) -> str:
        return f"{self.root}/cells/{key}/{name}"

    def has(self, key: str) -> bool:
        """Whether a finished cell is there, its set too where its record names one.

        Checksums are compared by `pull`.
        """
        self.files.invalidate_cache()
        try:
            if not self.files.exists(self.location(key, RECORD)):
                return False
            record = json.loads(self.files.cat_file(self.location(key, RECORD)))
            return not record.get("set") or self.files.exists(self.location(key, SET))
        except (ValueError, AttributeError, FileNotFoundError):
            return False  # not what was written there, or gone meanwhile: it is computed again
        except Exception as fault:  # each kind of store raises its own
            raise StorageFailed(
                f"{self.url}: {key} cannot be read ({brief(fault)}); mend it, and run it again"
            ) from fault

    def push(self, store: Store, key: str) -> None:
        """Put a cell's files there, its record last; what it kept of its work goes once it is
        done.
        """
        for name in (*KEPT, RECORD):
            if (store.folder(key) / name).is_file():
                self._put(store.folder(key) / name, self.location(key, name))
        if store.done(key) and self.files.exists(self.location(key, WORK)):
            self.files.rm(self.location(key, WORK), recursive=True)

    def pull(self, store: Store, key: str) -> bool:
        """Take a finished cell from there, unless `store` has it whole; whether the depot has it.

        A cell that arrives with other bytes than its record says counts as lost, and so does one
        whose set is gone.
        """
        if not self.has(key):
            return False
        if whole(store, key):
            return True
        for name in (SET, CARD, RECORD):
            if self.files.exists(self.location(key, name)):
                self._get(self.location(key, name), store.folder(key) / name)
        return whole(store, key)

    def restore(self, store: Store, key: str) -> bool:
        """Whether the depot has the finished cell now; what it lost is put back where `store` has
        it whole.
        """
        if self.pull(store, key):
            return True
        if not whole(store, key):
            return False
        self.push(store, key)
        return True

    def push_work(self, store: Store, key: str) -> None:
        """Put those files of the checkpoints there that have changed since they last were."""
        for path in sorted(store.work(key).rglob("*")):
            if not path.is_file() or path.name.endswith(".tmp"):
                continue
            changed = path.stat().st_mtime_ns
            if self.pushed.get(path) != changed:
                self._put(path, self.location(key, f"{WORK}/{path.relative_to(store.work(key))}"))
                self.pushed[path] = changed

    def pull_work(self, store: Store, key: str) -> None:
        """Take the checkpoints that another node left there, where this one has none of its own."""
        location = self.location(key, WORK)
        if store.work(key).exists() or not self.files.exists(location):
            return
        for found in self.files.find(location):
            self._get(found, store.work(key) / found.partition(f"/cells/{key}/{WORK}/")[2])

    def _put(self, path: Path, location: str) -> None:
        try:
            self.files.makedirs(location.rpartition("/")[0], exist_ok=True)
            self.files.put_file(str(path), location)
        except Exception as fault:  # each kind of store raises its own
            raise StorageFailed(
                f"{self.url}: {location} cannot be written ({brief(fault)}); mend it, and run again"
            ) from fault

    def _get(self, location: str, path: Path) -> None:
        partial = path.with_name(f".{path.name}.partial")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.files.get_file(location, str(partial))
            partial.replace(path)
        except Exception as fault:
            raise StorageFailed(
                f"{self.url}: {location} cannot be read ({brief(fault)}); mend it, and run again"
            ) from fault


def whole(store: Store, key: str) -> bool:
    """Whether `store` has the finished cell as it was written; what is damaged of it is removed."""
    if not store.done(key):
        return False
    try:
        if store.record(key).get("set"):
            store.require_intact(key)
    except UsageError:
        shutil.rmtree(store.folder(key), ignore_errors=True)
        return False
    return True


def node_folder(url: str) -> Path:
    """This user's own folder on this node for the cells of a depot; nobody else can read or write
    it.

    StorageFailed where something of that name belongs to somebody else.
    """
    folder = Path(tempfile.gettempdir()) / f"condensation-harness-{os.getuid()}-{key_of(url)}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as fault:
        raise StorageFailed(
            f"{folder}: cannot be made ({fault.strerror}); set TMPDIR to a folder of yours"
        ) from fault
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise StorageFailed(
            f"{folder}: it is not a folder of yours; remove it, or set TMPDIR to a folder of yours"
        )
    folder.chmod(0o700)
    return folder
