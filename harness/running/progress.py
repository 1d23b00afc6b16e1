"""Shows a running suite: a bar over all cells with the time left, and a bar for each cell at work.

Without a terminal it prints a line for each cell that ends, and once a minute a line for a cell
that takes long.
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
from harness.running.cell_work import Event
from harness.suite.cell import Cell

ENDED = ("done", "failed", "interrupted")
KNOWN_SHARE = 0.01
LINE_EVERY = 60.0  # seconds between two lines of one cell


class ProgressBoard:
    """Listens to events and shows them while `bars` is entered.

    weights: the estimated share of the work that each cell is. quiet: show nothing.
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
        self.weight = sum(weights.values())
        self.in_lines = not console.is_terminal and not quiet
        self.reported_at: dict[str, float] = {}
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
            "all cells", total=self.weight, state=f"{len(cells)} cells left"
        )

    def listen(self, event: Event) -> None:
        if event.state == "started":
            self.tasks[event.key] = self.bars.add_task(
                f"  {self.titles[event.key]}", total=None, state=""
            )
            self.reported_at[event.key] = time.monotonic()
        elif event.state == "progress" and event.progress and event.key in self.tasks:
            now = event.progress
            at = flat(f"{now.name} {now.done}/{now.total} {now.note}")
            self.bars.update(self.tasks[event.key], completed=now.done, total=now.total, state=at)
            if time.monotonic() - self.reported_at[event.key] >= LINE_EVERY:
                self.reported_at[event.key] = time.monotonic()
                self._print_line("at work", event.key, f": {at}")
        elif event.state == "lost":
            self._remove_bar(event.key)
            self._print_line("worker lost", event.key, ", which goes to another one")
        elif event.state in ENDED:
            self._count_ended(event)

    def _remove_bar(self, key: str) -> None:
        if key in self.tasks:
            self.bars.remove_task(self.tasks.pop(key))

    def _count_ended(self, event: Event) -> None:
        self._remove_bar(event.key)
        if event.state == "interrupted":
            return
        self.finished += 1
        self.done_weight += self.weights[event.key]
        left = len(self.titles) - self.finished
        self.bars.update(self.whole, completed=self.done_weight, state=f"{left} cells left")
        self._print_line(event.state, event.key)

    def _print_line(self, state: str, key: str, more: str = "") -> None:
        if self.in_lines:
            line = (
                f"[{self.finished}/{len(self.titles)}] {state}:"
                f" {self.titles[key]}{more}{self._time_left()}"
            )
            self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _time_left(self) -> str:
        """Estimate from the share of the work that is done; nothing while that share is small."""
        whole = self.weight
        if self.done_weight < KNOWN_SHARE * whole or self.done_weight >= whole:
            return ""
        seconds = (time.monotonic() - self.begun) * (whole - self.done_weight) / self.done_weight
        return f", about {seconds:.0f} s left"
