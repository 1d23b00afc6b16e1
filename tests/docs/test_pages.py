"""The pages of the documentation: their commands are those of the command line, their Python and
TOML can be read, and each is in the navigation.
"""

import ast
import re
import shlex
import sys
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from condensers.registry.registry import create_condenser
from harness.cli.app import app
from harness.suite.definition import built_in

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
WORDS = {"pip", "make", "harness", "python"}


def blocks(path: Path, language: str) -> list[str]:
    text = path.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}[^\n]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_a_page_shows_can_be_read(path: Path) -> None:
    for block in blocks(path, "python"):
        ast.parse(block)
    for block in blocks(path, "toml"):
        tomllib.loads(block)
    verbs = get_command(app).commands  # type: ignore[attr-defined]
    of_all = {option for p in get_command(app).params for option in p.opts}
    for line in "\n".join(blocks(path, "sh")).splitlines():
        words = shlex.split(line, comments=True)
        assert not words or words[0] in WORDS, line
        if words and words[0] == "harness" and words[1] not in of_all:
            assert words[1] in verbs, line
            known = {option for p in verbs[words[1]].params for option in p.opts}
            known |= {
                option
                for command in getattr(verbs[words[1]], "commands", {}).values()
                for p in command.params
                for option in p.opts
            }
            assert {word for word in words if word.startswith("--")} <= known, line
            if words[1] == "run" and not words[2].endswith(".toml"):
                assert words[2] in built_in(), line


def test_the_methods_of_the_page_on_composing_can_be_made() -> None:
    """Also the lines that are commented out, each in place of the one above it."""
    made = 0
    for block in blocks(ROOT / "docs" / "guide" / "composing.md", "toml"):
        for text in (
            block,
            re.sub(r"^model_schedule.*\n# (?=model_schedule)", "", block, flags=re.M),
        ):
            for table in tomllib.loads(text)["condensers"]:
                table.pop("label", None)
                method = create_condenser({"name": table.pop("method"), **table})
                assert {name for name in table if hasattr(method, name)} == set(table)
                made += 1
    assert made == 28


def test_every_page_is_in_the_navigation() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    listed = set(re.findall(r"[\w/.-]+\.md", text))
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in PAGES}
    assert pages - listed == {"examples/index.md"}  # which the hook lists


def test_the_site_asks_no_other_host_for_anything() -> None:
    config = yaml.load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"), yaml.BaseLoader)
    assert config["theme"]["font"] == "false"
    assert not [key for key in ("extra_javascript", "extra_css") if "//" in str(config.get(key))]


def test_there_are_eleven_decisions() -> None:
    files = sorted((ROOT / "docs" / "decisions").glob("0*.md"))
    assert [path.name[:4] for path in files] == [f"{number:04d}" for number in range(1, 12)]
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert all(f"**{word}.**" in text for word in ("Situation", "Decision", "Consequences"))
        assert len(text.splitlines()) < 40
