"""The face for scripts and notebooks: a suite run and read without the command line."""

import builtins
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import harness as face
from condensers.errors import Damaged, DataMissing, Interrupted, UsageError
from harness.suite.overrides import loads
from scenarios import from_arrays
from tests.harness.faults.conftest import flip
from tests.helpers.command_line import Harness
from tests.helpers.suites import TINY

ROOT = Path(__file__).parents[2]
NETWORK = {"name": "convnet", "depth": 2, "width": 8}
TABLE = {
    "name": "table",
    "data": ("digits",),
    "seeds": 2,
    "ipc": 1,
    "condensers": [{"method": "random"}],
    "scenarios": [
        {
            "scenario": "accuracy",
            "network": NETWORK,
            "networks": 2,
            "epochs": 2,
            "references": [],
        }
    ],
}


def figures(results: face.Results) -> dict[str, Any]:
    """Every measured value, by cell."""
    return {
        record["key"]: record["outcome"]["measurements"]
        for record in results.records
        if record["outcome"]
    }


@pytest.fixture(scope="module")
def table_run(tmp_path_factory: pytest.TempPathFactory) -> face.Results:
    return face.run(TABLE, tmp_path_factory.mktemp("face") / "table")


def test_data_in_memory_is_kept_in_the_run_and_used_again(tmp_path: Path) -> None:
    images = np.random.RandomState(0).randint(0, 256, (60, 8, 8)).astype(np.uint8)
    data = {"noise": from_arrays("noise", (images, np.arange(60) % 3))}
    suite = {**TABLE, "seeds": 1}
    first = face.run(suite, tmp_path / "run", data=data)
    kept = tmp_path / "run" / "data" / "noise.npz"
    before = kept.stat().st_mtime_ns
    assert not first.failures
    assert {record["cell"]["data"] for record in first.records} == {f"npz:{kept}"}
    again = face.run(tmp_path / "run" / "suite.toml", tmp_path / "run")
    assert figures(again) == figures(first)
    face.run(suite, tmp_path / "run", data=data)
    assert kept.stat().st_mtime_ns == before
    with pytest.raises(UsageError, match="cannot name a file"):
        face.run(suite, tmp_path / "other", data={"a/b": data["noise"]})


def test_a_dict_is_run_and_read_again(table_run: face.Results) -> None:
    assert not table_run.failures and table_run.cells == len(table_run.records) == 4
    again = face.read_results(table_run.directory)
    assert again.rows == table_run.rows and figures(again) == figures(table_run)
    (row,) = [row for row in again.rows if row["metric"] == "test-accuracy"]
    assert (row["condenser"], row["ipc"], row["n"]) == ("random", 1, 2)


def test_what_is_done_is_not_done_again(table_run: face.Results) -> None:
    stamps = {path: path.stat().st_mtime_ns for path in table_run.directory.rglob("record.json")}
    again = face.run(TABLE, table_run.directory)
    assert stamps == {p: p.stat().st_mtime_ns for p in table_run.directory.rglob("record.json")}
    assert again.rows == table_run.rows


def test_the_command_line_goes_on_with_the_file_that_a_dict_left(
    table_run: face.Results, harness: Harness
) -> None:
    command = table_run.records[0]["command"].split()
    assert command[:2] == ["harness", "run"]
    assert loads(Path(command[2]).read_text())["scenarios"][0]["network"] == NETWORK
    answer = harness(*command[1:])
    assert answer.status == 0 and "4 cells, 0 to do" in answer.err


def test_a_file_and_the_command_line_give_the_same(
    tmp_path: Path, tiny: Path, harness: Harness
) -> None:
    ours = face.run(tiny, tmp_path / "ours", overrides={"seeds": 1, "condensers.dm.iterations": 2})
    words = ["--set", "seeds=1", "--set", "condensers.dm.iterations=2", "--workers", 1]
    assert harness("run", tiny, "--out", tmp_path / "theirs", *words).status == 0
    assert figures(ours) == figures(face.read_results(tmp_path / "theirs"))
    again = face.run(tiny, tmp_path / "ours", overrides=["seeds=1", "condensers.dm.iterations=2"])
    assert figures(again) == figures(ours)


