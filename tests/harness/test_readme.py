"""The project's README and the pages that it sends its reader to first: their commands and scripts
run, the suite is one, and the tables are those of the registry.
"""

import json
import re
import shlex
from pathlib import Path

import pytest
import torch

from harness.catalogue.catalogue import as_markdown, names
from tests.helpers.command_line import Harness
from tests.helpers.plain import run_plain
from tests.helpers.suites import TINY

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
README = (ROOT / "README.md").read_text(encoding="utf-8")
LANDING = (DOCS / "index.md").read_text(encoding="utf-8")
COMMANDS_PAGE = (DOCS / "guide" / "commands.md").read_text(encoding="utf-8")
CATALOGUE = (DOCS / "guide" / "catalogue.md").read_text(encoding="utf-8")
NETWORK = 'network={name="convnet",depth=2,width=8}'
SCHEDULE = 'model_schedule={name="trained-on-real",inner=1,n_data=8,batch=8}'
SMALL = f"--data digits --set batch_real=8 --set '{NETWORK}'"
ONE = "--workers 1 --set seeds=1"
# Each command of the README, the landing page and the page on commands, and what makes it run in a
# second or two: later options take the place of earlier ones.
RUN = {
    "condense dm": f"{SMALL} --ipc 1 --set iterations=2",
    "condense dm-fast": f"{SMALL} --ipc 1 --set iterations=2",
    "condense idc": f"{SMALL} --bytes 650 --set iterations=1 --set '{SCHEDULE}'",
    "evaluate dm.safetensors": (
        "--set orders=1 --set network=mlp --set 'strategies=[{name=\"gdumb\",epochs=1}]'"
    ),
    "import res_DM_MNIST.pt": "--data digits --normalised with-data --labels with-data",
    "export dm.safetensors --to pt": "",
    "plan my.toml": "",
    "plan demo --detect": "",
    "run my.toml": ONE,
    "run my.toml --until": "--workers 1 --quiet --set seeds=3",
    "run my.toml --workers 2": ONE,
    "run my.toml --quiet": ONE,
    "truth show": "",
    "report runs/demo --format": "",
    "report runs/demo runs/my": "",
    "runs": "",
    "diff runs/demo": "",
    "diff reference:demo": "",
    "rank reference:demo": "",
    "list": "",
    "show dm": "",
    "doctor": "",
    "verify": "",
    "export dm.safetensors --to hf": "",
    "new condenser mine": "",
}
# These take minutes or hours; that the suite is right is checked by `plan`.
LONG = {"run families": "20 minutes and more", "run search-mnist-5k": "half an hour"}
COMMANDS = """
import json, sys
from harness.cli.app import main

for words in json.load(open("commands.json")):
    sys.argv = ["harness", *words]
    try:
        main()
    except SystemExit as ended:
        if ended.code:
            sys.exit(f"exit status {ended.code}: {' '.join(words)}")
"""
NNI_SPACE = """
import torch
from nni.nas.nn.pytorch import LayerChoice, ModelSpace

class MySpace(ModelSpace):
    def __init__(self):
        super().__init__()
        self.activation = LayerChoice([torch.nn.ReLU(), torch.nn.Tanh()], label="activation")
        self.linear = torch.nn.Linear(64, 10)

    def forward(self, images):
        return self.linear(self.activation(images.flatten(1)))
"""
NOT_RUN = {
    "make demo": "installs 5 GB, then runs for minutes",
    "make test": "is what runs this test",
}


def commands() -> list[str]:
    """The commands of the three pages, each once, in the order of the pages."""
    blocks = re.findall(r"```sh\n(.*?)```", README + LANDING + COMMANDS_PAGE, re.DOTALL)
    lines = [line.partition("#")[0].strip() for block in blocks for line in block.splitlines()]
    return list(dict.fromkeys(lines))


def began(command: str, known: dict[str, str]) -> list[str]:
    """The longest key of `known` that a command begins with; [] if there is none."""
    words = command.removeprefix("harness ").split()
    keys = [key for key in known if words[: len(key.split())] == key.split()]
    return sorted(keys, key=len)[-1:]


def script(page: str, word: str) -> str:
    """The Python of a page that holds the word."""
    text = (ROOT / page).read_text(encoding="utf-8")
    (found,) = [
        block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if word in block
    ]
    return str(found)


