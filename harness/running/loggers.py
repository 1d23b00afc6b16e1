"""Optional loggers of a run: TensorBoard and Weights & Biases get the figure of each step of each
cell, and its results.

They hear what the progress display hears, a few events a second of each cell, in the process of the
command. Both packages are imported when they are asked for. Weights & Biases writes to the run's
folder and sends nothing, unless WANDB_MODE says so.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import fmean
from typing import Any, Protocol

from condensers.errors import UsageError, suggestion
from harness.running.work import Event, Listener
from harness.store.store import Store
from harness.suite.cell import Cell

EXTRA = 'pip install "condensation-harness[loggers]"'


class Logger(Protocol):
    """What takes figures: of a step of the work `name` in a cell, and the results of a finished
    cell.
    """

    def step(self, cell: Cell, name: str, step: int, figure: float) -> None: ...
    def results(self, cell: Cell, figures: Mapping[str, float]) -> None: ...
    def close(self) -> None: ...


class TensorBoard:
    """Event files below RUN/logs/tensorboard, a folder a cell."""

    def __init__(self, root: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise UsageError(
                f"--log tensorboard: the package tensorboard is not installed; {EXTRA}"
            ) from None
        self.root, self.writer = root / "logs" / "tensorboard", SummaryWriter
        self.open: dict[str, Any] = {}

    def step(self, cell: Cell, name: str, step: int, figure: float) -> None:
        self._of(cell).add_scalar(name, figure, step)

    def results(self, cell: Cell, figures: Mapping[str, float]) -> None:
        for name, figure in figures.items():
            self._of(cell).add_scalar(f"results/{name}", figure, 0)
        self.open.pop(cell.key).close()

    def close(self) -> None:
        for writer in self.open.values():
            writer.close()

    def _of(self, cell: Cell) -> Any:
        if cell.key not in self.open:
            name = re.sub(r"[^\w.-]+", "-", cell.title)
            self.open[cell.key] = self.writer(log_dir=str(self.root / f"{name}-{cell.key[:6]}"))
        return self.open[cell.key]


class WeightsAndBiases:
    """One run of the project condensation-harness: a chart for each cell's work, and the results in
    its summary.
    """

    def __init__(self, root: Path) -> None:
        # Read when wandb is imported: even offline it would tell its makers of its use.
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        try:
            import wandb
        except ImportError:
            raise UsageError(f"--log wandb: the package wandb is not installed; {EXTRA}") from None
        folder = root / "logs"
        mode: Any = os.environ.get("WANDB_MODE", "offline")
        folder.mkdir(parents=True, exist_ok=True)
        settings = wandb.Settings(silent=True)
        self.run: Any = wandb.init(
            project="condensation-harness",
            name=root.name,
            dir=str(folder),
            mode=mode,
            settings=settings,
        )

    def step(self, cell: Cell, name: str, step: int, figure: float) -> None:
        self.run.log({f"{cell.title}/{name}": figure, f"{cell.title}/step": step})

    def results(self, cell: Cell, figures: Mapping[str, float]) -> None:
        for name, figure in figures.items():
            self.run.summary[f"{cell.title}/{name}"] = figure

    def close(self) -> None:
        self.run.finish()


LOGGERS: dict[str, Callable[[Path], Logger]] = {
    "tensorboard": TensorBoard,
    "wandb": WeightsAndBiases,
}


@contextmanager
def listeners(names: Sequence[str], cells: Sequence[Cell], root: Path) -> Iterator[list[Listener]]:
    """A listener for each logger that is named; they are closed at the end.

    UsageError for what is not known or installed.
    """
    for name in names:
        if name not in LOGGERS:
            raise UsageError(f"--log {name}: not a logger; {suggestion(name, LOGGERS)}")
    with ExitStack() as stack:
        made: list[Logger] = []
        for name in dict.fromkeys(names):
            made.append(LOGGERS[name](root))
            stack.callback(made[-1].close)
        yield [
            _listener(logger, {cell.key: cell for cell in cells}, Store(root)) for logger in made
        ]


def _listener(logger: Logger, cells: Mapping[str, Cell], store: Store) -> Listener:
    def listen(event: Event) -> None:
        cell, now = cells[event.key], event.progress
        if event.state == "progress" and now is not None:
            figure = _number(now.note)
            if figure is not None:
                logger.step(cell, now.name, now.done, figure)
        elif event.state == "done":
            logger.results(cell, results(store.record(event.key)))

    return listen


def _number(note: str) -> float | None:
    """The figure of a step: a loop's note is its loss, other work has words or nothing."""
    try:
        return float(note)
    except ValueError:
        return None


def results(record: Mapping[str, Any]) -> dict[str, float]:
    """The mean of each metric of a finished cell, and its seconds."""
    measured = (record.get("outcome") or {}).get("measurements", [])
    means = {
        m["metric"]: fmean(m["values"])
        for m in measured
        if m["values"] and m["metric"] != "architecture-score"
    }
    return {**means, "seconds": float(record["seconds"])}