def test_the_frame_has_a_row_for_each_value(table_run: face.Results) -> None:
    pytest.importorskip("pandas")
    frame = table_run.to_pandas()
    accuracy = frame[frame["metric"] == "test-accuracy"]
    assert len(accuracy) == 4
    assert set(map(tuple, accuracy[["seed", "repeat_network"]].to_numpy())) == {
        (seed, network) for seed in (0, 1) for network in (0, 1)
    }
    for record in table_run.records:
        if record["outcome"]:
            (measurement,) = record["outcome"]["measurements"]
            here = accuracy[accuracy["cell"] == record["key"]]
            assert list(here["value"]) == measurement["values"]
            assert set(here["seed"]) == {record["cell"]["seed"]}
    assert set(accuracy["budget"]) == {"ipc 1"} and set(accuracy["origin"]) == {"real images"}
    made = frame[frame["scenario"] == "condense"][["metric", "unit"]].to_numpy()
    units = {"seconds": "s", "cpu-seconds": "s", "peak-memory": "MB"}
    assert {str(metric): str(unit) for metric, unit in made} == units
    summary = table_run.summary()
    (row,) = summary[summary["metric"] == "test-accuracy"].to_dict("records")
    means = accuracy.groupby("seed")["value"].mean()
    assert row["mean"] == pytest.approx(means.mean()) and row["n"] == 2


