"""Every recipe of CONTRIBUTING.md runs as it stands, in an empty folder and in clean processes."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
RECIPES = {
    title: text
    for title, text in re.findall(
        r"^### (\d\. [^\n]+)\n(.*?)(?=^##)",
        (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"),
        re.DOTALL | re.MULTILINE,
    )
}
HARNESS = [sys.executable, "-c", "from harness.cli.app import main; main()"]


def files_of(recipe: str) -> dict[str, str]:
    """Name -> content of the files that a recipe shows."""
    return dict(re.findall(r'```\w+ title="([^"]+)"\n(.*?)```', recipe, re.DOTALL))


def commands_of(recipe: str) -> list[str]:
    return [
        line
        for block in re.findall(r"```sh\n(.*?)```", recipe, re.DOTALL)
        for line in block.splitlines()
    ]


def run_command(command: str, folder: Path) -> None:
    """Run one line of a recipe; a failure shows what it printed."""
    words = shlex.split(command)
    if words[0] == "pip":
        return install(folder)
    program = {"harness": HARNESS, "python": [sys.executable]}[words[0]]
    answer = subprocess.run(
        [*program, *words[1:]],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, f"{command}\n{answer.stdout[-3000:]}\n{answer.stderr[-3000:]}"


def install(folder: Path) -> None:
    """Give a folder that is on PYTHONPATH the metadata that `pip install -e .` writes."""
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    metadata = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    metadata.mkdir()
    head = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (metadata / "METADATA").write_text(head, encoding="utf-8")
    lines = []
    for group, entries in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {place}" for name, place in entries.items())]
    (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_there_are_five_recipes() -> None:
    assert len(RECIPES) == 5
    assert all(commands_of(recipe) for recipe in RECIPES.values())


@pytest.mark.timeout(900)
@pytest.mark.parametrize("title", RECIPES)
def test_the_recipe_runs(title: str, tmp_path: Path) -> None:
    recipe = RECIPES[title]
    for name, content in files_of(recipe).items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    for command in commands_of(recipe):
        run_command(command, tmp_path)
    made = {path.name for path in tmp_path.iterdir()}
    named = [
        words[words.index("--out") + 1]
        for words in map(shlex.split, commands_of(recipe))
        if "--out" in words
    ]
    assert {Path(name).parts[0] for name in named} <= made
    if "report.md" in made:  # the chapter's words stand in the report
        text = (tmp_path / "report.md").read_text(encoding="utf-8")
        assert "Which set has the best class means on digits" in text
        assert "Percentage of the test images whose class has the nearest mean." in text


def test_a_part_of_a_recipe_takes_part(tmp_path: Path) -> None:
    """The recipe's term changes the set: it is used, and not only accepted."""
    recipe = next(text for title, text in RECIPES.items() if title.endswith("A part"))
    (tmp_path / "brightness.py").write_text(files_of(recipe)["brightness.py"], encoding="utf-8")
    (command,) = commands_of(recipe)
    run_command(command, tmp_path)
    run_command(command.replace("weight=0.5", "weight=0.0").replace("part.", "none."), tmp_path)
    first, second = (tmp_path / f"{name}.safetensors" for name in ("part", "none"))
    assert first.read_bytes() != second.read_bytes()
