"""`new KIND`: its two files run as they are, and every verb takes the part from where it stands,
without registration.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from condensers.hyperparameters import settings_of
from condensers.registry.registry import create_condenser
from harness.store.store import Store
from tests.helpers.command_line import Harness

SUITE = """
data = ["digits"]
seeds = 1
ipc = [1]

[[condensers]]
method = "my_method.py:MyMethod"
label = "mine"
iterations = 2
batch_real = 8
network = { name = "convnet", depth = 2, width = 8 }

[[condensers]]
method = "dm"
iterations = 2
batch_real = 8
network = { name = "convnet", depth = 2, width = 8 }
objective = { name = "my_method.py:MyMethodObjective", weight = 0.5 }

[[scenarios]]
scenario = "accuracy"
network = { name = "convnet", depth = 2, width = 8 }
networks = 1
epochs = 1
references = []
"""


class Seen:
    """Counts the tests that passed."""

    passed = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.passed += report.when == "call" and report.passed


@pytest.fixture
def folder(harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, the present one, with the two files in it."""
    monkeypatch.chdir(tmp_path)
    answer = harness("new", "condenser", "my-method")
    assert answer.status == 0, answer.err
    assert "harness condense my_method.py:MyMethod" in answer.out
    return tmp_path


@pytest.mark.parametrize(
    ("kind", "tests"),
    [
        ("method", 12),
        ("network", 6),
        ("dataset", 5),
        ("space", 6),
        ("scenario", 5),
        ("strategy", 6),
    ],
)
def test_the_test_passes_at_once(harness: Harness, tmp_path: Path, kind: str, tests: int) -> None:
    """Pytest in pytest, as its users run it: without the settings of this repository."""
    assert harness("new", kind, f"my-{kind}", "--dir", tmp_path).status == 0
    words = [
        "-q",
        "-s",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:timeout",
        "-c",
        os.devnull,
        f"--rootdir={tmp_path}",
    ]
    seen = Seen()
    assert pytest.main([*words, str(tmp_path / f"test_my_{kind}.py")], plugins=[seen]) == 0
    assert seen.passed == tests


@pytest.fixture
def parts(harness: Harness, folder: Path) -> Path:
    """The folder, the present one, with a part of every kind in it."""
    for kind in ("network", "dataset", "space", "scenario", "strategy"):
        assert harness("new", kind, f"my-{kind}").status == 0
    return folder


