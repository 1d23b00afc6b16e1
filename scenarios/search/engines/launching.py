"""A search whose trials are processes of NNI's training service: started, looked after and ended
from here.
"""

import json
import os
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from subprocess import DEVNULL, STDOUT, Popen, TimeoutExpired
from typing import TYPE_CHECKING, Any

import torch

from condensers.engine.context import Context, Progress
from condensers.engine.files import read_memo
from condensers.errors import Interrupted
from scenarios.search.engines.task import (
    LOG,
    OWNER,
    TASK,
    TRIALS,
    Task,
    error_path,
    row_path,
    write_task,
)
from scenarios.search.judging import Judging

if TYPE_CHECKING:
    from scenarios.search.engines.engines import ServiceEngine

SECONDS_A_LOOK = 0.2
SECONDS_TO_STOP = 20


def launch_search(
    engine: "ServiceEngine", judging: Judging, context: Context
) -> list[dict[str, Any]]:
    """Run the search of `judging` by NNI's training service, as `engine` says; a row for each
    architecture tried.

    Interrupted where the context says stop: trials under way go on from their checkpoints in the
    next run, finished ones are kept. RuntimeError where NNI itself fails.
    """
    with ExitStack() as stack:
        folder = (
            context.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ).absolute()
        home = folder / "nni"
        shutil.rmtree(home, ignore_errors=True)
        task = Task(
            judging,
            engine,
            context.seed,
            context.device,
            folder if engine.sees_folder else None,
            context.cache.absolute() if context.cache and engine.sees_folder else None,
            context.checkpoint_seconds,
            torch.get_num_threads(),
        )
        write_task(task, home / "code" / TASK)
        context.progress(Progress("search", 0, judging.plan.limit, engine.advice()))
        process = _start(folder)
        try:
            _wait_for(process, folder, judging.plan.limit, context)
        finally:
            _end(process)
            (home / "code" / TASK).unlink()
        if process.returncode:
            raise RuntimeError(f"NNI's training service failed: {_find_reason(home)}")
        return [
            _read_row(folder, judging, choice)
            for choice in json.loads((home / TRIALS).read_text(encoding="utf-8"))
        ]


def _start(folder: Path) -> "Popen[bytes]":
    """The process of the service, in a folder that holds the task and nothing else."""
    paths = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path)
    environment = {
        **os.environ,
        "PYTHONPATH": paths,
        OWNER: str(os.getpid()),
        "NNI_FRAMEWORK": "none",
    }
    command = [sys.executable, "-m", "scenarios.search.engines.service", str(folder)]
    with (folder / "nni" / LOG).open("wb") as log:
        return Popen(
            command,
            cwd=folder / "nni" / "code",
            env=environment,
            stdin=DEVNULL,
            stdout=log,
            stderr=STDOUT,
            start_new_session=True,  # Ctrl-C is for the command alone
        )


def _wait_for(process: "Popen[bytes]", folder: Path, total: int, context: Context) -> None:
    """Wait for the service to end, telling how many architectures are done."""
    told = 0
    while process.poll() is None:
        if context.must_stop():
            raise Interrupted("search: stopped with trials under way")
        done = len([*folder.glob("architecture-*/row.json")])
        if done != told:
            context.progress(Progress("search", min(done, total), total))
            told = done
        time.sleep(SECONDS_A_LOOK)


def _end(process: "Popen[bytes]") -> None:
    """Have the service stop its trials; should it not, what it started ends once it is gone."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(SECONDS_TO_STOP)
        except TimeoutExpired:
            pass
        finally:  # also where the one who waits is stopped
            process.kill()
    process.wait()


def _find_reason(home: Path) -> str:
    """The first error of NNI's server, else the last line of what ran it."""
    server = "".join(
        path.read_text(encoding="utf-8", errors="replace")
        for path in home.glob("*/log/nnimanager.log")
    )
    own = (home / LOG).read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return next(
        (line for line in server.splitlines() if "] ERROR" in line),
        own[-1] if own else "it left no log",
    )


def _read_row(folder: Path, judging: Judging, choice: dict[str, Any]) -> dict[str, Any]:
    """What is known of one trial; our files count, not what NNI says: it calls some of these
    trained.
    """
    name = judging.plan.identifier(choice)
    for path in (row_path(folder, name), error_path(folder, name)):
        if path.exists():
            row: dict[str, Any] = read_memo(path)
            return row
    return judging.make_failure_row(choice, "its trial ended without a score and without an error")
