"""The task file that the processes of NNI's training service read."""

import ctypes
import io
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from condensers.engine.context import Context
from condensers.engine.files import write_memo as write_row
from condensers.registry import import_path
from condensers.registry.registry import is_registered
from scenarios.search.judging import Judging

if TYPE_CHECKING:
    from scenarios.search.engines.engines import ServiceEngine

TASK, TRIALS, LOG = "task.pt", "trials.json", "service.log"
PR_SET_PDEATHSIG = 1
OWNER = "HARNESS_SEARCH_OWNER"  # in the environment: id of the process that started this one


@dataclass(frozen=True)
class Task:
    """A search as its trials see it.

    engine: how NNI starts trials. folder: where rows are kept; None where trials do not see it, on
    another machine. threads: of torch, in each trial.
    """

    judging: Judging
    engine: "ServiceEngine"
    seed: int
    device: torch.device
    folder: Path | None
    cache: Path | None
    checkpoint_seconds: float
    threads: int

    def context(self) -> Context:
        """Return the context of a trial's judge; a trial is stopped by ending its process."""
        return Context(
            self.seed,
            self.device,
            self.folder,
            self.cache,
            checkpoint_seconds=self.checkpoint_seconds,
        )


def write_task(task: Task, path: Path) -> None:
    """Write the task, and the files that parts of it were loaded from: where it is read, they may
    not be.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    pickled = io.BytesIO()
    torch.save(task, pickled)
    torch.save([[tuple(source) for source in import_path.sources()], pickled.getvalue()], path)


def read_task(path: Path) -> Task:
    """Read what `write_task` wrote.

    The file names code to run, so it is never one from somewhere else.
    """
    sources, pickled = torch.load(path, weights_only=False)
    import_path.load_sources([import_path.LoadedFile(*source) for source in sources], is_registered)
    task: Task = torch.load(io.BytesIO(pickled), weights_only=False)
    return task


def row_path(folder: Path, name: str) -> Path:
    """The file of an architecture that has a score: `Context.memo("row", ...)` of its own
    folder.
    """
    return folder / f"architecture-{name}" / "row.json"


def error_path(folder: Path, name: str) -> Path:
    """The file of an architecture whose last trial failed."""
    return folder / f"architecture-{name}" / "error.json"


def keep_row(row: Mapping[str, Any], folder: Path) -> None:
    """Write the row of an architecture where those who wait for it look."""
    path = (error_path if "error" in row else row_path)(folder, row["id"])
    write_row(path, dict(row))


def end_with_parent(number: int) -> None:
    """Have the system send this process a signal when its parent is gone (Linux; elsewhere nothing
    happens).
    """
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)
