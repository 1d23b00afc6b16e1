"""`new condenser`: its two files run as they are, and every verb takes the method from where it stands, without registration."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from condensers.fields import settings_of
from condensers.registry import create_condenser
from harness.store import Store
from tests.harness.conftest import Harness

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


def test_the_test_passes_at_once(folder: Path) -> None:
    """Pytest in pytest, as its users run it: without the settings of this repository."""
    words = ["-q", "-s", "-p", "no:cacheprovider", "-p", "no:timeout", "-c", os.devnull, f"--rootdir={folder}"]
    seen = Seen()
    assert pytest.main([*words, str(folder / "test_my_method.py")], plugins=[seen]) == 0
    assert seen.passed == 12


def test_the_files_keep_to_the_style_of_the_house(folder: Path) -> None:
    assert all(len(line) <= 130 for path in folder.glob("*.py") for line in path.read_text().splitlines())
    ruff = pytest.importorskip("ruff.__main__", reason="a developer's tool").find_ruff_bin()
    width = ("--isolated", "--line-length=130")
    for words in (("check", *width, "--select=E,F,UP,B,SIM,N,C90"), ("format", "--check", *width)):
        done = subprocess.run([ruff, *words, "."], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_every_verb_takes_it_from_where_it_stands(harness: Harness, folder: Path) -> None:
    (part,) = json.loads(harness("show", "my_method.py:MyMethod", "--json").out)
    fields = {field["name"]: field["default"] for field in part["fields"]}
    assert fields["objective"] == {"name": "my-method-objective"} and fields["iterations"] == 1000
    small = ("--set", "iterations=1", "--set", 'network={name="mlp",width=8}')
    assert harness("condense", "my_method.py:MyMethod", "--data", "digits", "--ipc", 1, *small).status == 0
    (made,) = folder.glob("*.safetensors")
    card = json.loads(made.with_suffix(".card.json").read_text())
    assert card["method"].startswith("my_method.py:MyMethod@")
    quick = ("--set", "epochs=1", "--set", "networks=1", "--set", 'network={name="mlp",width=8}')
    assert harness("evaluate", made, *quick).status == 0
    again = create_condenser({"name": card["method"], **card["hyperparameters"]})
    assert settings_of(again) == card["hyperparameters"], "a card's table makes the same method again"


def test_a_suite_names_a_method_and_a_part_by_their_place(harness: Harness, folder: Path) -> None:
    """The digest of the file is part of what keys a cell, so that a suite never shows results of an older version."""
    (folder / "s.toml").write_text(SUITE)
    keys = []
    for _ in range(2):
        answer = harness("run", "s.toml", "--out", "run", "--workers", 1)
        assert answer.status == 0, answer.err + answer.out
        suite, records, failures = Store(folder / "run").contents()
        named = {record["cell"]["condenser"].partition("@")[0] for record in records}
        objectives = {record["cell"]["hyperparameters"]["objective"]["name"].partition("@")[0] for record in records}
        assert named == {"my_method.py:MyMethod", "dm"} and objectives == {"my_method.py:MyMethodObjective"}
        assert len(records) == 4 and not failures
        keys.append(set(suite["cells"]))
        text = (folder / "my_method.py").read_text()
        (folder / "my_method.py").write_text(text.replace("self.weight * spreads", "2 * self.weight * spreads"))
    assert not keys[0] & keys[1]


def test_another_process_finds_the_method_by_its_table(folder: Path) -> None:
    """What a worker does with the table in a cell."""
    made = create_condenser({"name": "my_method.py:MyMethod", "iterations": 7})
    table = {"name": made.registered, **settings_of(made)}
    code = f"""
from condensers.fields import settings_of
from condensers.registry import create_condenser
made = create_condenser({table!r})
assert {{"name": made.registered, **settings_of(made)}} == {table!r}
"""
    environment = {"PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=False)
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
def test_bad_input_is_one_sentence(harness: Harness, folder: Path, words: tuple[str, ...], told: str) -> None:
    answer = harness("new", "condenser", *words)
    assert answer.status == 2 and answer.err.count("\n") == 1 and told in answer.err
    assert sorted(p.name for p in folder.iterdir()) == ["my_method.py", "test_my_method.py"]
