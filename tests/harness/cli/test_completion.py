"""Completion: the values that a shell is offered, and that Bash gets words with colons right."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.catalogue import completion
from tests.helpers.command_line import Harness

Complete = Callable[..., list[str]]


@pytest.fixture
def bash(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> Complete:
    """What Bash is offered for the last of some words, as it cuts them."""

    def complete(*words: str) -> list[str]:
        monkeypatch.setenv(completion.SHELL, completion.BASH)
        monkeypatch.setenv("COMP_WORDS", "\n".join(["harness", *words]))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        return harness().out.split()

    return complete


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two runs, a suite and a set, which is the present one."""
    monkeypatch.chdir(tmp_path)
    for name in ("runs/first", "runs/second", "other"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "suite.json").write_text("{}")
    (tmp_path / "mine.toml").write_text("")
    (tmp_path / "mine.safetensors").write_text("")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("run", "de"), {"demo"}),
        (("run", "m"), {"mine.toml"}),
        (("condense", "dm-"), {"dm-fast", "dm-transform"}),
        (("condense", "dm", "--data", "mnist-"), {"mnist-5k", "mnist-5k-textured"}),
        (("evaluate", "m"), {"mine.safetensors"}),
        (("evaluate", "gallery", ":", "r"), {"random"}),
        (("evaluate", "x", "--scenario", "priv"), {"privacy"}),
        (("report", "runs/"), {"runs/first", "runs/second"}),
        (("verify", "o"), {"other"}),
        (("report", "reference", ":", "de"), {"demo"}),
        (("diff", "runs/first", "o"), {"other"}),
        (("export", "x", "--to", "h"), {"hf"}),
        (("new", "str"), {"strategy"}),
        (("truth", "build", "dar"), {"darts"}),
        (("ver",), {"verify"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_bash_is_offered_values(
    bash: Complete, folder: Path, words: tuple[str, ...], offered: set[str]
) -> None:
    assert set(bash(*words)) == offered


def test_a_folder_that_cannot_be_read_offers_nothing(folder: Path) -> None:
    assert completion.complete_suite("nowhere/x") == []
    assert completion.complete_run("mine.toml/x") == []


def test_it_can_be_shown_and_installed(harness: Harness) -> None:
    text = harness("--help").out
    assert "--install-completion" in text and "--show-completion" in text


def test_the_completion_of_names_is_that_of_list(harness: Harness) -> None:
    listed = json.loads(harness("list", "--json").out)
    known = {name for table in listed.values() for name in table}
    assert known <= set(completion.complete_name(""))
