"""The same command again on a run that is finished: answered without planning it anew.

A plan needs torch, every data set and the code behind every cell, which takes seconds. So a
finished run keeps the keys of its cells under all that they were planned from: suite and overrides,
code, packages, places, sizes and times of data files. Where any of it is new, or a cell is not
done, nothing is answered, and the run is planned as usual.
"""

import hashlib
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from condensers.errors import HarnessError
from harness.installation import OURS, digest_installation
from harness.report.text_cache import TextCache
from harness.store.store import Store
from harness.suite import definition
from scenarios.datasets.fingerprint import fingerprint

if TYPE_CHECKING:
    from harness.suite.definition import Suite
    from harness.suite.plan import SuitePlan

PLAN = "plan"
SETTINGS = ("HARNESS_", "CUDA", "CC", "OMP_")  # beginnings of names in the environment
GRAPHICS = Path("/dev/nvidiactl")


@dataclass(frozen=True)
class Request:
    """What a run was asked for, as far as it decides its cells.

    Args:
        suite: name or file of the suite.
        overrides: changes to it.
        out: the run directory; None for the one that is called after the suite.
        data_dir: the folder with the data sets; None for the usual one.
        device: as it was asked for.
        threads: threads of each process.
        limit: N of a trial; None for the whole suite.
    """

    suite: str
    overrides: Sequence[str]
    out: Path | None
    data_dir: Path | None
    device: str
    threads: int
    limit: int | None = None

    @cached_property
    def read(self) -> "Suite | None":
        """The suite; None where something is wrong with it, which the plan says."""
        try:
            found = definition.read(self.suite, self.overrides)
        except HarnessError:
            return None
        return None if found.faults else replace(found, limit=self.limit)

    @cached_property
    def key(self) -> str | None:
        """Digest of all that decides the cells; None where it cannot be said without a plan."""
        if self.read is None:
            return None
        data = [fingerprint(name, self.data_dir) for name in self.read.data]
        if None in data:
            return None
        named = {k: v for k, v in sorted(os.environ.items()) if k.startswith(SETTINGS)}
        machine = (platform.node(), GRAPHICS.exists(), self.device, self.threads, named)
        parts = (repr(self.read), data, machine, digest_installation())
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(frozen=True)
class FinishedRun:
    """A run whose cells are all done.

    Args:
        store: its directory.
        suite: the name of its suite.
        cells: how many there are.
        notes: what its data sets say, a sentence each.
    """

    store: Store
    suite: str
    cells: int
    notes: Sequence[str]


def keep_plan(request: Request, plan: "SuitePlan", store: Store, notes: Sequence[str]) -> None:
    """Keep what a run was planned from, if all cells are done and made by code of ours, whose
    digests are known.
    """
    sources = {id(cell.sources): cell.sources for cell in plan.cells}.values()
    ours = all(name.startswith(OURS) for found in sources for name in found)
    keys = [cell.key for cell in plan.cells]
    if request.key is None or not ours or not all(map(store.done, keys)):
        return
    cache = TextCache(store.root / "report")
    kept = {"described": store.suite(), "notes": list(notes)}
    cache.write(PLAN, request.key, json.dumps(kept))
    cache.discard_unused(PLAN)


def find_finished(request: Request, command: str) -> FinishedRun | None:
    """Find the run that a request asks for, if nothing of it is left to do.

    Args:
        request: what is asked for.
        command: the command, as the directory names it.
    """
    if request.read is None or request.key is None:
        return None
    store = Store(request.out or request.read.folder)
    known = TextCache(store.root / "report").read(PLAN, request.key)
    if known is None or store.in_use():
        return None
    kept = json.loads(known)
    try:
        described = store.suite()
    except HarnessError:
        return None
    keys = described["cells"]
    same = described == kept["described"] and described["command"] == command
    if not same or not all(map(store.done, keys)):
        return None
    return FinishedRun(store, request.read.name, len(keys), kept["notes"])
