"""The import contracts of pyproject.toml refuse a forbidden import wherever it is written."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
PACKAGES = ("harness", "scenarios", "condensers")
# Tool -> the packages that may import it; every other package may not.
ALLOWED = {
    "avalanche": ("scenarios.continual",),
    "nni": ("scenarios.search",),
    "pytorch_lightning": ("scenarios.search",),
    "typer": ("harness",),
    "rich": ("harness",),
    "ray": ("harness",),
    "scipy": ("harness", "scenarios"),
    "matplotlib": ("harness", "scenarios"),
}
# Room -> the rooms of ours that it may not import.
KEPT_APART = {
    "harness.statistics": ("condensers", "scenarios", "harness.report", "harness.store"),
    "harness.plots": ("condensers", "scenarios", "harness.report", "harness.store"),
    "harness.report": ("harness.running", "harness.store"),
}


def forbidden_imports(package: str) -> list[str]:
    """The tools and layers that a module of `package` may not import."""
    tools = [
        tool
        for tool, homes in ALLOWED.items()
        if not any(f"{package}.".startswith(f"{home}.") for home in homes)
    ]
    layer = PACKAGES.index(package.partition(".")[0])
    rooms = next((r for home, r in KEPT_APART.items() if f"{package}.".startswith(f"{home}.")), ())
    upper = [*PACKAGES[:layer], *rooms]
    return tools + [f"{name}.planted" for name in upper]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A copy of the packages, each folder of which has a module that imports all it may not; and
    these imports.
    """
    root = tmp_path_factory.mktemp("planted")
    shutil.copy(ROOT / "pyproject.toml", root)
    expected: list[str] = []
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, root / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    for marker in sorted(root.rglob("__init__.py")):
        folder = marker.parent.relative_to(root)
        if "entry" in folder.parts:
            continue  # holds a package of another name, which imports harness alone
        name = ".".join(folder.parts)
        lines = [f"import {target}" for target in forbidden_imports(name)]
        (marker.parent / "planted.py").write_text("\n".join(lines) + "\n", encoding="utf-8")
        expected += [f"{name}.planted -> {target}" for target in forbidden_imports(name)]
    return root, expected


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    program = (
        "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports;"
        " sys.exit(lint_imports(no_cache=True))"
    )
    return subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False
    )


def test_every_planted_import_is_refused(planted: tuple[Path, list[str]]) -> None:
    root, expected = planted
    answer = lint(root)
    assert answer.returncode != 0, answer.stdout
    found = set(re.findall(r"(\S+\.planted) -> (\S+)", answer.stdout))
    missed = [line for line in expected if tuple(line.split(" -> ")) not in found]
    assert len(expected) > 100
    assert not missed, missed[:20]


def test_statistics_and_plots_are_kept_from_every_other_room() -> None:
    """A room that is new must be added to the contract's list."""
    (contract,) = (
        each
        for each in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
            "importlinter"
        ]["contracts"]
        if each["name"] == "statistics and plots know no record"
    )
    harness = ROOT / "harness"
    rooms = {p.parent.name for p in harness.glob("*/__init__.py")}
    rooms |= {p.stem for p in harness.glob("*.py") if not p.stem.startswith("__")}
    expected = {f"harness.{name}" for name in rooms - {"statistics", "plots"}}
    assert set(contract["forbidden_modules"]) == {"condensers", "scenarios", *expected}
