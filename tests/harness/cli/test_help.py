"""The help of each verb: grouped options, and examples that the verb takes."""

import shlex

import pytest
import typer

from harness.cli.app import app
from harness.cli.options import examples
from tests.helpers.command_line import Harness

VERBS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
WITH_EXAMPLES = sorted(name for name, verb in VERBS.items() if verb.epilog)


TRUTH = VERBS["truth"].commands


def test_every_verb_has_examples() -> None:
    without = {"truth"}  # its own verbs have
    assert set(WITH_EXAMPLES) == VERBS.keys() - without
    assert all(verb.epilog for verb in TRUTH.values())
    for name, verb in TRUTH.items():
        for line in verb.epilog.split("\n\n")[1:]:
            words = shlex.split(line)
            assert words[:3] == ["harness", "truth", name]
            assert not verb.make_context(name, words[3:]).args


def test_help_fits_80_columns(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """No line is cut, none wraps in the middle of a paragraph, and options are in groups."""
    monkeypatch.setenv("COLUMNS", "80")
    for name, verb in VERBS.items():
        lines = harness(name, "--help").out.splitlines()
        assert all(len(line) <= 80 for line in lines), name
        examples_shown = {line.strip() for line in lines if line.startswith(" harness ")}
        assert {e for e in (verb.epilog or "").split("\n\n")[1:]} <= examples_shown, name
        assert not any("…" in line for line in lines), name


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_are_commands_that_the_verb_takes(name: str) -> None:
    head, *lines = VERBS[name].epilog.split("\n\n")
    assert head == "Examples:" and lines
    for line in lines:
        command, verb, *words = shlex.split(line)
        assert (command, verb) == ("harness", name)
        context = VERBS[name].make_context(name, words)
        assert not context.args


def test_a_verb_with_a_wrong_example_would_be_found() -> None:
    with pytest.raises(Exception, match="No such option"):
        VERBS["run"].make_context("run", ["demo", "--worker", "2"])
    assert examples("a", "b") == "Examples:\n\na\n\nb"


def test_the_verbs_that_do_the_work_have_examples() -> None:
    assert {"condense", "evaluate", "plan", "run", "report", "diff"} <= set(WITH_EXAMPLES)


def test_options_of_run_are_in_groups(harness: Harness) -> None:
    text = harness("run", "--help").out
    for group in ("What is run", "Where it is computed", "Stopping and going on", "On a cluster"):
        assert group in text
    assert "Run SUITE; cells that are already done are skipped." in text
    assert text.index("On a cluster") < text.index("--ray")
