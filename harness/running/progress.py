"""Shows a running suite: a bar over all cells with the time left, and a bar for each cell at work.

Without a terminal it prints a line for each cell that ends, and once a minute a line for a cell
that takes long.
"""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from harness.printable import flat
from harness.running.cell_work import Event
from harness.running.time_left import EveryMinute, TimeLeft, span
from harness.suite.cell import Cell

ENDED = ("done", "failed", "interrupted")


class LeftColumn(TimeRemainingColumn):
    """The time left: of all cells what `time_left` guesses, of one cell by its steps."""

    max_refresh = 1.0

    def __init__(self, time_left: TimeLeft) -> None:
        super().__init__()
        self.time_left = time_left

    def render(self, task: Task) -> Text:
        """Draw the time left of a bar."""
        if not task.fields.get("whole"):
            return super().render(task)
        return Text(span(self.time_left.seconds()), style="progress.remaining")


class ProgressBoard:
    """Listens to events and shows them while `bars` is entered.

    estimates: seconds of each cell, by key. quiet: show nothing.
    """

    def __init__(
        self,
        cells: Sequence[Cell],
        estimates: Mapping[str, float],
        console: Console,
        quiet: bool = False,
    ) -> None:
        self.titles = {cell.key: flat(cell.title) for cell in cells}
        self.console = console
        self.time_left = TimeLeft(estimates)
        self.in_lines = not console.is_terminal and not quiet
        self.lines: dict[str, EveryMinute] = {}
        self.tasks: dict[str, TaskID] = {}
        self.bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[state]}", markup=False),
            TimeElapsedColumn(),
            LeftColumn(self.time_left),
            console=console,
            disable=quiet or not console.is_terminal,
            transient=True,
            expand=True,
        )
        self.whole = self.bars.add_task(
            "all cells",
            total=self.time_left.all_seconds,
            state=f"{len(cells)} cells left",
            whole=True,
        )

    def listen(self, event: Event) -> None:
        if event.state == "started":
            self.tasks[event.key] = self.bars.add_task(
                f"  {self.titles[event.key]}", total=None, state=""
            )
            self.lines[event.key] = EveryMinute()
            self.time_left.begin(event.key)
        elif event.state == "progress" and event.progress and event.key in self.tasks:
            now = event.progress
            at = flat(f"{now.name} {now.done}/{now.total} {now.note}")
            self.bars.update(self.tasks[event.key], completed=now.done, total=now.total, state=at)
            if self.lines[event.key].due():
                self._print_line("at work", event.key, f": {at}")
        elif event.state == "lost":
            self._remove_bar(event.key)
            self.time_left.leave(event.key)
            self._print_line("worker lost", event.key, ", which goes to another one")
        elif event.state in ENDED:
            self._count_ended(event)

    def _remove_bar(self, key: str) -> None:
        if key in self.tasks:
            self.bars.remove_task(self.tasks.pop(key))

    def _count_ended(self, event: Event) -> None:
        self._remove_bar(event.key)
        if event.state == "interrupted":
            self.time_left.leave(event.key)
            return
        self.time_left.end(event.key, told=event.state == "done")
        self.bars.update(
            self.whole,
            completed=self.time_left.all_seconds - self.time_left.open_seconds,
            state=f"{len(self.time_left.open)} cells left",
        )
        self._print_line(event.state, event.key)

    def _print_line(self, state: str, key: str, more: str = "") -> None:
        if self.in_lines:
            seconds = self.time_left.seconds()
            left = f", about {span(seconds)} left" if seconds >= 1 else ""
            of = len(self.titles)
            finished = of - len(self.time_left.open)
            line = f"[{finished}/{of}] {state}: {self.titles[key]}{more}{left}"
            self.console.print(line, markup=False, highlight=False, soft_wrap=True)
