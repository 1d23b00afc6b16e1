"""The files under .github and the hooks of pre-commit: right YAML, with the versions that the
project tests with.
"""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILES = [*sorted((ROOT / ".github").rglob("*.yml")), ROOT / ".pre-commit-config.yaml"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def read(path: Path) -> Any:
    """YAML as GitHub reads it: `on` is a word and no truth value."""
    return yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)


def make_targets() -> set[str]:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z]+):", text, re.MULTILINE))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_is_a_mapping(path: Path) -> None:
    assert isinstance(read(path), dict)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_has_what_github_asks_for(path: Path) -> None:
    workflow = read(path)
    assert {"name", "on", "jobs", "permissions"} <= set(workflow)
    for job in workflow["jobs"].values():
        assert job["runs-on"]
        assert job["timeout-minutes"]
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step)
            assert "uses" not in step or re.fullmatch(r"[\w/-]+@[\w./]+", step["uses"])
            for target in re.findall(r"\bmake ([a-z]+)", step.get("run", "")):
                assert target in make_targets()


def test_every_supported_python_is_tested() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    low, high = map(int, re.findall(r'requires-python = ">=3\.(\d+),<3\.(\d+)"', text)[0])
    matrix = read(ROOT / ".github/workflows/ci.yml")["jobs"]["test"]["strategy"]["matrix"]
    assert matrix["python"] == [f"3.{minor}" for minor in range(low, high)]


def test_a_release_publishes_without_a_password() -> None:
    release = read(ROOT / ".github/workflows/release.yml")
    assert release["on"]["push"]["tags"] == ["v*"]
    publish = release["jobs"]["publish"]
    assert publish["permissions"] == {"id-token": "write"}
    assert "secrets." not in (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8")


def test_hooks_run_the_tools_of_the_environment() -> None:
    """Local hooks: ruff and mypy have the versions of constraints.txt, whatever these are."""
    (source,) = read(ROOT / ".pre-commit-config.yaml")["repos"]
    assert source["repo"] == "local"
    entries = {hook["id"]: hook["entry"] for hook in source["hooks"]}
    assert {"ruff-check", "ruff-format", "mypy", "readme-tables"} <= set(entries)
    assert all(entry.startswith(".venv/bin/") for entry in entries.values())
