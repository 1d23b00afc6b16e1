"""Runs cells in this process, in worker processes (concurrent.futures), or on a cluster.

Each worker is a pool of one process of its own, so that one that is killed takes only its own cell
with it. Between a worker and its parent there is nothing but pipes and one byte of shared memory: a
lock could be held by a process that is gone.
"""

import math
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from condensers.errors import Interrupted
from harness.process import GRACE, hear, held_back, prepare
from harness.running.cell_work import Settings
from harness.running.ray_cluster import Cluster, Needs
from harness.running.scheduler import drive
from harness.running.work import Event, Listener, load_data, work
from harness.store.store import Store
from harness.suite.cell import Cell
from scenarios.protocol import Splits

GIB = 2**30


@dataclass(frozen=True)
class Crew:
    """Who computes: `processes` here, of which one is this process itself, or a Ray cluster at an
    address.

    memory: GiB that a cell takes, by which Ray decides how many a node has room for. share: URL of
    a depot for its nodes. mix_versions: go on though this machine or a node has other versions of
    packages than the run began with.
    """

    processes: int | None
    ray: str | None = None
    memory: float | None = None
    share: str | None = None
    mix_versions: bool = False

    def __str__(self) -> str:
        return f"Ray ({self.ray})" if self.ray else f"{self.processes} processes"


def run(
    cells: Sequence[Cell],
    settings: Settings,
    crew: Crew,
    listen: Listener,
    stop: Any,
    data: Mapping[str, Splits],
) -> None:
    """Run all `cells`, which are in an order that puts sets before their uses.

    stop: an Event-like flag. data: the data sets by name, used where one worker means this process;
    others load their own.
    """
    count = min(crew.processes or len(cells), len(cells))
    if crew.ray:
        memory = None if crew.memory is None else int(crew.memory * GIB)
        needs = Needs(crew.processes, memory, crew.share, crew.mix_versions)
        drive(cells, Cluster(crew.ray, settings, listen, needs), Store(settings.root), listen, stop)
    elif count == 1:
        _run_here(cells, settings, listen, stop, data)
    else:
        drive(cells, Processes(count, settings, listen), Store(settings.root), listen, stop)


def _run_here(
    cells: Sequence[Cell],
    settings: Settings,
    listen: Listener,
    stop: Any,
    data: Mapping[str, Splits],
) -> None:
    failed: set[str] = set()
    for cell in cells:
        if stop.is_set():
            raise Interrupted("stopped between cells")
        state = (
            "failed"
            if failed & set(cell.all_needs)
            else work(cell, settings, listen, stop.is_set, data[cell.data])
        )
        if state == "failed":
            failed.add(cell.key)
        listen(Event(cell.key, state))
        if state == "interrupted":
            raise Interrupted("stopped inside a cell")


@dataclass(frozen=True)
class _Worker:
    """A process, and the end of a pipe from which its events are read."""

    executor: ProcessPoolExecutor
    events: Connection


class Processes:
    """Workers that are processes on this machine; one that is gone is replaced when there is a cell
    for it.
    """

    def __init__(self, count: int, settings: Settings, listen: Listener) -> None:
        self.count, self.settings, self.listen = count, settings, listen
        self.start = multiprocessing.get_context("spawn")
        self.halted = self.start.RawValue("b", 0)
        self.latest = math.inf  # when those that were asked to end are ended
        self.idle: list[_Worker] = []
        self.busy: dict[Future[str], tuple[Cell, _Worker]] = {}

    @property
    def free(self) -> int:
        return self.count - len(self.busy)

    def begin(self, cell: Cell) -> None:
        worker = self.idle.pop() if self.idle else self._hire()
        # Ctrl-C in a terminal goes to all processes, and this one is the only that may act on it
        with held_back():
            self.busy[worker.executor.submit(_in_worker, cell, self.settings)] = cell, worker

    def _hire(self) -> _Worker:
        events, told = self.start.Pipe(duplex=False)
        arguments = (told, self.halted, self.settings.threads)
        return _Worker(ProcessPoolExecutor(1, self.start, _enter_worker, arguments), events)

    def ended(self, seconds: float) -> list[tuple[Cell, str]]:
        if not self.busy:
            time.sleep(seconds)
        finished, _ = wait(self.busy, timeout=seconds, return_when=FIRST_COMPLETED)
        for _, worker in self.busy.values():
            _drain(worker.events, self.listen)
        if time.monotonic() >= self.latest:
            _end_workers()
        return [self._ended(future) for future in finished]

    def _ended(self, future: "Future[str]") -> tuple[Cell, str]:
        cell, worker = self.busy.pop(future)
        try:
            state = future.result()
        except BrokenProcessPool:
            worker.executor.shutdown(wait=False)
            worker.events.close()
            return cell, "lost"
        self.idle.append(worker)
        return cell, state

    def halt(self) -> None:
        self.halted.value = 1
        self.latest = min(self.latest, time.monotonic() + GRACE)

    def close(self) -> None:
        self.halt()
        if wait(self.busy, timeout=max(0.0, self.latest - time.monotonic())).not_done:
            _end_workers()
        for worker in [*self.idle, *(worker for _, worker in self.busy.values())]:
            worker.executor.shutdown(wait=True)
            _drain(worker.events, self.listen)
            worker.events.close()


def _end_workers() -> None:
    """End the workers of this process, which go on from their last checkpoints another time."""
    for worker in multiprocessing.active_children():
        worker.kill()


def _drain(events: Connection, listen: Listener) -> None:
    try:
        while events.poll():
            listen(events.recv())
    except (EOFError, OSError):
        return  # its worker is gone


# A pool hands pipes and shared memory to its worker only at its start, so the worker keeps them
# here.
_worker: dict[str, Callable[..., Any]] = {}


def _enter_worker(told: Connection, halted: Any, threads: int) -> None:
    """Runs once in each worker: signals are the parent's business, and a worker does not outlive
    its parent.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    hear()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    prepare(threads)
    _worker.update(tell=told.send, stopped=lambda: bool(halted.value))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _in_worker(cell: Cell, settings: Settings) -> str:
    return work(cell, settings, _worker["tell"], _worker["stopped"], load_data(cell.data, settings))
