"""The project's README: its Avalanche script runs, and it names the commands that there are."""

import re
from pathlib import Path

import pytest
import torch

from condensers.registry import METHODS, SELECTIONS
from tests.harness.conftest import Harness

README = Path(__file__).parents[2] / "README.md"


def test_the_avalanche_script_runs(harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from scenarios.continual.stream import benchmark
    from scenarios.datasets import load

    monkeypatch.chdir(tmp_path)
    harness("condense", "random", "--data", "digits", "--ipc", 2, "--out", "dm.safetensors")
    data = load("digits")
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
    given = {
        "model": model,
        "optimizer": torch.optim.SGD(model.parameters(), lr=0.01),
        "criterion": torch.nn.CrossEntropyLoss(),
        "benchmark": benchmark(data.train, data.test, [(0, 1, 2, 3, 4), (5, 6, 7, 8, 9)]),
    }
    (script,) = [
        block for block in re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL) if "CondensedMemory" in block
    ]
    exec(script, given)
    assert len(given["memory"].buffer) == 20  # type: ignore[attr-defined]


def test_every_verb_of_the_readme_exists(harness: Harness) -> None:
    verbs = set(re.findall(r"^(?:\S*/)?harness (\w+)", README.read_text(), re.MULTILINE))
    assert {"list", "show", "condense", "evaluate", "plan", "run", "report", "runs", "doctor"} <= verbs
    for verb in verbs:
        assert harness(verb, "--help").status == 0, verb


def test_every_method_and_selection_is_in_the_table() -> None:
    rows = [line for line in README.read_text().splitlines() if line.startswith("| ") and "`" in line]
    named = {name for row in rows for name in re.findall(r"`([a-z0-9-]+)`", row.split("|")[2])}
    assert named == {*METHODS.entries(), *SELECTIONS.entries()}
