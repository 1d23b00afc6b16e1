"""Runs cells in this process, in worker processes (concurrent.futures), or on a cluster.

Each worker is a pool of one process of its own, so that one that is killed takes only its own cell
with it. Between a worker and its parent there is nothing but pipes and one byte of shared memory: a
lock could be held by a process that is gone.
"""

import math
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor
from concurrent.futures import wait as wait_for
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from ctypes import c_byte
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import ModuleType
from typing import Any

from condensers.errors import Interrupted
from harness.process import GRACE, Flag, hold_signals, prepare, release_signals
from harness.running.cell_work import Event, Listener, RunSettings, load_data, run_cell
from harness.running.ray_cluster import Cluster, ClusterLimits
from harness.running.scheduler import WorkerPool, schedule_cells
from harness.store.store import Store
from harness.suite.cell import Cell
from scenarios.protocol import Splits

GIB = 2**30


@dataclass(frozen=True)
class WorkerSpec:
    """Who computes the cells of a run.

    Args:
        processes: cells at a time; 1 means this very process, None as many as a cluster has room
            for.
        ray: "local", "auto" or the address of a Ray cluster; None for processes of this machine.
        memory: GiB that a cell takes, by which Ray decides how many a node has room for.
        share: URL of a depot for nodes that see no common folder.
        mix_versions: go on though this machine, or a node, has other versions of packages than
            the run began with.
    """

    processes: int | None = 1
    ray: str | None = None
    memory: float | None = None
    share: str | None = None
    mix_versions: bool = False

    def __str__(self) -> str:
        count = "1 process" if self.processes == 1 else f"{self.processes} processes"
        return f"Ray ({self.ray})" if self.ray else count


def run_cells(
    cells: Sequence[Cell],
    settings: RunSettings,
    workers: WorkerSpec,
    listen: Listener,
    stop: Flag,
    data: Mapping[str, Splits],
) -> None:
    """Run cells in this process, in worker processes, or on a Ray cluster.

    Args:
        cells: in an order that puts sets before their uses.
        settings: those of the run.
        workers: who computes.
        listen: hears of the events of each cell, in this process.
        stop: is set where the run should save and end.
        data: the data sets by name, for this process; workers load their own.

    Raises:
        Interrupted: the run was stopped.
        HarnessError: all work is impossible, for example because the disk is full.
    """
    count = min(workers.processes or len(cells), len(cells))
    if workers.ray:
        memory = None if workers.memory is None else int(workers.memory * GIB)
        limits = ClusterLimits(workers.processes, memory, workers.share, workers.mix_versions)
        cluster = Cluster(workers.ray, settings, listen, limits)
        schedule_cells(cells, cluster, Store(settings.root), listen, stop)
    elif count == 1:
        _run_in_process(cells, settings, listen, stop, data)
    else:
        pool = ProcessPool(count, settings, listen)
        schedule_cells(cells, pool, Store(settings.root), listen, stop)


def _run_in_process(
    cells: Sequence[Cell],
    settings: RunSettings,
    listen: Listener,
    stop: Flag,
    data: Mapping[str, Splits],
) -> None:
    failed: set[str] = set()
    for cell in cells:
        if stop.is_set():
            raise Interrupted("stopped between cells")
        state = (
            "failed"
            if failed & set(cell.all_needs)
            else run_cell(cell, settings, listen, stop.is_set, data[cell.data])
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


class ProcessPool(WorkerPool):
    """Worker processes on this machine; one that died is replaced when there is a cell for it."""

    def __init__(self, count: int, settings: RunSettings, listen: Listener) -> None:
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
        # Ctrl-C in a terminal goes to all processes, and only this one may act on it.
        with hold_signals(), _without_main_module():
            self.busy[worker.executor.submit(_run_in_worker, cell, self.settings)] = cell, worker

    def _hire(self) -> _Worker:
        events, channel = self.start.Pipe(duplex=False)
        arguments = (channel, self.halted, self.settings.threads)
        return _Worker(ProcessPoolExecutor(1, self.start, _start_worker, arguments), events)

    def wait(self, seconds: float) -> list[tuple[Cell, str]]:
        if not self.busy:
            time.sleep(seconds)
        finished, _ = wait_for(self.busy, timeout=seconds, return_when=FIRST_COMPLETED)
        for _, worker in self.busy.values():
            _drain(worker.events, self.listen)
        if time.monotonic() >= self.latest:
            _kill_workers()
        return [self._state_of(future) for future in finished]

    def _state_of(self, future: "Future[str]") -> tuple[Cell, str]:
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
        if wait_for(self.busy, timeout=max(0.0, self.latest - time.monotonic())).not_done:
            _kill_workers()
        for worker in [*self.idle, *(worker for _, worker in self.busy.values())]:
            worker.executor.shutdown(wait=True)
            _drain(worker.events, self.listen)
            worker.events.close()


@contextmanager
def _without_main_module() -> Iterator[None]:
    """Within, a new process does not import the script that called us.

    A script that runs a suite without `if __name__ == "__main__":` would run it again in each of
    its workers, which need nothing of the script.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _kill_workers() -> None:
    """Kill the workers of this process; their cells go on from their last checkpoints later."""
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


def _start_worker(channel: Connection, halted: c_byte, threads: int) -> None:
    """Runs once in each worker: signals are the parent's business, and a worker does not outlive
    its parent.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    release_signals()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    prepare(threads)
    _worker.update(listen=channel.send, stopped=lambda: bool(halted.value))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _run_in_worker(cell: Cell, settings: RunSettings) -> str:
    data = load_data(cell.data, settings)
    return run_cell(cell, settings, _worker["listen"], _worker["stopped"], data)
