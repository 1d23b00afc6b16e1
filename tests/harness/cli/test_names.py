import json
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from condensers.formats.reading import FORMATS as READ
from harness.catalogue.catalogue import names, plural_of
from harness.catalogue.descriptions import descriptions
from harness.catalogue.registries import kinds
from harness.cli.list_show import print_field, words_of
from harness.cli.report import FORMATS
from harness.scaffold import KINDS
from harness.sets.exporting import WRITERS
from harness.suite.overrides import loads
from scenarios.registry import SCENARIOS
from tests.helpers.command_line import Harness

NAMES = {
    "datasets": {
        "mnist-5k",
        "digits",
        "fashion-mnist",
        "mnist",
        "kmnist",
        "cifar10",
        "cifar100",
        "svhn",
    },
    "selections": {"random", "herding", "k-center", "k-means", "k-means-centroids"},
    "methods": {"dc", "dsa", "dm"},
    "scenarios": {"accuracy", "cross-architecture", "continual", "search", "data-space"},
    "suites": {"demo", "fashion-dm"},
}


def test_list_json_shows_every_registered_name_under_its_kind(harness: Harness) -> None:
    found = json.loads(harness("list", "--json").out)
    for kind, some in NAMES.items():
        assert some <= set(found[kind]), kind
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
        "unit": "steps",
        "help": "steps on the images",
        "source": "DM, section 4.1",
        "minimum": 1,
    }
    shown = harness("show", "dm").out
    assert (
        "  iterations: int = 20000  steps on the images\n      steps; whole number, at least 1;"
        " source: DM, section 4.1\n" in shown
    )
    assert (
        "\n  momentum: float = 0.5  momentum of SGD, beta 1 of Adam\n      number, at least 0.0;"
        " source: DM's code\n" in shown
    ), "what a field is for is said by the base class"
    assert '  network: network = "convnet"\n      network, see `harness list networks`; ' in shown
    assert "  momentum: float = 0.9  beta 1 of Adam\n" in harness("show", "kip").out


def test_show_says_which_source_is_unverified(harness: Harness) -> None:
    kfs = harness("show", "kfs").out
    assert "source: KFS, its loss (unverified)\n" in kfs
    assert "unverified" not in harness("show", "dm").out


def test_a_unit_is_a_unit_and_no_explanation() -> None:
    units = {
        field.get("unit", "images")
        for table in descriptions().values()
        for part in table.values()
        for field in part["fields"]
    }
    assert {unit for unit in units if not re.fullmatch("[A-Za-z/]+( per class)?", unit)} == set()
    assert {"steps", "epochs", "images per class", "seconds"} <= units


def test_every_setting_is_shown_as_a_suite_would_write_it(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Every default is written as TOML reads it, every list of values has its values, and no type
    is left unsaid.
    """
    fields = [
        field
        for table in descriptions().values()
        for part in table.values()
        for field in part["fields"]
    ]
    assert len(fields) > 500
    for field in fields:
        print_field(field, plural_of(field.get("part", "")))
        first, *details = capfd.readouterr().out.splitlines()
        words = words_of(field, plural_of(field.get("part", "")))
        assert words in " ".join(line.strip() for line in details)
        assert (
            words != "value"
            and "Any" not in words
            and not re.search(r"one of [^\"0-9]|, ,|list `", words)
        ), field
        setting = first.strip().removesuffix(field.get("help", "")).strip()
        assert setting.startswith(f"{field['name']}: {field['type']}")
        assert field.get("help", "") in first or field["help"] in " ".join(
            line.strip() for line in details
        )
        if field["default"] is not None:
            value = setting.removeprefix(f"{field['name']}: {field['type']} = ")
            assert loads(f"value = {value}") == {"value": field["default"]}


@pytest.mark.parametrize("kind", kinds())
def test_a_listed_name_can_be_shown(harness: Harness, kind: str) -> None:
    for name in list(names(kind)[kind])[:2]:
        answer = harness("show", name)
        assert answer.status == 0 and name in answer.out.partition("\n")[0]


def test_values_of_a_constant_are_shown_whole(harness: Harness) -> None:
    assert 'one of "", "parameters", "flops", "synflow"' in " ".join(
        harness("show", "search").out.split()
    )


def test_a_part_that_no_registry_has_is_shown_as_what_it_is(
    harness: Harness, tmp_path: Path
) -> None:
    for kind in KINDS:
        assert harness("new", kind, f"a-{kind}", "--dir", tmp_path).status == 0
        answer = harness("show", f"{tmp_path}/a_{kind}.py:A{kind.capitalize()}")
        assert answer.status == 0 and answer.out.startswith(f"{kind} ")


def test_help_names_what_there_is(harness: Harness) -> None:
    told = {
        verb: " ".join(harness(verb, "--help").out.split())
        for verb in ("evaluate", "list", "import", "report", "export", "new")
    }
    assert all(name in told["evaluate"] for name in SCENARIOS.entries())
    assert all(kind in told["list"] for kind in kinds())
    assert all(name in told["import"] for name in READ)
    assert all(name in told["report"] for name in FORMATS)
    assert all(name in told["export"] for name in WRITERS)
    assert all(name in told["new"] for name in KINDS)


def test_show_suggests_a_near_name(harness: Harness) -> None:
    answer = harness("show", "herdin")
    assert (answer.status, answer.err) == (
        2,
        "error: nothing is called 'herdin'; did you mean 'herding'?\n",
    )


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
    # A processor whose other thread is busy takes up to twice as long for the same work, also for
    # that of the libraries.
    assert min(seconds) < max(0.5, 4 * min(libraries))


def timed(code: str, words: list[str]) -> tuple[subprocess.CompletedProcess[str], float]:
    """What a Python process printed, and its processor seconds."""
    begun = processor_seconds()
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=True
    )
    return done, processor_seconds() - begun


def processor_seconds() -> float:
    """What all finished child processes took; other work on the machine does not count, as it would
    in wall time.
    """
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
