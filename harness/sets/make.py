"""One set outside a suite: progress on the terminal, checkpoints beside the file, card and
preview.
"""

import hashlib
import io
import json
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from condensers.data import ClassData
from condensers.engine.context import Context, Progress
from condensers.engine.files import write_atomically
from condensers.errors import Interrupted, UsageError
from condensers.hyperparameters import settings_of
from condensers.registry.code_digest import code_of
from condensers.sets.doubts import with_doubts
from condensers.sets.files import save_set
from condensers.sets.synthetic_set import Budget, SyntheticSet
from harness import energy
from harness.printable import flat
from harness.process import resume_advice, shared_folder, stop_on_signals
from harness.report.set_sheets import draw_set
from harness.running.time_left import EveryMinute
from scenarios.datasets.naming import locate_folders, runs_code


def make_set(
    condenser: Any, train: ClassData, budget: Budget, path: Path, run: tuple[int, str]
) -> SyntheticSet:
    """Condense and save; run is (seed, device). A checkpoint folder FILE.work lives until the set
    is saved.

    What other sets can use too, such as experts, stays in a folder `cache` beside the file (or in
    HARNESS_CACHE).
    """
    seed, device = run
    asked = [condenser.registered, settings_of(condenser), code_of(condenser)]
    determines = [*asked, train.digest, [budget.ipc, budget.nbytes], seed]
    with (
        checkpoint_folder(path, determines) as folder,
        progress_context(folder, seed, device) as lent,
    ):
        context = replace(lent, cache=shared_folder(path.parent))
        with energy.meter_of_work(folder, device) as metered:
            made: SyntheticSet = metered.add_joules(condenser.condense(train, budget, context))
        synthetic = with_doubts(made, train)
        save_set(synthetic, path)
    write_atomically(path.with_suffix(".png"), preview(synthetic))
    return synthetic


def dataset_of_card(synthetic: SyntheticSet, file: Path) -> str:
    """The data set that the card of a set names, a folder's looked for here and beside the file.

    UsageError where loading it would run code, which only the user may ask for; DataMissing where a
    folder is not found.
    """
    name = str(synthetic.card["dataset"])
    if runs_code(name):
        raise UsageError(
            f"{file}: its card names {name} as its data set, which is code; if you trust that code,"
            " pass its import path: --data FILE.py:Name"
        )
    return locate_folders(name, file)


@contextmanager
def checkpoint_folder(path: Path, determines: Any) -> Iterator[Path]:
    """A folder FILE.work/HASH for the checkpoints of work that `determines` defines; removed when
    the work is done.
    """
    work = path.with_suffix(".work")
    yield work / hashlib.sha256(json.dumps(determines).encode()).hexdigest()[:16]
    shutil.rmtree(work, ignore_errors=True)


@contextmanager
def progress_context(folder: Path | None, seed: int, device: str) -> Iterator[Context]:
    """A Context with a progress bar that stops on Ctrl-C and SIGTERM, and says which line goes on
    from there. Without a terminal it prints a line once a minute.
    """
    flag, console, lines = threading.Event(), Console(stderr=True), EveryMinute()
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    bars = Bars(*columns, console=console, disable=not console.is_terminal)
    task = bars.add_task("starting", total=None)

    def show(event: Progress) -> None:
        bars.update(
            task,
            description=flat(f"{event.name} {event.note}"),
            completed=event.done,
            total=event.total,
        )
        if not console.is_terminal and lines.due():
            line = flat(f"{event.name} {event.done}/{event.total} {event.note}")
            console.print(line, markup=False, highlight=False, soft_wrap=True)

    try:
        with stop_on_signals(flag), bars:
            yield Context(
                seed=seed,
                device=torch.device(device),
                folder=folder,
                progress=show,
                stop=flag.is_set,
            )
    except Interrupted:
        print(resume_advice(), file=sys.stderr)
        raise


def preview(synthetic: SyntheticSet) -> bytes:
    """A PNG: a row a class, at most ten images each, magnified where they are small."""
    picture, file = draw_set(synthetic), io.BytesIO()
    scale = max(1, 56 // synthetic.card["shape"][-1])
    picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST).save(
        file, "PNG"
    )
    return file.getvalue()
