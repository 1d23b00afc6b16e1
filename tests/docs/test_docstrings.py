"""Docstrings have the headings that the reference knows: another one is shown as plain text."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("condensers", "scenarios", "harness")
UNKNOWN = re.compile(r"^ +(Example|Arg|Arguments|Parameters|Return|Raise):$", re.MULTILINE)


def test_no_heading_is_unknown_to_the_reference() -> None:
    modules = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    assert len(modules) > 200
    found = {
        path.relative_to(ROOT).as_posix(): UNKNOWN.findall(path.read_text(encoding="utf-8"))
        for path in modules
    }
    assert {name: headings for name, headings in found.items() if headings} == {}