def test_without_pandas_it_is_one_sentence(
    table_run: face.Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def refuse(name: str, *rest: Any) -> Any:
        if name == "pandas":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    for call in (table_run.to_pandas, table_run.summary):
        with pytest.raises(UsageError, match=r'pip install "condensation-harness\[pandas\]"'):
            call()


def test_it_shows_itself(table_run: face.Results) -> None:
    text, page = repr(table_run), table_run._repr_html_()
    assert text.startswith(f"Results of table in {table_run.directory}: 4 of 4 cells done\n")
    assert len(text.splitlines()) == len(page.split("<tr>")) == 2 + len(table_run)
    for row in table_run.rows:
        assert f"{row['mean']:.4g}" in text and f"{row['mean']:.4g}" in page


def test_what_a_representation_quotes_is_no_markup(tmp_path: Path) -> None:
    condenser = {"method": "random", "label": "<b>bold</b>"}
    results = face.run({**TABLE, "seeds": 1, "condensers": [condenser]}, tmp_path / "out")
    assert "<b>bold</b>" in repr(results)
    assert "<b>" not in results._repr_html_() and "&lt;b&gt;bold" in results._repr_html_()


def test_a_failed_cell_is_in_failures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the loss is not finite")

    with monkeypatch.context() as patched:
        patched.setattr("condensers.selections.base.RandomSelection.condense", fail)
        results = face.run({**TABLE, "seeds": 1}, tmp_path / "out")
    assert len(results.failures) == 1 and not results.records
    assert "the loss is not finite" in results.failures[0]["sentence"]
    assert "1 failed, 1 not run yet" in repr(results)
    assert "the loss is not finite" in results._repr_html_()
    assert not face.run({**TABLE, "seeds": 1}, tmp_path / "out").failures


BAD: dict[str, tuple[Mapping[Any, Any], str]] = {
    "unknown key": ({**TABLE, "seed": 1}, "suite: unknown key 'seed'; did you mean 'seeds'?"),
    "nothing": ({**TABLE, "ipc": None}, "suite: ipc: is None, which a suite cannot hold"),
    "object": ({**TABLE, "data": [object()]}, r"suite: data\[0\]: object is no text, number"),
    "key": ({**TABLE, 3: 1}, "the suite: the key 3 is not a text"),
    "method": (
        {**TABLE, "condensers": [{"method": "randm"}]},
        "suite: condensers.randm: unknown .*'randm'; did you mean 'random'?",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_dict_is_one_sentence_and_nothing_is_written(name: str, tmp_path: Path) -> None:
    table, why = BAD[name]
    with pytest.raises(UsageError, match=why) as caught:
        face.run(table, tmp_path / "out")
    assert "\n" not in str(caught.value) and not (tmp_path / "out").exists()


def test_bad_arguments_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="workers: 0 is not a whole number of at least 1"):
        face.run(TABLE, tmp_path / "out", workers=0)
    with pytest.raises(UsageError, match="neither a built-in suite nor a file"):
        face.run("dmo", tmp_path / "out")
    with pytest.raises(UsageError, match=r"overrides: give a list, \['seeds=3'\], or a dict"):
        face.run(TABLE, tmp_path / "out", overrides="seeds=3")
    with pytest.raises(UsageError, match="not a run directory"):
        face.read_results(tmp_path)
    with pytest.raises(DataMissing):
        face.plan({**TABLE, "data": "cifar10"}, data_dir=tmp_path)


def test_damage_is_told_when_it_is_read(tmp_path: Path) -> None:
    results = face.run({**TABLE, "seeds": 1}, tmp_path / "out")
    path = next(results.directory.rglob("record.json"))
    flip(path)
    with pytest.raises(Damaged):
        face.read_results(results.directory)
    assert not face.run({**TABLE, "seeds": 1}, tmp_path / "out", repair=True).failures


def test_a_deadline_interrupts_and_says_how_to_go_on(tmp_path: Path) -> None:
    with pytest.raises(Interrupted, match=r"4 cells left; call run\(\.\.\.\) again to go on"):
        face.run(TABLE, tmp_path / "out", minutes=0.0)
    assert face.read_results(tmp_path / "out").cells == 4
    assert "4 not run yet" in repr(face.read_results(tmp_path / "out"))


def test_it_runs_outside_the_main_thread(tmp_path: Path) -> None:
    found: list[face.Results] = []
    thread = threading.Thread(
        target=lambda: found.append(face.run({**TABLE, "seeds": 1}, tmp_path / "out"))
    )
    thread.start()
    thread.join()
    assert found and not found[0].failures


def test_seeds_are_added_until_an_interval_is_narrow(tmp_path: Path) -> None:
    accuracy = {**TABLE["scenarios"][0], "network": "mlp", "networks": 1}  # type: ignore[index]
    sets = [{"method": "random"}, {"method": "herding"}]
    table = {**TABLE, "seeds": 3, "condensers": sets, "scenarios": [accuracy]}
    results = face.run(
        table, tmp_path / "out", until=1e-3, compare="herding:random", metric="accuracy", most=4
    )
    assert {record["cell"]["seed"] for record in results.records} == {0, 1, 2, 3}
    assert any("--most 4 ended it" in note for note in results.report["notes"])
    assert "--until 0.001 --most 4" in results.records[0]["command"]
    with pytest.raises(UsageError, match="compare and metric say what until is about"):
        face.run(TABLE, tmp_path / "out", compare="herding:random")
    with pytest.raises(UsageError, match="begins with 2 seeds"):
        face.run({**table, "seeds": 2}, tmp_path / "out", until=1.0)


def test_a_plan_lays_out_cells_and_writes_nothing(tmp_path: Path) -> None:
    planned = face.plan(TABLE, overrides={"seeds": 3})
    assert len(planned.cells) == 6
    assert repr(planned) == "<SuitePlan of table: 6 cells (3 sets, 3 measurements)>"


SCRIPT = """
from harness import run
results = run("{suite}", "{out}", workers=2)
print(len(results.records), len(results.failures))
"""


def test_a_script_without_a_guard_has_workers(tmp_path: Path) -> None:
    suite, script = tmp_path / "tiny.toml", tmp_path / "script.py"
    suite.write_text(TINY.replace("seeds = 2", "seeds = 1"))
    script.write_text(SCRIPT.format(suite=suite, out=tmp_path / "out"))
    done = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert (done.stdout, done.returncode) == ("5 0\n", 0), done.stderr


def test_importing_the_face_imports_no_torch() -> None:
    code = (
        "import sys, json, harness; from harness import __all__ as names\n"
        "print(json.dumps([sorted(names), sorted(dir(harness)), 'torch' in sys.modules]))\n"
        "from harness import run, read_results, Results, SuitePlan, Store, plan\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    names, listed, torch = json.loads(done.stdout)
    assert {"run", "plan", "read_results", "Results"} <= set(names) <= set(listed) and not torch
    with pytest.raises(AttributeError, match="no attribute 'runn'"):
        face.runn  # type: ignore[attr-defined]  # noqa: B018
