"""One cell at work in some process: what it tells of itself a few times a second, and the state it
ends in.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from condensers.engine.context import Progress
from condensers.errors import Interrupted
from harness.running.cell_work import Hooks, Settings, run_cell
from harness.suite.cell import Cell
from scenarios.datasets import load
from scenarios.protocol import Splits

EVENT_SECONDS = 0.2


@dataclass(frozen=True)
class Event:
    """What happened: state is started, progress, done, failed, interrupted or lost."""

    key: str
    state: str
    progress: Progress | None = None


Listener = Callable[[Event], None]


@lru_cache(maxsize=2)
def load_data(name: str, settings: Settings) -> Splits:
    return load(name, data_dir=settings.data_dir, validation=settings.validation)


def work(
    cell: Cell, settings: Settings, listen: Listener, stopped: Callable[[], bool], data: Splits
) -> str:
    """Run one cell; "done", "failed" or "interrupted"."""
    told = 0.0

    def tell(progress: Progress) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told >= EVENT_SECONDS:
            told = now
            listen(Event(cell.key, "progress", progress))

    listen(Event(cell.key, "started"))
    try:
        return run_cell(cell, settings, Hooks(tell, stopped), data)
    except Interrupted:
        return "interrupted"
