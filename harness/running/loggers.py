"""Optional loggers of a run, TensorBoard, Weights & Biases and MLflow: the figure of each step, and
the results of each cell.

They hear what the progress display hears: a few events a second of each cell, in the process of the
command. The packages are imported on demand. Weights & Biases and MLflow write to the folder of the
run and send nothing, unless WANDB_MODE or MLFLOW_TRACKING_URI says otherwise.
"""

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from condensers.errors import UsageError, suggestion
from harness.running.cell_work import Event, Listener
from harness.store.store import Store
from harness.suite.cell import Cell

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

EXTRA = 'pip install "condensation-harness[loggers]"'
OF_MLFLOW = 'pip install "condensation-harness[mlflow]"'


class Logger(ABC):
    """Takes the figures of a run."""

    @abstractmethod
    def log_step(self, cell: Cell, name: str, step: int, figure: float) -> None:
        """Take the figure of one step of the work `name` of a cell."""

    @abstractmethod
    def log_results(self, cell: Cell, figures: Mapping[str, float]) -> None:
        """Take the results of a finished cell."""

    @abstractmethod
    def close(self) -> None:
        """End the log."""


class TensorBoard(Logger):
    """Event files below RUN/logs/tensorboard, a folder a cell."""

    def __init__(self, root: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise UsageError(
                f"--log tensorboard: the package tensorboard is not installed; {EXTRA}"
            ) from None
        self.root, self.writer = root / "logs" / "tensorboard", SummaryWriter
        self.open: dict[str, SummaryWriter] = {}

    def log_step(self, cell: Cell, name: str, step: int, figure: float) -> None:
        self._writer_of(cell).add_scalar(name, figure, step)

    def log_results(self, cell: Cell, figures: Mapping[str, float]) -> None:
        for name, figure in figures.items():
            self._writer_of(cell).add_scalar(f"results/{name}", figure, 0)
        self.open.pop(cell.key).close()

    def close(self) -> None:
        for writer in self.open.values():
            writer.close()

    def _writer_of(self, cell: Cell) -> "SummaryWriter":
        if cell.key not in self.open:
            name = re.sub(r"[^\w.-]+", "-", cell.title)
            self.open[cell.key] = self.writer(log_dir=str(self.root / f"{name}-{cell.key[:6]}"))
        return self.open[cell.key]


class WeightsAndBiases(Logger):
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

    def log_step(self, cell: Cell, name: str, step: int, figure: float) -> None:
        self.run.log({f"{cell.title}/{name}": figure, f"{cell.title}/step": step})

    def log_results(self, cell: Cell, figures: Mapping[str, float]) -> None:
        for name, figure in figures.items():
            self.run.summary[f"{cell.title}/{name}"] = figure

    def close(self) -> None:
        self.run.finish()


class MLflow(Logger):
    """An experiment named after the run directory, with a run for each cell: its steps, its results
    as metrics, and what the cell is as tags.

    It lies below RUN/logs/mlflow, as files, unless MLFLOW_TRACKING_URI names another store; see it
    with `mlflow ui --backend-store-uri RUN/logs/mlflow`.
    """

    def __init__(self, root: Path) -> None:
        # Read when mlflow is imported: it would tell its makers of its use, and later releases
        # refuse plain files.
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        try:
            from mlflow.tracking import MlflowClient
        except ImportError:
            raise UsageError(
                f"--log mlflow: the package mlflow is not installed; {OF_MLFLOW}"
            ) from None
        place = os.environ.get("MLFLOW_TRACKING_URI")
        if not place:
            folder = (root / "logs" / "mlflow").resolve()
            folder.mkdir(parents=True, exist_ok=True)
            place = folder.as_uri()
        self.client: Any = MlflowClient(tracking_uri=place)
        known = self.client.get_experiment_by_name(root.name)
        self.experiment = known.experiment_id if known else self.client.create_experiment(root.name)
        self.runs: dict[str, str] = {}

    def log_step(self, cell: Cell, name: str, step: int, figure: float) -> None:
        self.client.log_metric(self._run_of(cell), _mlflow_name(name), figure, step=step)

    def log_results(self, cell: Cell, figures: Mapping[str, float]) -> None:
        run = self._run_of(cell)
        for name, figure in figures.items():
            self.client.log_metric(run, _mlflow_name(f"results/{name}"), figure)
        self.client.set_terminated(self.runs.pop(cell.key))

    def close(self) -> None:
        for run in self.runs.values():
            self.client.set_terminated(run, status="KILLED")

    def _run_of(self, cell: Cell) -> str:
        if cell.key not in self.runs:
            tags = {"cell": cell.key, "kind": cell.kind, "data": cell.data, "label": cell.label}
            tags |= {"seed": str(cell.seed), "scenario": cell.scenario_label or "condense"}
            made = self.client.create_run(self.experiment, tags=tags, run_name=cell.title)
            self.runs[cell.key] = made.info.run_id
        return self.runs[cell.key]


def _mlflow_name(name: str) -> str:
    """A name of letters that MLflow takes in the name of a metric."""
    return re.sub(r"[^\w.\- :/]", "-", name)


LOGGERS: dict[str, Callable[[Path], Logger]] = {
    "tensorboard": TensorBoard,
    "wandb": WeightsAndBiases,
    "mlflow": MLflow,
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
        loggers: list[Logger] = []
        for name in dict.fromkeys(names):
            loggers.append(LOGGERS[name](root))
            stack.callback(loggers[-1].close)
        yield [
            _make_listener(logger, {cell.key: cell for cell in cells}, Store(root))
            for logger in loggers
        ]


def _make_listener(logger: Logger, cells: Mapping[str, Cell], store: Store) -> Listener:
    def listen(event: Event) -> None:
        cell, now = cells[event.key], event.progress
        if event.state == "progress" and now is not None:
            figure = _parse_figure(now.note)
            if figure is not None:
                logger.log_step(cell, now.name, now.done, figure)
        elif event.state == "done":
            logger.log_results(cell, mean_results(store.record(event.key)))

    return listen


def _parse_figure(note: str) -> float | None:
    """The figure of a step; the note of a loop is its loss, other work has words or nothing."""
    try:
        return float(note)
    except ValueError:
        return None


def mean_results(record: Mapping[str, Any]) -> dict[str, float]:
    """The mean of each metric of a finished cell, and its seconds."""
    measurements = (record.get("outcome") or {}).get("measurements", [])
    means = {
        m["metric"]: fmean(m["values"])
        for m in measurements
        if m["values"] and m["metric"] != "architecture-score"
    }
    return {**means, "seconds": float(record["seconds"])}