@pytest.fixture
def here(harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with what the README's reader has: a suite, a finished run, a set as DM's
    code saves it.
    """
    from scenarios.datasets import load

    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.toml").write_text(TINY, encoding="utf-8")
    answer = harness(
        "run", "my.toml", "--out", "runs/demo", "--workers", 1, "--set", "seeds=1", "--quiet"
    )
    assert answer.status == 0, answer.err
    train = load("digits").train
    images = train.normalise(torch.cat([train.images[train.members(c)[:1]] for c in train.classes]))
    torch.save({"data": [[images, torch.arange(10)]], "accs_all_exps": {}}, "res_DM_MNIST.pt")
    return tmp_path


def test_every_command_is_run_here_or_says_why_not() -> None:
    every = {**RUN, **LONG, **NOT_RUN}
    assert {key for command in commands() for key in began(command, every)} == set(every)
    for command in commands():
        assert began(command, every), command


@pytest.mark.timeout(900)  # beside busy processes
def test_every_command_runs_in_a_clean_process(here: Path) -> None:
    words = [
        [*shlex.split(command)[1:], *shlex.split(RUN[key])]
        for command in commands()
        for key in began(command, RUN)
    ]
    (here / "commands.json").write_text(json.dumps(words), encoding="utf-8")
    answer = run_plain(["-c", COMMANDS], here)
    assert answer.returncode == 0, answer.stderr
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
    assert {path.suffix for path in (here / "tables").iterdir()} == {
        ".md",
        ".csv",
        ".json",
        ".tex",
        ".html",
    }


def test_the_suites_that_take_long_are_right(harness: Harness) -> None:
    for key in LONG:
        assert harness("plan", key.split()[1]).status == 0


def test_its_suite_is_one(harness: Harness, tmp_path: Path) -> None:
    (block,) = [
        block
        for block in re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
        if block.startswith("data = ")
    ]
    (tmp_path / "my.toml").write_text(block, encoding="utf-8")
    answer = harness("plan", tmp_path / "my.toml")
    assert answer.status == 0, answer.err


@pytest.fixture
def tiny_set(harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with `dm.safetensors`, two digits a class."""
    monkeypatch.chdir(tmp_path)
    answer = harness(
        "condense", "random", "--data", "digits", "--ipc", 2, "--out", "dm.safetensors"
    )
    assert answer.status == 0, answer.err
    return tmp_path


def run_script(folder: Path, *parts: str) -> str:
    """What a user's script of these parts prints, in a clean process of the plain installation."""
    (folder / "script.py").write_text("\n".join(parts), encoding="utf-8")
    answer = run_plain(["script.py"], folder)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def test_the_avalanche_script_runs(tiny_set: Path) -> None:
    before = """
import torch
from sklearn.datasets import load_digits
from torch.utils.data import TensorDataset
from avalanche.benchmarks import nc_benchmark

digits = load_digits()
images = torch.tensor(digits.images[:, None] / 16, dtype=torch.float32)
dataset = TensorDataset((images - 0.3) / 0.37, torch.tensor(digits.target))
benchmark = nc_benchmark(dataset, dataset, n_experiences=2, task_labels=False, seed=0)
model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
optimizer, criterion = torch.optim.SGD(model.parameters(), lr=0.01), torch.nn.CrossEntropyLoss()
"""
    printed = run_script(
        tiny_set,
        before,
        script("docs/tutorials/avalanche.md", "import CondensedMemory"),
        "print(len(memory.buffer), 'exemplars')",
    )
    assert "20 exemplars" in printed.splitlines()


def test_the_script_of_the_readme_runs(tiny_set: Path) -> None:
    printed = run_script(tiny_set, script("README.md", "load"), "print(len(proxy), replay.size)")
    assert printed.split() == ["20", "64"]


def test_the_nni_script_runs(tiny_set: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tiny_set))
    (tiny_set / "my_space.py").write_text(NNI_SPACE, encoding="utf-8")
    before = """
import torch

def train_and_validate(model, proxy):
    images, labels = next(iter(proxy))
    return -float(torch.nn.functional.cross_entropy(model(images), labels).detach())
"""
    example = script("docs/tutorials/nni.md", "train_and_validate")
    example = example.replace("max_trial_number=20", "max_trial_number=2")
    # The space is made where the example would have it: after NNI was imported as the example
    # imports it.
    example = example.replace(
        "proxy = ", "from my_space import MySpace\nspace = MySpace()\nproxy = "
    )
    printed = run_script(tiny_set, before, example, "print(len(best), 'models')")
    assert "2 models" in printed.splitlines()


@pytest.mark.parametrize("kind", ["methods", "selections", "scenarios"])
def test_tables_are_those_of_the_registry(harness: Harness, kind: str) -> None:
    (block,) = re.findall(
        rf"<!-- harness list {kind} --markdown -->\n(.*?)\n<!-- end -->", CATALOGUE, re.DOTALL
    )
    assert block == as_markdown(names(kind)), (
        f"put what `harness list {kind} --markdown` prints between the markers"
    )
    assert harness("list", kind, "--markdown").out == f"{block}\n"


@pytest.mark.parametrize("kind", ["methods", "selections", "scenarios", "strategies"])
def test_the_readme_names_what_is_registered(kind: str) -> None:
    (row,) = re.findall(rf"^\| {kind} \|.*\|(.*)\|$", README, re.MULTILINE)
    assert re.findall(r"`([^`]+)`", row) == list(names(kind)[kind])


def test_it_is_read_in_five_minutes() -> None:
    assert len(README.splitlines()) < 150


def test_what_it_links_to_is_there_and_its_picture_is_small() -> None:
    places = [
        place.partition("#")[0]
        for place in re.findall(r"\]\(([^)]+)\)", README)
        if not place.startswith(("http", "#"))
    ]
    assert all((ROOT / place).exists() for place in places)
    (picture,) = [place for place in places if place.endswith(".png")]
    assert (ROOT / picture).stat().st_size < 150_000
