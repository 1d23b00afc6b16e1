"""Who holds the lock of a run directory: what is written into it, and what may be believed of that.

The lock itself is the kernel's and goes with the process that took it. The text in it can be older:
a process that was killed leaves it, its number may be another process's by now, and numbers of
other machines mean nothing here.
"""

import json
import os
import shlex
import socket
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from condensers.plain import parse_json
from condensers.schema import faults_of
from harness.store.shapes import HolderShape

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
    def here() -> "Holder":
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

    def written(self) -> str:
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
