"""The tables of the package READMEs are those of the docstrings, and a stale one is refused."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "docs" / "readme_tables.py"
LONGEST = 120  # lines


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("readme_tables", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


READMES = loaded(SCRIPT).READMES


def test_no_table_is_stale() -> None:
    answer = subprocess.run(
        [sys.executable, SCRIPT, "--check"], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize("name", READMES)
def test_a_package_readme_is_short_and_has_a_table(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST
    assert f"<!-- modules of {Path(name).parent.as_posix()} -->" in text


def test_every_package_with_a_readme_is_checked() -> None:
    found = [
        path.relative_to(ROOT).as_posix()
        for top in ("condensers", "harness", "scenarios", "tests")
        for path in (ROOT / top).rglob("README.md")
    ]
    assert sorted(found) == sorted(READMES)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A repository with one package, whose README is up to date."""
    (tmp_path / "docs").mkdir()
    shutil.copy(SCRIPT, tmp_path / "docs" / "tables.py")
    package = tmp_path / "rooms"
    (package / "inner").mkdir(parents=True)
    (package / "one.py").write_text('"""One thing. More of it."""\n', encoding="utf-8")
    (package / "inner" / "__init__.py").write_text('"""A | B."""\n', encoding="utf-8")
    text = "# rooms\n\n<!-- modules of rooms -->\n<!-- end -->\n\nThe end.\n"
    (package / "README.md").write_text(text, encoding="utf-8")
    return tmp_path


def test_a_table_is_written_and_goes_stale(
    small: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = loaded(small / "docs" / "tables.py")
    monkeypatch.setattr(tables, "READMES", ("rooms/README.md",))
    assert tables.main(["--check"]) == 1
    assert tables.main([]) == 0
    text = (small / "rooms" / "README.md").read_text(encoding="utf-8")
    assert "| `inner/` | A \\| B |\n| `one.py` | One thing |\n<!-- end -->\n\nThe end." in text
    assert tables.main(["--check"]) == 0
    (small / "rooms" / "one.py").write_text('"""Another thing."""\n', encoding="utf-8")
    capsys.readouterr()
    assert tables.main(["--check"]) == 1
    assert "rooms/README.md: a table of modules is stale" in capsys.readouterr().err


def test_a_module_without_docstring_is_refused(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = loaded(small / "docs" / "tables.py")
    monkeypatch.setattr(tables, "READMES", ("rooms/README.md",))
    (small / "rooms" / "two.py").write_text("x = 1\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"rooms/two\.py: has no docstring"):
        tables.main([])
