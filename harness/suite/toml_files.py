"""TOML files as people's editors leave them: what Windows does to one is said in words that
help.
"""

import re
from pathlib import Path
from typing import Any

from condensers.errors import UsageError, brief
from harness.suite.overrides import loads

BOM = b"\xef\xbb\xbf"
UTF16 = (b"\xff\xfe", b"\xfe\xff")
IN_DOUBLE_QUOTES = re.compile(r'"[^"]*\\[^"]*"')
LINE = re.compile(r"at line (\d+)")


def read_toml(path: Path) -> dict[str, Any]:
    """The table in a file; UsageError where it cannot be read or is not TOML."""
    try:
        content = path.read_bytes()
    except OSError as fault:
        raise UsageError(
            f"{path}: cannot be read ({fault.strerror}); mend it or name another file"
        ) from None
    if content.startswith(BOM):
        raise UsageError(
            f"{path}: begins with a byte-order mark, which TOML does not know; save it as UTF-8"
            " without BOM"
        )
    if content.startswith(UTF16):
        raise UsageError(f"{path}: is saved as UTF-16; save it as UTF-8 without BOM")
    try:
        text = content.decode()
    except UnicodeDecodeError as fault:
        line = content[: fault.start].count(b"\n") + 1
        raise UsageError(
            f"{path}: not valid TOML (line {line} is not UTF-8); save it as UTF-8"
        ) from None
    try:
        return loads(text)
    except (ValueError, RecursionError) as fault:
        raise UsageError(
            f"{path}: not valid TOML ({brief(fault)}{backslash(text, fault)})"
        ) from None


def backslash(text: str, fault: BaseException) -> str:
    """What to do about a Windows path in double quotes, where the line of the fault has one; ""
    where it has none.
    """
    place = LINE.search(str(fault))
    lines = text.split("\n")
    line = lines[int(place[1]) - 1] if place and int(place[1]) <= len(lines) else lines[-1]
    if not IN_DOUBLE_QUOTES.search(line):
        return ""
    return (
        r"); between double quotes a backslash begins an escape: write 'C:\Users\me' in single"
        r" quotes, or C:/Users/me (that line"
    )
