"""One trial of NNI's training service: a process that judges one architecture and leaves its row
behind.
"""

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import nni
import torch

from scenarios.search.engines.task import OWNER, error_path, keep_row, read_task
from scenarios.search.judging import end_process_when

GRACE = 5.0


def run_trial(model: Any, task: str) -> None:
    """What NNI calls with the frozen model. task: path of the task's file.

    The row goes to the cell's folder, or where that is on another machine, to NNI as an
    intermediate result. An architecture that has a row is not judged again. A trial that hangs five
    seconds past the limit, or whose experiment is gone, is ended.
    """
    end_process_when(_is_owner_gone, lambda: None)
    work = read_task(Path(task))
    torch.set_num_threads(work.threads)
    tell: Callable[[Any], None] = partial(keep_row, folder=work.folder) if work.folder else _report
    judging, context = work.judging, work.context()
    name, seconds = judging.plan.identifier(model.choice), judging.plan.seconds
    if work.folder:
        error_path(work.folder, name).unlink(missing_ok=True)
    judging.sizes(
        model.choice
    )  # what this imports on the way takes seconds, which are not the architecture's
    if seconds:
        end = time.monotonic() + seconds + GRACE
        hung = judging.make_failure_row(
            model.choice,
            f"TimeoutError: it hung past the limit of {seconds:g} seconds; its process was ended",
        )
        end_process_when(lambda: time.monotonic() > end, lambda: tell(hung))
    try:
        place = context.fork(f"architecture-{name}")
        row = place.memo("row", lambda: judging.row(model.choice, context))
    except Exception as fault:
        tell(judging.make_failure_row(model.choice, f"{type(fault).__name__}: {fault}"))
        raise
    if work.folder is None:
        tell(row)
    nni.report_final_result(judging.plan.guide(row))


def _report(row: dict[str, Any]) -> None:
    """Send a row over the network; NNI wants a number called "default" beside it."""
    nni.report_intermediate_result({"default": row.get("score", 0.0), "row": row})


def _is_owner_gone() -> bool:
    """Whether the process that runs the experiment on this machine is gone; never true on another
    machine.
    """
    try:
        os.kill(int(os.environ.get(OWNER, os.getpid())), 0)
    except ProcessLookupError:
        return True
    return False
