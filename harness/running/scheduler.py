"""Schedules cells on workers by their dependencies; retries a cell whose worker died.

A cell that raises an error would raise it again, so it fails at once. A worker that died (killed,
out of memory, its node removed) says nothing about its cell, which goes on elsewhere from its last
checkpoint, up to three times.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from itertools import count

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
            for cell in scheduler.take(workers.free):
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
        self.running: set[str] = set()
        self.losses: Counter[str] = Counter()
        self.users: dict[str, list[Cell]] = {key: [] for key in self.waiting}
        self.unmet: dict[str, int] = {}  # how many needs of a cell are not done
        for cell in cells:
            needs = [key for key in dict.fromkeys(cell.all_needs) if key in self.waiting]
            self.unmet[cell.key] = len(needs)
            for key in needs:
                self.users[key].append(cell)
        self.places = count()  # in the queue, where the cells stand in the order they came
        self.place_of = {cell.key: next(self.places) for cell in cells}
        self.queue = [(self.place_of[key], key) for key, left in self.unmet.items() if not left]
        heapify(self.queue)

    def take(self, most: int) -> list[Cell]:
        """Give at most so many of the waiting cells whose needs are done to workers."""
        taken: list[Cell] = []
        while self.queue and len(taken) < most:
            cell = self.waiting.pop(heappop(self.queue)[1], None)
            if cell is not None:
                self.running.add(cell.key)
                taken.append(cell)
        return taken

    def end(self, cell: Cell, state: str) -> None:
        """Note how a cell ended; one whose worker was lost waits again, or fails."""
        self.running.discard(cell.key)
        if state == "lost":
            self.losses[cell.key] += 1
            if self.losses[cell.key] < ATTEMPTS:
                self.waiting[cell.key] = cell
                heappush(self.queue, (next(self.places), cell.key))
                self.listen(Event(cell.key, "lost"))
                return
            self._give_up(cell)
            state = "failed"
        self.listen(Event(cell.key, state))
        for user in self.users[cell.key]:
            self._tell_user(user, state)

    def _tell_user(self, user: Cell, state: str) -> None:
        """A cell whose needs are done is ready; one that needs a failed cell fails with it."""
        if state == "failed" and self.waiting.pop(user.key, None) is not None:
            self.end(user, "failed")
        elif state == "done":
            self.unmet[user.key] -= 1
            if not self.unmet[user.key]:
                heappush(self.queue, (self.place_of[user.key], user.key))

    def _give_up(self, cell: Cell) -> None:
        sentence = (
            f"{cell.title}: its worker was lost {ATTEMPTS} times, perhaps for want of memory; run"
            " again with fewer --workers, and it goes on from its last checkpoint"
        )
        self.store.write_failure(
            cell.key, {"cell": cell.as_json(), "sentence": sentence, "traceback": ""}
        )
