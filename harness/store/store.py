"""The run store: one directory a cell, every file written to a temporary name and renamed.

RUN/suite.json            the suite's name, its command, the cells in order
RUN/cells/KEY/record.json a finished cell; failure.json a failed one; set.safetensors a made set;
unfinished/ checkpoints RUN/cache/                what cells share whatever their seeds, such as
experts; made anew where it is missing
"""

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from condensers.engine.cache import HELD, take_lock
from condensers.engine.files import (
    make_folder,
    read_sealed,
    sync_folder,
    write_atomically,
    write_sealed,
)
from condensers.errors import (
    Damaged,
    Interrupted,
    OlderFormat,
    OtherFormat,
    StorageFailed,
    UsageError,
    damaged,
    shown,
)
from condensers.schema import Shape, brief_faults
from harness.process import shared_folder
from harness.store.locks import Holder
from harness.store.shapes import FailureShape, RecordShape, SuiteShape
from harness.suite.cell import key_of_record

FORMAT = 2
CLAIM_SECONDS = 0.5
LOCK_SECONDS = 0.5  # for as long may `runs` look at a lock, or a process that is ending hold it
RECORD, SET, CARD, FAILURE = "record.json", "set.safetensors", "set.card.json", "failure.json"
PORTION = 2**20  # bytes


@dataclass(frozen=True)
class Examined:
    """What is there of some cells, by key: records and failures that are fine, faults of the
    others.
    """

    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    failures: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: dict[str, UsageError] = field(default_factory=dict)

    def require_sound(self) -> None:
        """Raise all faults as one, a sentence each."""
        found = list(self.faults.values())
        if found:
            raise type(found[0])("\n".join(map(str, found)))


