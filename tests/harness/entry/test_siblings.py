"""Whose package stands under our names is said in one sentence: by the command, by the doctor and
by our imports.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness import doctor

ROOT = Path(__file__).parents[3]
COMMAND = (
    f"import sys; sys.path.append({str(ROOT / 'harness' / 'entry')!r}); from condensation_harness"
    " import main; main()"
)


def put(folder: Path, form: str) -> None:
    """A package or module of a user's, which says so when it is imported."""
    if form == "package":
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text("print('a stranger')\n")
    else:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.with_suffix(".py").write_text("print('a stranger')\n")


def python(code: str, first: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Python with `first` before our tree on its path."""
    environment = {**os.environ, "PYTHONPATH": f"{first}:{ROOT}"}
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=first,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", ["harness", "scenarios", "condensers"])
@pytest.mark.parametrize("form", ["package", "module"])
def test_the_command_says_whose_package_was_found(tmp_path: Path, name: str, form: str) -> None:
    put(tmp_path / name, form)
    for verb in ("list", "doctor"):
        done = python(COMMAND, tmp_path, verb)
        place = tmp_path / name if form == "package" else tmp_path / f"{name}.py"
        assert done.returncode == 2 and done.stdout == ""
        assert done.stderr.startswith(f"error: Python finds {place} in place of our package {name}")
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("harness", "scenarios"), ("harness", "condensers"), ("scenarios", "condensers")],
)
def test_our_imports_say_it(tmp_path: Path, ours: str, theirs: str) -> None:
    put(tmp_path / theirs, "package")
    done = python(f"import {ours}", tmp_path)
    last = done.stderr.splitlines()[-1]
    assert last.startswith(
        f"ImportError: Python finds {tmp_path / theirs} in place of our package {theirs}, which is"
        f" {ROOT}"
    )
    assert "a stranger" not in done.stdout, "it is not run"


def test_another_tree_of_ours_is_taken_as_a_whole(tmp_path: Path) -> None:
    for name in ("condensers", "scenarios", "harness"):
        (tmp_path / name).symlink_to(ROOT / name)
    done = python("import harness.suite.definition; print(harness.__version__)", tmp_path)
    assert done.returncode == 0, done.stderr


def test_the_command_says_what_is_not_installed(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'typer'\", name='typer')\n"
    )
    done = python(COMMAND, tmp_path, "list")
    assert done.returncode == 2
    assert (
        done.stderr.startswith("error: No module named 'typer'; install what is missing")
        and done.stderr.count("\n") == 1
    )


def test_the_doctor_names_what_could_be_taken_for_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert doctor._ours().fine is True
    put(tmp_path / "scenarios", "module")
    check = doctor._ours()
    assert (
        check.fine is None and f"of the same names: {tmp_path / 'scenarios.py'}" in check.sentence
    )
    monkeypatch.setattr(
        doctor, "foreign", lambda name: "Python finds another" if name == "condensers" else ""
    )
    assert doctor._ours() == ("our packages", False, "Python finds another")


def test_python_runs_the_package_as_the_command(tmp_path: Path) -> None:
    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "harness", *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    listed, wrong = run("list", "recipes"), run("report", "nowhere")
    assert listed.returncode == 0 and "dd-ranking-soft" in listed.stdout
    assert wrong.returncode == 2 and wrong.stderr.startswith("error: ")
    assert wrong.stderr.count("\n") == 1
