"""Hands cells to workers, each as soon as what it needs is there; a cell whose worker is lost goes
to another one.

What a cell itself raises would be raised again, so that such a cell fails at once. A worker that is
gone (killed, out of memory, its node removed) says nothing about the cell, which goes on from its
last checkpoint elsewhere, up to three times.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

from condensers.errors import Interrupted
from harness.running.work import EVENT_SECONDS, Event, Listener
from harness.store.store import Store
from harness.suite.cell import Cell

ATTEMPTS = 3


class Workers(Protocol):
    """Somewhere that several cells are computed at a time."""

    @property
    def free(self) -> int:
        """How many more cells may begin now."""

    def begin(self, cell: Cell) -> None: ...

    def ended(self, seconds: float) -> list[tuple[Cell, str]]:
        """Wait for up to `seconds`; the cells that ended, each done, failed, interrupted or
        lost.
        """

    def halt(self) -> None:
        """Ask all cells at work to save and end."""

    def close(self) -> None: ...


def drive(
    cells: Sequence[Cell], workers: Workers, store: Store, listen: Listener, stop: Any
) -> None:
    """Run all `cells`, which are in an order that puts sets before their uses. stop: an Event-like
    flag.

    Raises Interrupted where they were stopped, and what made the work as a whole impossible, such
    as a full disk.
    """
    lineup, stopped = Lineup(cells, store, listen), False
    try:
        while lineup.waiting or lineup.running:
            stopped = stopped or stop.is_set()
            if stopped:
                workers.halt()
                lineup.waiting.clear()
            for cell in lineup.ready()[: workers.free]:
                lineup.begin(cell)
                workers.begin(cell)
            for cell, state in workers.ended(EVENT_SECONDS):
                lineup.ended(cell, "interrupted" if stopped and state == "lost" else state)
                stopped = stopped or state == "interrupted"
    finally:
        workers.close()
    if stopped:
        raise Interrupted("stopped")


class Lineup:
    """The cells that wait and those at work, by key."""

    def __init__(self, cells: Sequence[Cell], store: Store, listen: Listener) -> None:
        self.store, self.listen = store, listen
        self.waiting = {cell.key: cell for cell in cells}
        self.batch = frozenset(self.waiting)
        self.running: set[str] = set()
        self.states: dict[str, str] = {}
        self.losses: Counter[str] = Counter()

    def ready(self) -> list[Cell]:
        """The waiting cells whose needs are done; those of which one failed are struck out."""
        for cell in list(self.waiting.values()):
            if any(self.states.get(key) == "failed" for key in cell.all_needs):
                del self.waiting[cell.key]
                self._end(cell, "failed")
        return [cell for cell in self.waiting.values() if all(map(self._there, cell.all_needs))]

    def _there(self, key: str) -> bool:
        return key not in self.batch or self.states.get(key) == "done"

    def begin(self, cell: Cell) -> None:
        del self.waiting[cell.key]
        self.running.add(cell.key)

    def ended(self, cell: Cell, state: str) -> None:
        self.running.discard(cell.key)
        if state == "lost":
            self.losses[cell.key] += 1
            if self.losses[cell.key] < ATTEMPTS:
                self.waiting[cell.key] = cell
                self.listen(Event(cell.key, "lost"))
                return
            self._give_up(cell)
            state = "failed"
        self._end(cell, state)

    def _end(self, cell: Cell, state: str) -> None:
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