class Store:
    """A run directory.

    Reading needs nothing but the files; writing is safe against a pulled plug.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, key: str) -> Path:
        return self.root / "cells" / key

    @property
    def cache(self) -> Path:
        """Where condensers keep what several cells use; several runs too, where HARNESS_CACHE names
        a folder.
        """
        return shared_folder(self.root)

    def work(self, key: str) -> Path:
        """Where an unfinished cell keeps its checkpoints."""
        return self.folder(key) / "unfinished"

    def set_path(self, key: str) -> Path:
        return self.folder(key) / SET

    def done(self, key: str) -> bool:
        """Whether there is a record; `examine` says whether it is the cell's own and intact."""
        return (self.folder(key) / RECORD).is_file()

    def finished_at(self, key: str) -> float:
        """When a finished cell was finished, in seconds of the system's clock."""
        return (self.folder(key) / RECORD).stat().st_mtime

    def record(self, key: str) -> dict[str, Any]:
        """The record of a finished cell; Damaged where it is not intact or another's;
        OtherFormat.
        """
        return _own(RecordShape, self.folder(key) / RECORD, key)

    def write_record(self, key: str, record: Mapping[str, Any]) -> None:
        """The cell is finished: its checkpoints go, and an earlier failure with them."""
        write_sealed(self.folder(key) / RECORD, {**record, "format": FORMAT, "key": key})
        shutil.rmtree(self.work(key), ignore_errors=True)
        (self.folder(key) / FAILURE).unlink(missing_ok=True)

    def require_intact(self, key: str) -> Path:
        """The path of a made set; Damaged where its bytes or its card's are not those of its
        record.
        """
        record = self.record(key)
        for name, written in ((SET, record.get("set")), (CARD, record.get("card"))):
            if written is not None or name == SET:
                _require_digest(self.folder(key) / name, written)
        return self.set_path(key)

    def examine(self, keys: Iterable[str]) -> Examined:
        """Read what is there of some cells, and check it.

        Format, key and checksum of each record and failure; the bytes of each set and card.
        """
        found = Examined()
        for key in keys:
            try:
                self._read(key, found)
            except (Damaged, OtherFormat) as fault:
                found.faults[key] = fault
        return found

    def _read(self, key: str, found: Examined) -> None:
        folder = self.folder(key)
        if os.path.lexists(folder) and not folder.is_dir():
            raise damaged(folder, "a file is in place of the cell's folder")
        if os.path.lexists(folder / RECORD):
            record = self.record(key)
            if record.get("set") is not None:
                self.require_intact(key)
            found.records[key] = record
        elif (failure := self.failure(key)) is not None:
            found.failures[key] = failure

    @contextmanager
    def claim(self, key: str, must_stop: Callable[[], bool]) -> Iterator[bool]:
        """Keep every other process, on whatever node, from writing the cell meanwhile.

        Waits while another one does; False where that finished the cell. The claim goes with the
        process that holds it. Raises Interrupted while it waits, when must_stop() is true.
        """
        path = self.folder(key) / ".lock"
        try:
            make_folder(path.parent)
            file = path.open("w")
        except OSError as fault:
            raise StorageFailed(
                f"{path}: cannot be written ({fault.strerror}); make room, and run it again"
            ) from fault
        with file:
            while not take_lock(file, path):
                if must_stop():
                    raise Interrupted(f"stopped while another process had the cell {key}")
                time.sleep(CLAIM_SECONDS)
            yield not self.done(key)

    def adopt(self, key: str, other: "Store") -> bool:
        """Copy a finished cell of another run, with its set; False where that run has not finished
        it.

        Damaged where the cell is not intact there.
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
        write_sealed(self.folder(key) / FAILURE, {**failure, "format": FORMAT, "key": key})

    def failure(self, key: str) -> dict[str, Any] | None:
        """How a cell failed; None where it did not."""
        path = self.folder(key) / FAILURE
        return _own(FailureShape, path, key) if os.path.lexists(path) else None

    @property
    def description(self) -> Path:
        return self.root / "suite.json"

    @property
    def described(self) -> bool:
        """Whether anything is in the description's place; `suite` says whether it is one."""
        return os.path.lexists(self.description)

    def describe(self, description: Mapping[str, Any]) -> None:
        """Say in the directory what is being run."""
        write_sealed(self.description, {**description, "format": FORMAT})

    def suite(self) -> dict[str, Any]:
        """What the directory says of itself; Damaged where that is not intact; OtherFormat."""
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
        _require_format(self.description, found["format"])
        _require_shape(SuiteShape, self.description, found)
        return found

    def contents(self) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
        """The suite's description, and the records and failures of its cells, in the suite's order.

        Raises Damaged or OtherFormat with all that is wrong, a line each.
        """
        suite = self.suite()
        found = self.examine(suite["cells"])
        found.require_sound()
        return suite, list(found.records.values()), list(found.failures.values())

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Make the directory and keep a second run out of it; the lock goes with the process that
        holds it.

        UsageError where the directory cannot be written or is in use; it says by whom.
        """
        try:
            make_folder(self.root)
            file = (self.root / ".lock").open("a+")
        except OSError as fault:
            raise UsageError(
                f"{self.root}: cannot be written ({fault.strerror}); choose another place with"
                " --out"
            ) from fault
        with file:
            begun = time.monotonic()
            while not take_lock(file, self.root / ".lock"):
                if time.monotonic() - begun > LOCK_SECONDS:
                    file.seek(0)
                    holder = Holder.read(file.read())
                    raise UsageError(
                        f"{self.root}: another run is using it ({holder}); wait for it, or choose"
                        " another --out"
                    )
                time.sleep(LOCK_SECONDS / 10)
            file.truncate(0)
            file.write(Holder.here().written())
            file.flush()
            try:
                yield
            finally:
                file.truncate(0)  # who comes next must not read of one that has ended

    def in_use(self) -> bool:
        """Whether a run holds the lock now; False where the file system does not tell."""
        try:
            file = (self.root / ".lock").open("rb")
        except OSError:
            return False
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError as fault:
                return fault.errno in HELD
        return False


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        found = hashlib.sha256()
        while part := file.read(PORTION):
            found.update(part)
        return found.hexdigest()


def _require_shape(shape: type[Shape], path: Path, found: Any) -> None:
    """Damaged where a file holds something of another shape, whatever its checksum says."""
    faults = brief_faults(shape, found)
    if faults:
        raise damaged(path, faults)


def _own(shape: type[Shape], path: Path, key: str) -> dict[str, Any]:
    """The record or failure at `path`, which must be the one of the cell `key`."""
    found = read_sealed(path)
    _require_format(path, found.get("format"))
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


def _require_format(path: Path, found: Any) -> None:
    if found == FORMAT:
        return
    if isinstance(found, bool) or not isinstance(found, int):
        raise damaged(path, "it says no format")
    said = f"{path}: is of format {found}, and this harness reads {FORMAT}"
    if found < FORMAT:
        raise OlderFormat(f"{said}; compute it anew with: harness run")
    raise OtherFormat(f"{said}; update the harness, or choose another directory")


def _require_digest(path: Path, written: Any) -> None:
    """Damaged where a file is not there, or has not the SHA-256 that was written (None: none
    was).
    """
    if not path.is_file():
        raise damaged(path, "a directory is in its place" if path.is_dir() else "it is gone")
    if written is not None and digest(path) != written:
        raise damaged(path, "its bytes are not those that were written")
