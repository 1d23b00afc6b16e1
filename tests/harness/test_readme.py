"""The project's README: its commands and scripts run, its suite is one, and its tables are those of the registry."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.catalogue import as_markdown, names
from tests.harness.conftest import TINY, Harness

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
NETWORK = 'network={name="convnet",depth=2,width=8}'
SCHEDULE = 'schedule={name="trained-on-real",inner=1,n_data=8,batch=8}'
SMALL = f"--data digits --set batch_real=8 --set '{NETWORK}'"
ONE = "--workers 1 --set seeds=1"
# Each command of the README, and what makes it run in a second or two: later options take the place of earlier ones.
RUN = {
    "condense dm": f"{SMALL} --ipc 1 --set iterations=2",
    "condense idc": f"{SMALL} --bytes 650 --set iterations=1 --set '{SCHEDULE}'",
    "evaluate dm.safetensors": "--set orders=1 --set network=mlp --set 'strategies=[{name=\"gdumb\",epochs=1}]'",
    "import res_DM_MNIST.pt": "--data digits --normalised with-data --labels with-data",
    "export dm.safetensors --to pt": "",
    "plan my.toml": "",
    "run my.toml --workers 2": ONE,
    "run my.toml --quiet": ONE,
    "truth show": "",
    "report runs/demo --format": "",
    "report runs/demo runs/my": "",
    "runs": "",
    "diff": "",
    "list": "",
    "show dm": "",
    "doctor": "",
    "export dm.safetensors --to hf": "",
    "new condenser mine": "",
}
# These take minutes or hours; that the suite is right is checked by `plan`.
LONG = {"run families": "20 minutes and more", "run search-mnist-5k": "half an hour"}
NOT_RUN = {"make demo": "installs 5 GB, then runs for minutes", "make test": "is what runs this test"}


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    return [line.partition("#")[0].strip() for block in blocks for line in block.splitlines()]


def began(command: str, known: dict[str, str]) -> list[str]:
    """The keys of `known` that a command begins with."""
    words = command.removeprefix("harness ").split()
    return [key for key in known if words[: len(key.split())] == key.split()]


def script(word: str) -> str:
    (found,) = [block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if word in block]
    return str(found)


@pytest.fixture
def here(harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with what the README's reader has: a suite, a finished run, a set as DM's code saves it."""
    from scenarios.datasets import load

    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.toml").write_text(TINY, encoding="utf-8")
    answer = harness("run", "my.toml", "--out", "runs/demo", "--workers", 1, "--set", "seeds=1", "--quiet")
    assert answer.status == 0, answer.err
    train = load("digits").train
    images = train.normalise(torch.cat([train.images[train.members(c)[:1]] for c in train.classes]))
    torch.save({"data": [[images, torch.arange(10)]], "accs_all_exps": {}}, "res_DM_MNIST.pt")
    return tmp_path


def test_every_command_is_run_here_or_says_why_not() -> None:
    every = {**RUN, **LONG, **NOT_RUN}
    assert len(commands()) == len(every)
    for command in commands():
        assert len(began(command, every)) == 1, command


def test_every_command_runs(harness: Harness, here: Path) -> None:
    for command in commands():
        for key in began(command, RUN):
            answer = harness(*shlex.split(command)[1:], *shlex.split(RUN[key]))
            assert answer.status == 0, (command, answer.err)
    made = {path.name for path in here.iterdir()}
    assert {
        "dm.safetensors",
        "dm.png",
        "idc.safetensors",
        "theirs.safetensors",
        "dm.pt",
        "shared",
        "mine.py",
        "both.html",
    } <= made
    assert {path.suffix for path in (here / "tables").iterdir()} == {".md", ".csv", ".json", ".tex", ".html"}


def test_the_suites_that_take_long_are_right(harness: Harness) -> None:
    for key in LONG:
        assert harness("plan", key.split()[1]).status == 0


def test_its_suite_is_one(harness: Harness, tmp_path: Path) -> None:
    (block,) = [block for block in re.findall(r"```toml\n(.*?)```", README, re.DOTALL) if block.startswith("data = ")]
    (tmp_path / "my.toml").write_text(block, encoding="utf-8")
    answer = harness("plan", tmp_path / "my.toml")
    assert answer.status == 0, answer.err


@pytest.fixture
def model() -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))


def test_the_avalanche_script_runs(
    harness: Harness, model: torch.nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scenarios.continual.stream import benchmark
    from scenarios.datasets import load

    monkeypatch.chdir(tmp_path)
    harness("condense", "random", "--data", "digits", "--ipc", 2, "--out", "dm.safetensors")
    data = load("digits")
    given: dict[str, Any] = {
        "model": model,
        "optimizer": torch.optim.SGD(model.parameters(), lr=0.01),
        "criterion": torch.nn.CrossEntropyLoss(),
        "benchmark": benchmark(data.train, data.test, [(0, 1, 2, 3, 4), (5, 6, 7, 8, 9)]),
    }
    exec(script("CondensedMemory"), given)
    assert len(given["memory"].buffer) == 20


def test_the_nni_script_runs(harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from scenarios.search.experiment import contained
    from tests.scenarios.search.model_spaces import Written

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    harness("condense", "random", "--data", "digits", "--ipc", 2, "--out", "dm.safetensors")
    seen: list[torch.Size] = []

    def train_and_validate(model: torch.nn.Module, proxy: Any) -> float:
        images, labels = next(iter(proxy))
        scores = model(images)
        seen.append(scores.shape)
        return -float(torch.nn.functional.cross_entropy(scores, labels).detach())

    given: dict[str, Any] = {"space": Written((1, 8, 8), 10), "train_and_validate": train_and_validate}
    with contained(tmp_path):
        exec(script("NasExperiment").replace("max_trial_number=20", "max_trial_number=2"), given)
        given["experiment"].stop()
    assert seen == [torch.Size([20, 10])] * 2
    assert len(given["experiment"].export_top_models(1)) == 1


@pytest.mark.parametrize("kind", ["methods", "selections", "scenarios"])
def test_tables_are_those_of_the_registry(harness: Harness, kind: str) -> None:
    (block,) = re.findall(rf"<!-- harness list {kind} --markdown -->\n(.*?)\n<!-- end -->", README, re.DOTALL)
    assert block == as_markdown(names(kind)), f"put what `harness list {kind} --markdown` prints between the markers"
    assert harness("list", kind, "--markdown").out == f"{block}\n"


def test_what_it_links_to_is_there_and_its_picture_is_small() -> None:
    places = [place.partition("#")[0] for place in re.findall(r"\]\(([^)]+)\)", README) if not place.startswith("http")]
    assert all((ROOT / place).exists() for place in places)
    (picture,) = [place for place in places if place.endswith(".png")]
    assert (ROOT / picture).stat().st_size < 150_000
