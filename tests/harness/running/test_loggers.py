"""Optional loggers: what they are given, where it goes, and what is said where their package is
missing.
"""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.helpers.command_line import Harness

SUITE = """
data = ["digits"]
seeds = 1
ipc = [1]
[[condensers]]
method = "dm"
iterations = 3
batch_real = 8
network = { name = "convnet", depth = 2, width = 8 }
[[scenarios]]
scenario = "accuracy"
network = "mlp"
networks = 1
epochs = 1
references = []
"""


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A suite of two cells of which every step is told."""
    monkeypatch.setattr("harness.running.cell_work.EVENT_SECONDS", 0.0)
    path = tmp_path / "small.toml"
    path.write_text(SUITE, encoding="utf-8")
    return path


def test_tensorboard_gets_steps_and_results(harness: Harness, small: Path, tmp_path: Path) -> None:
    accumulating = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    answer = harness(
        "run", small, "--out", tmp_path / "out", "--workers", 1, "--log", "tensorboard"
    )
    assert answer.status == 0, answer.err
    read = {}
    for folder in (tmp_path / "out" / "logs" / "tensorboard").iterdir():
        events = accumulating.EventAccumulator(str(folder))
        events.Reload()
        read[folder.name[:8]] = {tag: events.Scalars(tag) for tag in events.Tags()["scalars"]}
    assert [event.step for event in read["condense"]["dm"]] == [1, 2, 3]
    assert all(event.value > 0 for event in read["condense"]["dm"])
    (accuracy,) = read["accuracy"]["results/test-accuracy"]
    assert 0 <= accuracy.value <= 100 and read["condense"]["results/seconds"][0].value > 0


class Run:
    """What wandb.init gives, as far as it is used."""

    def __init__(self) -> None:
        self.logged: list[dict[str, float]] = []
        self.summary: dict[str, float] = {}
        self.finished = False

    def log(self, figures: dict[str, float]) -> None:
        self.logged.append(figures)

    def finish(self) -> None:
        self.finished = True


@pytest.mark.parametrize(("asked", "mode"), [(None, "offline"), ("disabled", "disabled")])
def test_wandb_is_offline_unless_told_and_gets_steps_and_results(
    harness: Harness,
    small: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked: str | None,
    mode: str,
) -> None:
    run, given = Run(), {}

    def init(**settings: Any) -> Run:
        given.update(settings)
        return run

    monkeypatch.setitem(sys.modules, "wandb", SimpleNamespace(init=init, Settings=SimpleNamespace))
    monkeypatch.delenv("WANDB_MODE", raising=False)
    if asked:
        monkeypatch.setenv("WANDB_MODE", asked)
    assert (
        harness("run", small, "--out", tmp_path / "out", "--workers", 1, "--log", "wandb").status
        == 0
    )
    assert (
        given["mode"] == mode
        and given["dir"] == str(tmp_path / "out" / "logs")
        and given["name"] == "out"
    )
    at_work = "condense dm ipc 1, seed 0"
    assert [figures[f"{at_work}/step"] for figures in run.logged if f"{at_work}/dm" in figures] == [
        1,
        2,
        3,
    ]
    assert 0 <= run.summary["accuracy: dm ipc 1, seed 0/test-accuracy"] <= 100
    assert run.finished


class MlflowClient:
    """What MLflow's client keeps, as far as it is used."""

    made: "list[MlflowClient]" = []

    def __init__(self, tracking_uri: str) -> None:
        self.place, self.metrics, self.ended = tracking_uri, [], []
        self.runs: dict[str, dict[str, str]] = {}
        self.made.append(self)

    def get_experiment_by_name(self, name: str) -> None:
        assert name == "out"

    def create_experiment(self, name: str) -> str:
        return f"experiment {name}"

    def create_run(self, experiment: str, tags: dict[str, str], run_name: str) -> Any:
        assert experiment == "experiment out"
        self.runs[run_name] = tags
        return SimpleNamespace(info=SimpleNamespace(run_id=run_name))

    def log_metric(self, run: str, name: str, figure: float, step: int | None = None) -> None:
        self.metrics.append((run, name, figure, step))

    def set_terminated(self, run: str, status: str | None = None) -> None:
        self.ended.append((run, status))


@pytest.mark.parametrize("place", [None, "http://127.0.0.1:9"])
def test_mlflow_writes_files_unless_told_and_gets_steps_and_results(
    harness: Harness,
    small: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str | None,
) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "mlflow.tracking", SimpleNamespace(MlflowClient=MlflowClient))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for name in ("MLFLOW_DISABLE_TELEMETRY", "MLFLOW_ALLOW_FILE_STORE"):
        monkeypatch.setenv(name, "true")
    if place:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", place)
    out = tmp_path / "out"
    answer = harness("run", small, "--out", out, "--workers", 1, "--log", "mlflow")
    assert answer.status == 0, answer.err
    client = MlflowClient.made[-1]
    assert client.place == (place or (out / "logs" / "mlflow").as_uri())
    at_work = "condense dm ipc 1, seed 0"
    steps = [step for run, name, _, step in client.metrics if (run, name) == (at_work, "dm")]
    assert steps == [1, 2, 3] and client.runs[at_work]["kind"] == "condense"
    measured = {(run, name): figure for run, name, figure, _ in client.metrics}
    assert 0 <= measured["accuracy: dm ipc 1, seed 0", "results/test-accuracy"] <= 100
    assert {run for run, _ in client.ended} == set(client.runs)


def test_a_logger_that_is_not_there_is_said_before_any_work(
    harness: Harness, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    for name in ("wandb", "tensorboard", "mlflow"):
        answer = harness("run", small, "--out", tmp_path / "out", "--workers", 1, "--log", name)
        assert (answer.status, answer.err.count("error:")) == (2, 1)
        assert (
            f"--log {name}: the package {name} is not installed; pip install"
            f' "condensation-harness[{"mlflow" if name == "mlflow" else "loggers"}]"' in answer.err
        )
    assert (
        "did you mean 'wandb'"
        in harness("run", small, "--out", tmp_path / "out", "--log", "wanb").err
    )
    assert not list((tmp_path / "out").rglob("record.json"))


def test_quiet_prints_the_last_line_alone_and_what_failed(
    harness: Harness, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = harness("run", small, "--out", tmp_path / "out", "--workers", 1, "--quiet")
    assert (answer.out, answer.err) == (f"wrote {tmp_path / 'out' / 'report.html'}\n", "")

    def fail(*_: object) -> None:
        raise RuntimeError("the loss is not finite")

    monkeypatch.setattr("condensers.methods.distribution_matching.dm.DM.condense", fail)
    answer = harness("run", small, "--out", tmp_path / "other", "--workers", 1, "--quiet")
    assert answer.status == 1 and answer.out == f"wrote {tmp_path / 'other' / 'report.html'}\n"
    assert answer.err == "failed: condense dm ipc 1, seed 0: RuntimeError: the loss is not finite\n"
