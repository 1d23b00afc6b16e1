"""What a running suite shows: a bar over all cells with the time left, a bar for each cell at work;
without a terminal, lines.

Without a terminal each ended cell is a line, and a cell that takes long says once a minute where it
is.
"""

import time
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from harness.printable import flat
from harness.running.work import Event
from harness.suite.cell import Cell

ENDED = ("done", "failed", "interrupted")
KNOWN_SHARE = 0.01
LINE_EVERY = 60.0  # seconds between two lines of one cell


class Board:
    """Listens to a pool's events. weights: what share of the work each cell is thought to be.

    Shown while `bars` is entered. quiet: shows nothing.
    """

    def __init__(
        self,
        cells: Sequence[Cell],
        weights: Mapping[str, float],
        console: Console,
        quiet: bool = False,
    ) -> None:
        self.titles = {cell.key: flat(cell.title) for cell in cells}
        self.weights, self.console = weights, console
        self.in_lines = not console.is_terminal and not quiet
        self.told: dict[str, float] = {}
        self.finished = 0
        self.begun = time.monotonic()
        self.done_weight = 0.0
        self.tasks: dict[str, TaskID] = {}
        self.bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[state]}", markup=False),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=quiet or not console.is_terminal,
            transient=True,
            expand=True,
        )
        self.whole = self.bars.add_task(
            "all cells", total=sum(weights.values()), state=f"{len(cells)} cells left"
        )

    def listen(self, event: Event) -> None:
        if event.state == "started":
            self.tasks[event.key] = self.bars.add_task(
                f"  {self.titles[event.key]}", total=None, state=""
            )
            self.told[event.key] = time.monotonic()
        elif event.state == "progress" and event.progress and event.key in self.tasks:
            now = event.progress
            at = flat(f"{now.name} {now.done}/{now.total} {now.note}")
            self.bars.update(self.tasks[event.key], completed=now.done, total=now.total, state=at)
            if time.monotonic() - self.told[event.key] >= LINE_EVERY:
                self.told[event.key] = time.monotonic()
                self._line("at work", event.key, f": {at}")
        elif event.state == "lost":
            self._at_work_no_more(event.key)
            self._line("worker lost", event.key, ", which goes to another one")
        elif event.state in ENDED:
            self._ended(event)

    def _at_work_no_more(self, key: str) -> None:
        if key in self.tasks:
            self.bars.remove_task(self.tasks.pop(key))

    def _ended(self, event: Event) -> None:
        self._at_work_no_more(event.key)
        if event.state == "interrupted":
            return
        self.finished += 1
        self.done_weight += self.weights[event.key]
        left = len(self.titles) - self.finished
        self.bars.update(self.whole, completed=self.done_weight, state=f"{left} cells left")
        self._line(event.state, event.key)

    def _line(self, state: str, key: str, more: str = "") -> None:
        if self.in_lines:
            said = (
                f"[{self.finished}/{len(self.titles)}] {state}:"
                f" {self.titles[key]}{more}{self._time_left()}"
            )
            self.console.print(said, markup=False, highlight=False, soft_wrap=True)

    def _time_left(self) -> str:
        """A guess from the share of the work that is done; none from too small a share, which may
        be far off.
        """
        whole = sum(self.weights.values())
        if self.done_weight < KNOWN_SHARE * whole or self.done_weight >= whole:
            return ""
        seconds = (time.monotonic() - self.begun) * (whole - self.done_weight) / self.done_weight
        return f", about {seconds:.0f} s left"
