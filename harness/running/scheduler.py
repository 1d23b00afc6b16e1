"""Schedules cells on workers by their dependencies; retries a cell whose worker died.

A cell that raises an error would raise it again, so it fails at once. A worker that died (killed,
out of memory, its node removed) says nothing about its cell, which goes on elsewhere from its last
checkpoint, up to three times.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence

from condensers.errors import Interrupted
from harness.process import Flag
from harness.running.cell_work import EVENT_SECONDS, Event, Listener
from harness.store.store import Store
from harness.suite.cell import Cell

ATTEMPTS = 3


class WorkerPool(ABC):
    """Computes several cells at a time, somewhere."""

    @property
    @abstractmethod
    def free(self) -> int:
        """How many more cells may begin now."""

    @abstractmethod
    def begin(self, cell: Cell) -> None:
        """Start to compute a cell."""

    @abstractmethod
    def wait(self, seconds: float) -> list[tuple[Cell, str]]:
        """Wait for at most `seconds`.

        Returns:
            The cells that ended meanwhile, each with "done", "failed", "interrupted" or "lost".
        """

    @abstractmethod
    def halt(self) -> None:
        """Ask all cells at work to save and end."""

    @abstractmethod
    def close(self) -> None:
        """End the workers."""


def schedule_cells(
    cells: Sequence[Cell], workers: WorkerPool, store: Store, listen: Listener, stop: Flag
) -> None:
    """Run cells on workers until all have ended.

    Args:
        cells: in an order that puts sets before their uses.
        workers: where they are computed.
        store: the run directory.
        listen: hears of every cell that ends.
        stop: is set where the run should save and end.

    Raises:
        Interrupted: the run was stopped.
        HarnessError: all work is impossible, for example because the disk is full.
    """
    scheduler, stopped = Scheduler(cells, store, listen), False
    try:
        while scheduler.waiting or scheduler.running:
            stopped = stopped or stop.is_set()
            if stopped:
                workers.halt()
                scheduler.waiting.clear()
            for cell in scheduler.ready()[: workers.free]:
                scheduler.begin(cell)
                workers.begin(cell)
            for cell, state in workers.wait(EVENT_SECONDS):
                scheduler.end(cell, "interrupted" if stopped and state == "lost" else state)
                stopped = stopped or state == "interrupted"
    finally:
        workers.close()
    if stopped:
        raise Interrupted("stopped")


class Scheduler:
    """Keeps the cells that wait and those at work, by key.

    Args:
        cells: all cells of this run that are not done.
        store: gets the failure of a cell whose workers died too often.
        listen: hears of every cell that ends.
    """

    def __init__(self, cells: Sequence[Cell], store: Store, listen: Listener) -> None:
        self.store, self.listen = store, listen
        self.waiting = {cell.key: cell for cell in cells}
        self.batch = frozenset(self.waiting)
        self.running: set[str] = set()
        self.states: dict[str, str] = {}
        self.losses: Counter[str] = Counter()

    def ready(self) -> list[Cell]:
        """The waiting cells whose needs are done; a cell fails with what it needs."""
        for cell in list(self.waiting.values()):
            if any(self.states.get(key) == "failed" for key in cell.all_needs):
                del self.waiting[cell.key]
                self._record_state(cell, "failed")
        return [cell for cell in self.waiting.values() if all(map(self._is_done, cell.all_needs))]

    def _is_done(self, key: str) -> bool:
        return key not in self.batch or self.states.get(key) == "done"

    def begin(self, cell: Cell) -> None:
        """Note that a worker has the cell."""
        del self.waiting[cell.key]
        self.running.add(cell.key)

    def end(self, cell: Cell, state: str) -> None:
        """Note how a cell ended; one whose worker was lost waits again, or fails."""
        self.running.discard(cell.key)
        if state == "lost":
            self.losses[cell.key] += 1
            if self.losses[cell.key] < ATTEMPTS:
                self.waiting[cell.key] = cell
                self.listen(Event(cell.key, "lost"))
                return
            self._give_up(cell)
            state = "failed"
        self._record_state(cell, state)

    def _record_state(self, cell: Cell, state: str) -> None:
        self.states[cell.key] = state
        self.listen(Event(cell.key, state))

    def _give_up(self, cell: Cell) -> None:
        sentence = (
            f"{cell.title}: its worker was lost {ATTEMPTS} times, perhaps for want of memory; run"
            " again with fewer --workers, and it goes on from its last checkpoint"
        )
        self.store.write_failure(
            cell.key, {"cell": cell.as_json(), "sentence": sentence, "traceback": ""}
        )
