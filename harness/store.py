"""The run store: one directory a cell, every file written to a temporary name and renamed.

RUN/suite.json            the suite's name, its command, the cells in order
RUN/cells/KEY/record.json a finished cell; failure.json a failed one; set.safetensors a made set; unfinished/ checkpoints
RUN/cache/                what cells share whatever their seeds, such as experts; made anew where it is missing
"""

import fcntl
import hashlib
import json
import os
import shlex
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from condensers.context import read_sealed, write_sealed
from condensers.errors import Interrupted, StorageFailed, UsageError, damaged
from condensers.plain import parse_json
from condensers.schema import Shape, brief_faults, faults_of
from harness.runtime import shared_folder
from harness.shapes import FailureShape, HolderShape, RecordShape, SuiteShape

FORMAT = 1
CLAIM_SECONDS = 0.5
PORTION = 2**20  # bytes


class Store:
    """A run directory. Reading needs nothing but the files; writing is safe against a pulled plug."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, key: str) -> Path:
        return self.root / "cells" / key

    @property
    def cache(self) -> Path:
        """Where condensers keep what several cells use; several runs too, where HARNESS_CACHE names a folder."""
        return shared_folder(self.root)

    def work(self, key: str) -> Path:
        """Where an unfinished cell keeps its checkpoints."""
        return self.folder(key) / "unfinished"

    def set_path(self, key: str) -> Path:
        return self.folder(key) / "set.safetensors"

    def done(self, key: str) -> bool:
        return (self.folder(key) / "record.json").is_file()

    def finished_at(self, key: str) -> float:
        """When a finished cell was finished, in seconds of the system's clock."""
        return (self.folder(key) / "record.json").stat().st_mtime

    def record(self, key: str) -> dict[str, Any]:
        return _shaped(RecordShape, self.folder(key) / "record.json")

    def write_record(self, key: str, record: Mapping[str, Any]) -> None:
        """The cell is finished: its checkpoints go, and an earlier failure with them."""
        write_sealed(self.folder(key) / "record.json", {"format": FORMAT, "key": key, **record})
        shutil.rmtree(self.work(key), ignore_errors=True)
        (self.folder(key) / "failure.json").unlink(missing_ok=True)

    def require_intact(self, key: str) -> Path:
        """The path of a made set, after its bytes were compared with what its record says of them; Damaged where they differ."""
        path, written = self.set_path(key), self.record(key).get("set")
        if not path.is_file() or (written is not None and digest(path) != written):
            what = "its bytes are not those that were written" if path.is_file() else "it is gone"
            raise damaged(path, what)
        return path

    @contextmanager
    def claim(self, key: str, must_stop: Callable[[], bool]) -> Iterator[bool]:
        """Keep every other process, on whatever node, from writing the cell meanwhile.

        Waits while another one does; False where that finished the cell. The claim goes with the process that holds it. Raises
        Interrupted while it waits, when must_stop() is true.
        """
        path = self.folder(key) / ".lock"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("w")
        except OSError as fault:
            raise StorageFailed(f"{path}: cannot be written ({fault.strerror}); make room, and run it again") from fault
        with file:
            while not _lock(file):
                if must_stop():
                    raise Interrupted(f"stopped while another process had the cell {key}")
                time.sleep(CLAIM_SECONDS)
            yield not self.done(key)

    def adopt(self, key: str, other: "Store") -> bool:
        """Copy a finished cell of another run, with its set; False where that run has not finished it."""
        if not other.done(key):
            return False
        partial = self.folder(key).with_name(f".{key}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(other.folder(key), partial, ignore=shutil.ignore_patterns("unfinished", "failure.json", ".lock"))
        shutil.rmtree(self.folder(key), ignore_errors=True)
        partial.rename(self.folder(key))
        return True

    def write_failure(self, key: str, failure: Mapping[str, Any]) -> None:
        write_sealed(self.folder(key) / "failure.json", {"key": key, **failure})

    def failure(self, key: str) -> dict[str, Any] | None:
        """How a cell failed; None where it did not."""
        path = self.folder(key) / "failure.json"
        return _shaped(FailureShape, path) if path.is_file() else None

    @property
    def description(self) -> Path:
        return self.root / "suite.json"

    @property
    def described(self) -> bool:
        return self.description.is_file()

    def describe(self, description: Mapping[str, Any]) -> None:
        """Say in the directory what is being run."""
        write_sealed(self.description, description)

    def suite(self) -> dict[str, Any]:
        if not self.described:
            raise UsageError(f"{self.root}: not a run directory (no suite.json in it); harness runs lists them")
        return _shaped(SuiteShape, self.description)

    def contents(self) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
        """The suite's description, and the records and failures of its cells, in the suite's order."""
        suite = self.suite()
        keys: Sequence[str] = suite["cells"]
        records = [self.record(key) for key in keys if self.done(key)]
        failures = [self.failure(key) for key in keys if not self.done(key)]
        return suite, records, [failure for failure in failures if failure is not None]

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Make the directory and keep a second run out of it; the lock goes with the process that holds it.

        UsageError where the directory cannot be written or is in use; it says by whom.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            file = (self.root / ".lock").open("a+")
        except OSError as fault:
            raise UsageError(f"{self.root}: cannot be written ({fault.strerror}); choose another place with --out") from fault
        with file:
            if not _lock(file):
                file.seek(0)
                holder = _holder(file.read())
                raise UsageError(f"{self.root}: another run is using it{holder}; wait for it, or choose another --out")
            file.truncate(0)
            file.write(json.dumps({"process": os.getpid(), "host": socket.gethostname(), "command": shlex.join(sys.argv)}))
            file.flush()
            yield

    def in_use(self) -> bool:
        """Whether a run holds the lock now."""
        try:
            file = (self.root / ".lock").open("rb")
        except OSError:
            return False
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        found = hashlib.sha256()
        while part := file.read(PORTION):
            found.update(part)
        return found.hexdigest()


def _shaped(shape: type[Shape], path: Path) -> dict[str, Any]:
    """The sealed object in a file; Damaged where it is not of that shape."""
    value = read_sealed(path)
    faults = brief_faults(shape, value)
    if faults:
        raise damaged(path, faults)
    return value


def _lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(written: str) -> str:
    """Who wrote a lock file."""
    try:
        holder = parse_json(written.encode())
    except ValueError:
        return ""
    known = not faults_of(HolderShape, holder)
    return f" (process {holder['process']} on {holder['host']}: {holder['command']})" if known else ""
