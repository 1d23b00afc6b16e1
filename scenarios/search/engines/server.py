"""An NNI experiment whose trials are processes that NNI's training service starts, on this machine
or another.

NNI (3.0) is kept from listening on all interfaces, from writing to the home directory and from
outliving this process. Its own resuming is not used: it hangs. The rows that are kept make a
finished architecture a trial of seconds.

NNI's engine for trials in processes of their own, with our rows as its memory.
"""

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from subprocess import Popen
from typing import Any

import nni_node
from nni.experiment import experiment as nni_experiment
from nni.experiment import launcher
from nni.nas.evaluator import FunctionalEvaluator
from nni.nas.execution.event import FinalMetricEvent, TrainingEndEvent
from nni.nas.execution.training_service import TrainingServiceExecutionEngine
from nni.nas.experiment import NasExperiment, NasExperimentConfig
from nni.nas.experiment.config import SimplifiedModelFormatConfig, TrainingServiceEngineConfig
from nni.nas.space import ModelStatus
from nni.tools.nnictl.config_utils import Experiments

from condensers.engine.files import read_memo, write_atomically
from scenarios.search.engines.task import (
    TASK,
    TRIALS,
    Task,
    end_with_parent,
    keep_row,
    read_task,
    row_path,
)
from scenarios.search.engines.trial import run_trial
from scenarios.search.judging import SearchPlan
from scenarios.search.model_space import ChoiceSpace
from scenarios.search.nni_experiment import contain_nni


class KeptEngine(TrainingServiceExecutionEngine):  # type: ignore[misc]
    """Gives no trial to an architecture that has a row in `folder`, and keeps the rows that come
    over the network there.

    tried: the models in the order in which the strategy chose them, at most as many as the plan
    allows.
    """

    def __init__(self, experiment: Any, plan: SearchPlan, folder: Path) -> None:
        self.plan, self.folder = plan, folder
        self.tried: list[Any] = []
        super().__init__(experiment, fetch_intermediates=False)
        self._channel.on_report_metric_data(self._receive)

    def submit_models(self, *models: Any) -> None:
        for model in models:
            self.tried.append(model)
            row = row_path(self.folder, self.plan.identifier(model.sample))
            if row.exists():
                score = self.plan.guide(read_memo(row))
                model.status = ModelStatus.Training
                self.dispatch_model_event(FinalMetricEvent(model, score))
                self.dispatch_model_event(TrainingEndEvent(model, ModelStatus.Trained))
            else:
                super().submit_models(model)

    def budget_available(self) -> bool:
        """NNI counts trials only once they run, and would be given one too many."""
        return len(self.tried) < self.plan.limit and bool(super().budget_available())

    def _receive(self, command: Any) -> None:
        if isinstance(command.value, dict):
            keep_row(command.value["row"], self.folder)


SECONDS_A_LOOK = 0.2
SECONDS_TO_START = 60


class _ServedExperiment(NasExperiment):  # type: ignore[misc]
    """An experiment whose engine is ours. make_engine: builds it once NNI's server is there."""

    make_engine: Callable[[Any], KeptEngine]

    def execution_engine_factory(self, config: Any) -> KeptEngine:
        return self.make_engine(self)


def serve(folder: Path) -> None:
    """Run the experiment of a search, and write down what was tried.

    folder: of the cell, where rows go. FOLDER/nni/code is this process's working directory and
    holds the task.
    """
    home = folder / "nni"
    task = read_task(home / "code" / TASK)
    plan = task.judging.plan
    strategy = plan.strategy.of_nni(plan.seed)
    evaluator = FunctionalEvaluator(
        run_trial, task=str(home / "code" / TASK) if task.folder else TASK
    )
    launcher._start_rest_server = partial(_start_node, home=home, address=task.engine.address())
    launcher.Experiments = nni_experiment.Experiments = partial(
        Experiments, home_dir=str(home / "nni-experiments")
    )
    with contain_nni(home):
        experiment = _ServedExperiment(
            ChoiceSpace(plan.space),
            evaluator,
            strategy,
            _make_config(task, home),
            f"search-{os.getpid()}",
        )
        experiment.make_engine = partial(KeptEngine, plan=plan, folder=folder)
        try:
            experiment.start(_find_free_port())
            engine = experiment._engine
            engine.wait_models()
            tried = [model.sample for model in engine.tried]
        finally:
            experiment.stop()
    write_atomically(home / TRIALS, json.dumps(tried).encode())


def _make_config(task: Task, home: Path) -> NasExperimentConfig:
    address = task.engine.address()
    return NasExperimentConfig(
        execution_engine=TrainingServiceEngineConfig(),
        model_format=SimplifiedModelFormatConfig(),
        training_service=task.engine.training_service(),
        trial_concurrency=task.engine.trials,
        max_trial_number=task.judging.plan.limit,
        experiment_working_directory=str(home),
        nni_manager_ip=address,
        _trial_command_params={
            "envs": "NNI_FRAMEWORK=none",
            "python": task.engine.python or sys.executable,
        },
    )


def _start_node(arguments: Any, mode: Any, home: Path, address: str) -> "Popen[bytes]":
    """Start NNI's server: contained by the script beside this file, and ended with this process.

    It returns once the server listens: NNI itself asks four times in three seconds, too few on a
    busy machine.
    """
    place = Path(nni_node.__path__[0])
    command = [
        place / "node",
        "--require",
        Path(__file__).with_name("contain.js"),
        "--max-old-space-size=4096",
        place / "main.js",
    ]
    only = address if address.startswith("127.") else ""
    server = Popen(
        [*map(str, command), *arguments.to_command_line_args()],
        cwd=place,
        env={**os.environ, "HARNESS_NNI_HOME": str(home), "HARNESS_NNI_ADDRESS": only},
        preexec_fn=partial(end_with_parent, signal.SIGKILL),
    )
    latest = time.monotonic() + SECONDS_TO_START
    while server.poll() is None and not _is_listening(arguments.port) and time.monotonic() < latest:
        time.sleep(SECONDS_A_LOOK)
    return server


def _is_listening(port: int) -> bool:
    """Whether somebody on this machine takes connections there."""
    with suppress(OSError), socket.create_connection(("localhost", port), SECONDS_A_LOOK):
        return True
    return False


def _find_free_port() -> int:
    """A port that is free, and so is the one above, which remote trials need."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("", 0))
            port = int(first.getsockname()[1])
            with suppress(OSError, OverflowError):
                second.bind(("", port + 1))
                return port
