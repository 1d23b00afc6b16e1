"""The run directory: a folder for each cell; every file is written under a temporary name and
renamed.

    RUN/suite.json                  the name of the suite, its command, its cells in order
    RUN/cells/KEY/record.json       a finished cell
    RUN/cells/KEY/failure.json      a failed cell
    RUN/cells/KEY/set.safetensors   the set that a cell made
    RUN/cells/KEY/unfinished/       checkpoints
    RUN/cache/                      what cells share whatever their seeds, such as experts
    RUN/report/                     parts of reports, so that only what changed is made again
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from condensers.engine.files import (
    read_sealed,
    sync_folder,
    write_atomically,
    write_sealed,
)
from condensers.errors import (
    Damaged,
    OlderFormat,
    OtherFormat,
    UsageError,
    damaged,
    shown,
)
from condensers.schema import Shape, brief_faults
from harness.process import shared_folder
from harness.store.locks import hold_claim, hold_lock, is_locked
from harness.store.shapes import (
    FORMAT,
    FailureShape,
    RecordShape,
    SuiteShape,
    require_format,
)
from harness.suite.cell import key_of_record

RECORD, SET, CARD, FAILURE = "record.json", "set.safetensors", "set.card.json", "failure.json"
PORTION = 2**20  # bytes


@dataclass(frozen=True)
class CellStates:
    """What a directory holds of some cells, by key: intact records and failures, and faults."""

    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    failures: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: dict[str, UsageError] = field(default_factory=dict)

    def require_sound(self) -> None:
        """Raise all faults as one error that has a line for each."""
        found = list(self.faults.values())
        if found:
            raise type(found[0])("\n".join(map(str, found)))


class Store:
    """A run directory: reads and writes records, sets and failures of cells.

    Reading needs nothing but the files. Writing is atomic: after a crash every file is whole.

    Args:
        root: the directory; `lock` makes it where it is missing.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, key: str) -> Path:
        """The folder of a cell."""
        return self.root / "cells" / key

    @property
    def cache(self) -> Path:
        """Where condensers keep what several cells use; HARNESS_CACHE names one for all runs."""
        return shared_folder(self.root)

    def work(self, key: str) -> Path:
        """Where an unfinished cell keeps its checkpoints."""
        return self.folder(key) / "unfinished"

    def set_path(self, key: str) -> Path:
        """Where the set of a cell is, or will be."""
        return self.folder(key) / SET

    def done(self, key: str) -> bool:
        """Whether there is a record; `examine` says whether it is the cell's own and intact."""
        return (self.folder(key) / RECORD).is_file()

    def finished_at(self, key: str) -> float:
        """When a finished cell was finished, in seconds of the system's clock."""
        return (self.folder(key) / RECORD).stat().st_mtime

    def record(self, key: str) -> dict[str, Any]:
        """Read the record of a finished cell.

        Args:
            key: the key of the cell, 16 hex digits.

        Returns:
            The record: kind, cell, keyed_by, environment, command, seconds, energy, and outcome.

        Raises:
            Damaged: the record is not intact, or is that of another cell.
            OtherFormat: it is of a format that this version does not read.
        """
        return _read_own(RecordShape, self.folder(key) / RECORD, key)

    def write_record(self, key: str, record: Mapping[str, Any]) -> None:
        """Write the record of a finished cell; remove its checkpoints and an earlier failure."""
        write_sealed(self.folder(key) / RECORD, {**record, "format": FORMAT, "key": key})
        shutil.rmtree(self.work(key), ignore_errors=True)
        (self.folder(key) / FAILURE).unlink(missing_ok=True)

    def require_intact(self, key: str) -> Path:
        """Check the set of a cell against its record.

        Returns:
            The path of the set.

        Raises:
            Damaged: the bytes of the set or of its card are not those that its record names.
        """
        record = self.record(key)
        for name, written in ((SET, record.get("set")), (CARD, record.get("card"))):
            if written is not None or name == SET:
                _require_digest(self.folder(key) / name, written)
        return self.set_path(key)

    def examine(self, keys: Iterable[str]) -> CellStates:
        """Read and check what is there of some cells.

        Args:
            keys: their keys; a cell of which nothing is there is left out.

        Returns:
            Records and failures whose format, key and checksum are right (and, of a record, the
            bytes of its set and card); the faults of the others.
        """
        states = CellStates()
        for key in keys:
            try:
                self._examine_cell(key, states)
            except (Damaged, OtherFormat) as fault:
                states.faults[key] = fault
        return states

    def _examine_cell(self, key: str, states: CellStates) -> None:
        folder = self.folder(key)
        if os.path.lexists(folder) and not folder.is_dir():
            raise damaged(folder, "a file is in place of the cell's folder")
        if os.path.lexists(folder / RECORD):
            record = self.record(key)
            if record.get("set") is not None:
                self.require_intact(key)
            states.records[key] = record
        elif (failure := self.failure(key)) is not None:
            states.failures[key] = failure

    @contextmanager
    def claim(self, key: str, must_stop: Callable[[], bool]) -> Iterator[bool]:
        """Keep every other process, on whatever node, from writing the cell meanwhile.

        The claim ends with the process that holds it; a process that finds one waits.

        Args:
            key: the key of the cell.
            must_stop: whether to give up waiting.

        Yields:
            Whether the cell is still to be computed; False if another process finished it.

        Raises:
            Interrupted: must_stop() became true while it waited.
            StorageFailed: the folder of the cell cannot be written.
        """
        with hold_claim(self.folder(key), must_stop):
            yield not self.done(key)

    def adopt(self, key: str, other: "Store") -> bool:
        """Copy a finished cell of another run, with its set.

        Returns:
            False if that run has not finished the cell.

        Raises:
            Damaged: the cell is not intact there.
        """
        if not other.done(key):
            return False
        other.examine([key]).require_sound()
        partial = self.folder(key).with_name(f".{key}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        for name in (SET, CARD, RECORD):
            if (other.folder(key) / name).is_file():
                write_atomically(partial / name, (other.folder(key) / name).read_bytes())
        shutil.rmtree(self.folder(key), ignore_errors=True)
        partial.rename(self.folder(key))
        sync_folder(partial.parent)
        return True

    def write_failure(self, key: str, failure: Mapping[str, Any]) -> None:
        """Write how a cell failed: its cell, a sentence and a traceback."""
        write_sealed(self.folder(key) / FAILURE, {**failure, "format": FORMAT, "key": key})

    def failure(self, key: str) -> dict[str, Any] | None:
        """Read how a cell failed; None if it did not."""
        path = self.folder(key) / FAILURE
        return _read_own(FailureShape, path, key) if os.path.lexists(path) else None

    @property
    def description(self) -> Path:
        """The file that says what is being run."""
        return self.root / "suite.json"

    @property
    def described(self) -> bool:
        """Whether there is a description; `suite` checks it."""
        return os.path.lexists(self.description)

    def describe(self, description: Mapping[str, Any]) -> None:
        """Write what is being run; see `SuitePlan.describe`."""
        write_sealed(self.description, {**description, "format": FORMAT})

    def suite(self) -> dict[str, Any]:
        """Read what is being run.

        Returns:
            The description: suite, about, command, cells (keys in order), design, environment.

        Raises:
            UsageError: the directory is not a run directory.
            Damaged: the description is not intact.
            OtherFormat: it is of a format that this version does not read.
        """
        if not self.described and any(self.root.glob("cells/*")):
            raise damaged(self.description, "it is gone, though there are cells")
        if not self.described:
            raise UsageError(
                f"{self.root}: not a run directory (no suite.json in it); harness runs lists them"
            )
        found = read_sealed(self.description)
        if "format" not in found:
            _require_shape(SuiteShape, self.description, found)
            version = (found.get("environment") or {}).get("harness", "an earlier version")
            raise OlderFormat(
                f"{self.root}: was written by harness {version} in an older format; report it with"
                f" that version, or compute it anew with: {found.get('command', 'harness run')}"
            )
        require_format(self.description, found["format"])
        _require_shape(SuiteShape, self.description, found)
        return found

    def contents(self) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
        """Read all that the directory holds.

        Returns:
            The description of the suite; the records and the failures of its cells, in its order,
            under the names that the suite has for them.

        Raises:
            Damaged, OtherFormat: as `suite` and `record` raise them, with a line for each fault.
        """
        suite = self.suite()
        found = self.examine(suite["cells"])
        found.require_sound()
        names = dict(zip(suite["cells"], suite.get("names") or (), strict=False))
        records, failures = (
            [_under_names(each, names.get(each["key"])) for each in states.values()]
            for states in (found.records, found.failures)
        )
        return suite, records, failures

    def fingerprint(self) -> str:
        """SHA-256 of all bytes that `contents` reads: equal as long as it would return the same.

        Raises:
            Damaged, OtherFormat: as `suite` raises them.
        """
        suite = self.suite()
        found = hashlib.sha256(repr(suite).encode())
        for key in suite["cells"]:
            for name in (RECORD, FAILURE, SET, CARD):
                found.update(f"{key} {name} {_digest_if_there(self.folder(key) / name)}\n".encode())
        return found.hexdigest()

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Make the directory, and keep a second run out of it until the end of the block.

        Raises:
            UsageError: the directory cannot be written, or is in use; the text says by whom.
        """
        with hold_lock(self.root):
            yield

    def in_use(self) -> bool:
        """Whether a run holds the lock now; False if the file system cannot tell."""
        return is_locked(self.root)


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        found = hashlib.sha256()
        while part := file.read(PORTION):
            found.update(part)
        return found.hexdigest()


def _under_names(found: dict[str, Any], names: Sequence[str | None] | None) -> dict[str, Any]:
    """A record or failure, its cell called as its run calls it now."""
    if names is None or found.get("cell") is None:
        return found
    scenario, label = names
    return {**found, "cell": {**found["cell"], "scenario": scenario, "label": label}}


def _digest_if_there(path: Path) -> str:
    try:
        return digest(path)
    except OSError as fault:
        return f"{fault.errno}"


def _require_shape(shape: type[Shape], path: Path, found: Any) -> None:
    """Damaged if a file holds something of another shape, whatever its checksum says."""
    faults = brief_faults(shape, found)
    if faults:
        raise damaged(path, faults)


def _read_own(shape: type[Shape], path: Path, key: str) -> dict[str, Any]:
    """The record or failure at `path`, which must be the one of the cell `key`."""
    found = read_sealed(path)
    require_format(path, found.get("format"))
    if found.get("key") != key:
        raise damaged(path, f"it is the one of cell {shown(found.get('key'))}")
    _require_shape(shape, path, found)
    try:
        belongs = key_of_record(found) if "keyed_by" in found else key
    except (KeyError, TypeError, AttributeError):
        raise damaged(path, "it does not say of which cell it is") from None
    if belongs != key:
        raise damaged(path, f"what it says of its cell has the key {belongs}")
    return found


def _require_digest(path: Path, written: Any) -> None:
    """Damaged if a file is gone, or has another SHA-256 than was written (None: none was)."""
    if not path.is_file():
        raise damaged(path, "a directory is in its place" if path.is_dir() else "it is gone")
    if written is not None and digest(path) != written:
        raise damaged(path, "its bytes are not those that were written")
