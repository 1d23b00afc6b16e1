"""The run store: one directory a cell, every file written to a temporary name and renamed.

RUN/suite.json            the suite's name, its command, the cells in order
RUN/cells/KEY/record.json a finished cell; failure.json a failed one; set.safetensors a made set; unfinished/ checkpoints
RUN/cache/                what cells share whatever their seeds, such as experts; made anew where it is missing
"""

import fcntl
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from condensers.context import write_atomically
from condensers.errors import UsageError
from harness.runtime import shared_folder

FORMAT = 1


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

    def record(self, key: str) -> dict[str, Any]:
        return _load(self.folder(key) / "record.json")

    def write_record(self, key: str, record: Mapping[str, Any]) -> None:
        """The cell is finished: its checkpoints go, and an earlier failure with them."""
        write_atomically(self.folder(key) / "record.json", _dump({"format": FORMAT, "key": key, **record}))
        shutil.rmtree(self.work(key), ignore_errors=True)
        (self.folder(key) / "failure.json").unlink(missing_ok=True)

    def adopt(self, key: str, other: "Store") -> bool:
        """Copy a finished cell of another run, with its set; False where that run has not finished it."""
        if not other.done(key):
            return False
        partial = self.folder(key).with_name(f".{key}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(other.folder(key), partial, ignore=shutil.ignore_patterns("unfinished", "failure.json"))
        shutil.rmtree(self.folder(key), ignore_errors=True)
        partial.rename(self.folder(key))
        return True

    def write_failure(self, key: str, failure: Mapping[str, Any]) -> None:
        write_atomically(self.folder(key) / "failure.json", _dump({"key": key, **failure}))

    def failure(self, key: str) -> dict[str, Any] | None:
        """How a cell failed; None where it did not."""
        path = self.folder(key) / "failure.json"
        return _load(path) if path.is_file() else None

    def describe(self, description: Mapping[str, Any]) -> None:
        """Say in the directory what is being run."""
        write_atomically(self.root / "suite.json", _dump(description))

    def suite(self) -> dict[str, Any]:
        path = self.root / "suite.json"
        if not path.is_file():
            raise UsageError(f"{self.root}: not a run directory (no suite.json in it); harness runs lists them")
        return _load(path)

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

        UsageError where the directory cannot be written or is in use.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            file = (self.root / ".lock").open("w")
        except OSError as fault:
            raise UsageError(f"{self.root}: cannot be written ({fault.strerror}); choose another place with --out") from fault
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UsageError(f"{self.root}: another run is using it; wait for it, or choose another --out") from None
            yield


def _dump(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, indent=1) + "\n").encode()


def _load(path: Path) -> dict[str, Any]:
    try:
        value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as fault:
        raise UsageError(f"{path}: damaged ({fault}); remove it and run the suite again") from None
    return value