def test_the_files_keep_to_the_style_of_the_house(parts: Path) -> None:
    folder = parts
    assert all(
        len(line) <= 130 for path in folder.glob("*.py") for line in path.read_text().splitlines()
    )
    ruff = pytest.importorskip("ruff.__main__", reason="a developer's tool").find_ruff_bin()
    width = ("--isolated", "--line-length=130")
    for words in (("check", *width, "--select=E,F,UP,B,SIM,N,C90"), ("format", "--check", *width)):
        done = subprocess.run(
            [ruff, *words, "."], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout


def test_every_verb_takes_it_from_where_it_stands(harness: Harness, folder: Path) -> None:
    (part,) = json.loads(harness("show", "my_method.py:MyMethod", "--json").out)
    fields = {field["name"]: field["default"] for field in part["fields"]}
    assert (
        fields["objective"]["name"].startswith("my_method.py:MyMethodObjective@")
        and fields["iterations"] == 1000
    )
    small = ("--set", "iterations=1", "--set", 'network={name="mlp",width=8}')
    assert (
        harness("condense", "my_method.py:MyMethod", "--data", "digits", "--ipc", 1, *small).status
        == 0
    )
    (made,) = folder.glob("*.safetensors")
    card = json.loads(made.with_suffix(".card.json").read_text())
    assert card["method"].startswith("my_method.py:MyMethod@")
    quick = ("--set", "epochs=1", "--set", "networks=1", "--set", 'network={name="mlp",width=8}')
    assert harness("evaluate", made, *quick).status == 0
    again = create_condenser({"name": card["method"], **card["hyperparameters"]})
    assert settings_of(again) == card["hyperparameters"], (
        "a card's table makes the same method again"
    )


def test_a_suite_names_a_method_and_a_part_by_their_place(harness: Harness, folder: Path) -> None:
    """The digest of the file is part of what keys a cell, so that a suite never shows results of an
    older version.
    """
    (folder / "s.toml").write_text(SUITE)
    keys = []
    for _ in range(2):
        answer = harness("run", "s.toml", "--out", "run", "--workers", 1)
        assert answer.status == 0, answer.err + answer.out
        suite, records, failures = Store(folder / "run").contents()
        named = {record["cell"]["condenser"].partition("@")[0] for record in records}
        objectives = {
            record["cell"]["hyperparameters"]["objective"]["name"].partition("@")[0]
            for record in records
        }
        assert named == {"my_method.py:MyMethod", "dm"} and objectives == {
            "my_method.py:MyMethodObjective"
        }
        assert len(records) == 4 and not failures
        keys.append(set(suite["cells"]))
        text = (folder / "my_method.py").read_text()
        (folder / "my_method.py").write_text(
            text.replace("self.weight * spreads", "2 * self.weight * spreads")
        )
    assert not keys[0] & keys[1]


ALL = """
data = ["my_dataset.py:MyDataset@8"]
seeds = 1
ipc = [1]

[[condensers]]
method = "dm"
iterations = 1
batch_real = 8

[[scenarios]]
scenario = "my_scenario.py:MyScenario"
label = "mine"

[[scenarios]]
scenario = "search"
space = "my_space.py:MySpace"
architectures = 2
references = ["parameters"]
condensers = []
"""


def test_a_suite_names_parts_of_every_kind_by_their_place(harness: Harness, parts: Path) -> None:
    """Settings of these parts can be set as those of registered ones; a change of a file leads to
    other cells.
    """
    (parts / "all.toml").write_text(ALL)
    sets = (
        "--set",
        "condensers.dm.network=my_network.py:MyNetwork",
        "--set",
        "condensers.dm.network.width=4",
    )
    keys = []
    for _ in range(2):
        answer = harness(
            "run", "all.toml", "--workers", 1, *sets, "--set", "scenarios.search.space.widths=[4]"
        )
        assert answer.status == 0, answer.err + answer.out
        suite, records, failures = Store(parts / "runs" / "all").contents()
        assert len(records) == 4 and not failures
        cells = [record["cell"] for record in records]
        assert {cell["scenario"] for cell in cells} == {None, "mine", "search"}
        assert {cell["data"] for cell in cells} == {"my_dataset.py:MyDataset@8"}
        networks = [cell["hyperparameters"]["network"] for cell in cells if cell["hyperparameters"]]
        assert all(
            one["name"].startswith("my_network.py:MyNetwork@") and one["width"] == 4
            for one in networks
        )
        (search,) = (cell["settings"] for cell in cells if cell["scenario"] == "search")
        assert search["space"] == {"name": "my_space.py:MySpace", "widths": [4]}
        keys.append(set(suite["cells"]))
        text = (parts / "my_scenario.py").read_text()
        (parts / "my_scenario.py").write_text(text.replace("100 * (nearest", "100.0 * (nearest"))
    assert len(keys[0] & keys[1]) == 2, "the set and the search"


def test_what_a_card_names_is_not_run_unasked(harness: Harness, parts: Path) -> None:
    made = harness(
        "condense",
        "random",
        "--data",
        "my_dataset.py:MyDataset",
        "--ipc",
        1,
        "--out",
        "a.safetensors",
    )
    assert made.status == 0, made.err
    (parts / "my_dataset.py").write_text("raise SystemExit('run')\n")
    answer = harness("evaluate", "a.safetensors")
    assert (
        answer.status == 2
        and "its card names my_dataset.py:MyDataset as its data set, which is code" in answer.err
    )


def test_a_process_elsewhere_gets_the_parts_of_a_search(
    parts: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The file of a task holds what the parts were loaded from; only objects of the space's class
    are read there.
    """
    from scenarios.registry import SPACES
    from scenarios.search.engines.task import write_task

    task = tmp_path_factory.mktemp("elsewhere") / "task.pt"
    write_task(SPACES.create("my_space.py:MySpace"), task)  # type: ignore[arg-type]
    code = (
        "from pathlib import Path; from scenarios.search.engines.task import read_task;"
        f" print(read_task(Path({str(task)!r})))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=task.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "MySpace(depths=(1, 2, 3), widths=(8, 16))\n", done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ("evaluate", "gallery:dm", "--scenario", "my_network.py:MyNetwork"),
            "cannot be used (it does not derive from scenarios.protocol.Scenario)",
        ),
        (
            ("condense", "dm", "--data", "my_space.py:MySpace", "--ipc", 1),
            "cannot be used (it does not derive from scenarios.datasets.location.DatasetSource)",
        ),
        (
            ("condense", "dm", "--data", "my_dataset.py:Mine", "--ipc", 1),
            "my_dataset.py: has no class Mine",
        ),
        (
            ("condense", "dm", "--data", "my_dataset.py:MyDataset@x", "--ipc", 1),
            "'x' is no height of images",
        ),
        (
            ("condense", "dm", "--data", "digits", "--set", "network=my_scenario.py:MyScenario"),
            "it does not derive from condensers.networks.base.NetworkSpec",
        ),
        (
            ("condense", "dm", "--data", "bad.py:Bad", "--ipc", 1),
            "bad.py:Bad: its read() gave list, not RawData",
        ),
    ],
    ids=["scenario", "dataset", "no-class", "pixels", "network", "no-raw-data"],
)
def test_a_part_of_another_kind_is_one_sentence(
    harness: Harness, parts: Path, words: tuple[object, ...], told: str
) -> None:
    (parts / "bad.py").write_text(
        "from dataclasses import dataclass\n\n"
        "from scenarios.datasets.location import DatasetSource\n\n\n"
        "@dataclass\nclass Bad(DatasetSource):\n    def read(self, place):\n        return []\n"
    )
    answer = harness(*words)
    assert answer.status == 2 and told in answer.err and answer.err.count("\n") == 1, answer.err


def test_another_process_finds_the_method_by_its_table(folder: Path) -> None:
    """What a worker does with the table in a cell."""
    made = create_condenser({"name": "my_method.py:MyMethod", "iterations": 7})
    table = {"name": made.registered, **settings_of(made)}
    code = f"""
from condensers.hyperparameters import settings_of
from condensers.registry.registry import create_condenser
made = create_condenser({table!r})
assert {{"name": made.registered, **settings_of(made)}} == {table!r}
"""
    environment = {"PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("My-Method",), "cannot be a method's name; take small letters"),
        (("dm",), "'dm' is registered already"),
        (("class",), "is a word of Python itself"),
        (("my-method",), "my_method.py: is there already; choose another name or --dir"),
        (("other", "--dir", "/proc/x"), "cannot be written"),
    ],
)
def test_bad_input_is_one_sentence(
    harness: Harness, folder: Path, words: tuple[str, ...], told: str
) -> None:
    answer = harness("new", "condenser", *words)
    assert answer.status == 2 and answer.err.count("\n") == 1 and told in answer.err
    assert sorted(p.name for p in folder.iterdir()) == ["my_method.py", "test_my_method.py"]
