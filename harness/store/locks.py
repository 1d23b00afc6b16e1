"""The locks of a run directory and of its cells, and who holds one.

The lock itself is the kernel's and goes with the process that took it. The text in it can be older:
a process that was killed leaves it, its number may be another process's by now, and numbers of
other machines mean nothing here.
"""

import fcntl
import json
import os
import shlex
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from condensers.engine.cache import HELD, take_lock
from condensers.engine.files import make_folder
from condensers.errors import Interrupted, StorageFailed, UsageError
from condensers.plain import parse_json
from condensers.schema import faults_of
from harness.store.shapes import HolderShape

CLAIM_SECONDS = 0.5
LOCK_SECONDS = 0.5  # for as long may `runs` look at a lock, or a process that is ending hold it
BOOT = Path("/proc/sys/kernel/random/boot_id")
STARTED = 19  # in /proc/PID/stat after the command's name: clock ticks from the boot to its start


@dataclass(frozen=True)
class Holder:
    """A process. started: boot of its machine, and its start in ticks; "" where there is no
    /proc.
    """

    process: int = 0
    host: str = ""
    command: str = ""
    started: str = ""

    @staticmethod
    def of_this_process() -> "Holder":
        """This process."""
        process = os.getpid()
        return Holder(process, socket.gethostname(), shlex.join(sys.argv), _started(process))

    @staticmethod
    def read(text: str) -> "Holder":
        """The one that wrote `text`; one without a number where nothing readable is there."""
        try:
            found = parse_json(text.encode())
        except ValueError:
            return Holder()
        if faults_of(HolderShape, found):
            return Holder()
        return Holder(
            **{
                name: found[name]
                for name in ("process", "host", "command", "started")
                if name in found
            }
        )

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    def __str__(self) -> str:
        """In words, and no more than can be known from here."""
        if not self.process:
            return "which one, its lock does not say"
        if self.host != socket.gethostname():
            return f"process {self.process} on the machine {self.host}: {self.command}"
        if self.started and self.started != _started(self.process):
            return (
                f"which one is not known: the last to say so, process {self.process}, has ended,"
                " and what it started may hold the lock still"
            )
        return f"process {self.process} on {self.host}: {self.command}"


def _started(process: int) -> str:
    """Tells a process from a later one of the same number; "" where it is not there."""
    try:
        said = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
        ticks = said.rpartition(")")[2].split()[STARTED]
        return f"{BOOT.read_text(encoding='utf-8').strip()} {ticks}"
    except (OSError, IndexError):
        return ""


@contextmanager
def hold_claim(folder: Path, must_stop: Callable[[], bool]) -> Iterator[None]:
    """Claim the cell of `folder` until the end of the block; wait while another process has it.

    Raises Interrupted if must_stop() while it waits.
    """
    path = folder / ".lock"
    try:
        make_folder(folder)
        file = path.open("w")
    except OSError as fault:
        raise StorageFailed(
            f"{path}: cannot be written ({fault.strerror}); make room, and run it again"
        ) from fault
    with file:
        while not take_lock(file, path):
            if must_stop():
                raise Interrupted(f"stopped while another process had the cell {folder.name}")
            time.sleep(CLAIM_SECONDS)
        yield


@contextmanager
def hold_lock(root: Path) -> Iterator[None]:
    """Make the run directory and lock it until the end of the block; UsageError if it is in use."""
    try:
        make_folder(root)
        file = (root / ".lock").open("a+")
    except OSError as fault:
        raise UsageError(
            f"{root}: cannot be written ({fault.strerror}); choose another place with --out"
        ) from fault
    with file:
        begun = time.monotonic()
        while not take_lock(file, root / ".lock"):
            if time.monotonic() - begun > LOCK_SECONDS:
                file.seek(0)
                holder = Holder.read(file.read())
                raise UsageError(
                    f"{root}: another run is using it ({holder}); wait for it, or choose another"
                    " --out"
                )
            time.sleep(LOCK_SECONDS / 10)
        file.truncate(0)
        file.write(Holder.of_this_process().to_json())
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)  # who comes next must not read of one that has ended


def is_locked(root: Path) -> bool:
    """Whether a process holds the lock of a run directory; False if the file system cannot tell."""
    try:
        file = (root / ".lock").open("rb")
    except OSError:
        return False
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as fault:
            return fault.errno in HELD
    return False
