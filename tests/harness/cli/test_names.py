import json
import resource
import subprocess
import sys

import pytest

from tests.harness.conftest import Harness

NAMES = {
    "datasets": {"mnist-5k", "digits", "fashion-mnist", "mnist", "kmnist", "cifar10", "cifar100", "svhn"},
    "selections": {"random", "herding", "k-center", "k-means", "k-means-centroids"},
    "methods": {"dc", "dsa", "dm"},
    "scenarios": {"accuracy", "cross-architecture", "continual", "search", "data-space"},
    "suites": {"demo", "fashion-dm"},
}


def test_list_json_shows_every_registered_name_under_its_kind(harness: Harness) -> None:
    found = json.loads(harness("list", "--json").out)
    for kind, names in NAMES.items():
        assert names <= set(found[kind]), kind
        assert all(found[kind].values()), f"a summary is missing among {kind}"


def test_list_takes_a_kind_in_singular_or_plural(harness: Harness) -> None:
    assert json.loads(harness("list", "method", "--json").out).keys() == {"methods"}
    answer = harness("list", "metods")
    assert answer.status == 2
    assert "did you mean 'methods'?" in answer.err


def test_show_gives_default_unit_and_source(harness: Harness) -> None:
    (part,) = json.loads(harness("show", "dm", "--json").out)
    fields = {f["name"]: f for f in part["fields"]}
    assert fields["iterations"] == {
        "name": "iterations",
        "type": "int",
        "default": 20000,
        "unit": "steps on the images",
        "source": "DM, section 4.1",
        "minimum": 1,
    }
    assert "iterations = 20000 steps on the images" in harness("show", "dm").out


@pytest.mark.parametrize("kind", sorted(NAMES))
def test_every_listed_name_can_be_shown(harness: Harness, kind: str) -> None:
    for name in NAMES[kind]:
        assert harness("show", name).status == 0


def test_show_suggests_a_near_name(harness: Harness) -> None:
    answer = harness("show", "herdin")
    assert (answer.status, answer.err) == (2, "error: nothing is called 'herdin'; did you mean 'herding'?\n")


@pytest.mark.parametrize("words", [["--help"], ["list"], ["show", "dsa"], ["list", "--json"]])
def test_help_list_and_show_answer_without_torch_in_half_a_second(words: list[str]) -> None:
    code = (
        "import sys; sys.argv = ['harness', *sys.argv[1:]]\n"
        "from harness.cli.app import main\n"
        "try: main()\n"
        "finally: print('torch' in sys.modules, file=sys.stderr)"
    )
    seconds, libraries = [], []
    for _ in range(4):
        done, spent = timed(code, words)
        assert done.stderr.strip() == "False"
        seconds.append(spent)
        libraries.append(timed("import typer, pydantic", [])[1])
    # A processor whose other thread is busy takes up to twice as long for the same work, also for that of the libraries.
    assert min(seconds) < max(0.5, 3 * min(libraries))


def timed(code: str, words: list[str]) -> tuple[subprocess.CompletedProcess[str], float]:
    """What a Python process printed, and its processor seconds."""
    begun = processor_seconds()
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    return done, processor_seconds() - begun


def processor_seconds() -> float:
    """What all finished child processes took; other work on the machine does not count, as it would in wall time."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
