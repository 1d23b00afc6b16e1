"""Runs cells in worker processes (concurrent.futures), each cell as soon as the set it needs is there.

Ctrl-C and SIGTERM ask the workers to stop: each saves a checkpoint and ends. A worker whose parent is gone ends at once.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from queue import Empty
from typing import Any

from condensers.context import Progress
from condensers.errors import Interrupted, WorkFailed
from harness.cells import Cell
from harness.execute import Hooks, Settings, run_cell
from harness.runtime import prepare
from scenarios.datasets import load
from scenarios.protocol import Splits

EVENT_SECONDS = 0.2


@dataclass(frozen=True)
class Event:
    """What happened: state is started, progress, done, failed or interrupted."""

    key: str
    state: str
    progress: Progress | None = None


Listener = Callable[[Event], None]


@lru_cache(maxsize=2)
def load_data(name: str, settings: Settings) -> Splits:
    return load(name, data_dir=settings.data_dir, validation=settings.validation)


def run(cells: Sequence[Cell], settings: Settings, workers: int, listen: Listener, stop: Any, data: Mapping[str, Splits]) -> None:
    """Run all `cells`, which are in an order that puts sets before their uses.

    stop: an Event-like flag. data: the data sets by name, used where one worker means this process; others load their own.
    """
    if workers == 1:
        _run_here(cells, settings, listen, stop, data)
    else:
        _run_in_processes(cells, settings, workers, listen, stop)


def _run_here(cells: Sequence[Cell], settings: Settings, listen: Listener, stop: Any, data: Mapping[str, Splits]) -> None:
    failed: set[str] = set()
    for cell in cells:
        if stop.is_set():
            raise Interrupted("stopped between cells")
        if cell.needs in failed:
            listen(Event(cell.key, "failed"))
            continue
        state = _work(cell, settings, listen, stop, data[cell.data])
        if state == "failed":
            failed.add(cell.key)
        listen(Event(cell.key, state))
        if state == "interrupted":
            raise Interrupted("stopped inside a cell")


def _work(cell: Cell, settings: Settings, listen: Listener, stop: Any, data: Splits) -> str:
    """Run one cell, telling of its progress a few times a second; the state it ended in."""
    told = 0.0

    def tell(progress: Progress) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told >= EVENT_SECONDS:
            told = now
            listen(Event(cell.key, "progress", progress))

    listen(Event(cell.key, "started"))
    try:
        return run_cell(cell, settings, Hooks(tell, stop.is_set), data)
    except Interrupted:
        return "interrupted"


def _run_in_processes(cells: Sequence[Cell], settings: Settings, workers: int, listen: Listener, stop: Any) -> None:
    start = multiprocessing.get_context("spawn")
    events, halt = start.Queue(), start.Event()
    waiting = {cell.key: cell for cell in cells}
    states: dict[str, str] = {}
    running: dict[Future[str], Cell] = {}
    batch, stopped = frozenset(waiting), False
    with ProcessPoolExecutor(workers, start, _enter_worker, (events, halt, settings.threads)) as executor:
        try:
            while waiting or running:
                stopped = stopped or stop.is_set()
                if stopped:
                    halt.set()
                    waiting.clear()
                for cell in _ready(waiting, states, batch, listen)[: workers - len(running)]:
                    running[executor.submit(_in_worker, cell, settings)] = waiting.pop(cell.key)
                finished, _ = wait(running, timeout=EVENT_SECONDS, return_when=FIRST_COMPLETED)
                _drain(events, listen)
                for future in finished:
                    cell = running.pop(future)
                    states[cell.key] = _state(future)
                    stopped = stopped or states[cell.key] == "interrupted"
                    listen(Event(cell.key, states[cell.key]))
        finally:
            halt.set()
    _drain(events, listen)
    if stopped:
        raise Interrupted("stopped")


def _ready(waiting: dict[str, Cell], states: dict[str, str], batch: frozenset[str], listen: Listener) -> list[Cell]:
    """The waiting cells whose set is there; those whose set failed are struck out."""
    for cell in list(waiting.values()):
        if states.get(cell.needs or "") == "failed":
            states[cell.key] = "failed"
            listen(Event(waiting.pop(cell.key).key, "failed"))
    return [c for c in waiting.values() if c.needs not in batch or states.get(c.needs or "") == "done"]


def _state(future: "Future[str]") -> str:
    try:
        return future.result()
    except BrokenProcessPool:
        raise WorkFailed(
            "a worker process was killed, perhaps for want of memory; what was finished is kept: run again with fewer --workers"
        ) from None


def _drain(events: Any, listen: Listener) -> None:
    while True:
        try:
            listen(events.get_nowait())
        except Empty:
            return


# A pool hands queues and events to its workers only at their start, so each worker keeps them here.
_worker: dict[str, Any] = {}


def _enter_worker(events: Any, halt: Any, threads: int) -> None:
    """Runs once in each worker: signals are the parent's business, and a worker does not outlive its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    prepare(threads)
    _worker.update(events=events, halt=halt)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _in_worker(cell: Cell, settings: Settings) -> str:
    return _work(cell, settings, _worker["events"].put, _worker["halt"], load_data(cell.data, settings))


@contextmanager
def stop_on_signals(flag: Any) -> Iterator[None]:
    """Set `flag` on Ctrl-C and SIGTERM; a second Ctrl-C ends the process at once."""

    def ask(number: int, frame: Any) -> None:
        if flag.is_set() and number == signal.SIGINT:
            os._exit(130)
        flag.set()

    previous = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
