"""TOML files: read as people's editors leave them, and written from tables of Python."""

import json
import math
import re
from collections.abc import Mapping
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from condensers.errors import UsageError, brief, shown
from condensers.plain import join
from harness.suite.overrides import loads

BOM = b"\xef\xbb\xbf"
UTF16 = (b"\xff\xfe", b"\xfe\xff")
IN_DOUBLE_QUOTES = re.compile(r'"[^"]*\\[^"]*"')
LINE = re.compile(r"at line (\d+)")


def read_toml(path: Path) -> dict[str, Any]:
    """Read the table in a file; UsageError where it cannot be read or is not TOML."""
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
        table: dict[str, Any] = loads(text)
    except (ValueError, RecursionError) as fault:
        raise UsageError(
            f"{path}: not valid TOML ({brief(fault)}{_backslash_advice(text, fault)})"
        ) from None
    return table


def _backslash_advice(text: str, fault: BaseException) -> str:
    """What to do about a Windows path in double quotes, where the line of the fault has one; ""
    where it has none.
    """
    number = LINE.search(str(fault))
    lines = text.split("\n")
    line = lines[int(number[1]) - 1] if number and int(number[1]) <= len(lines) else lines[-1]
    if not IN_DOUBLE_QUOTES.search(line):
        return ""
    return (
        r"); between double quotes a backslash begins an escape: write 'C:\Users\me' in single"
        r" quotes, or C:/Users/me (that line"
    )


def plain_table(table: Mapping[str, Any]) -> dict[str, Any]:
    """Copy a table of Python into one as TOML gives it.

    Tuples become lists, numpy's numbers those of Python, paths texts.

    Raises:
        UsageError: a key is not a text, or a value is no text, number, list or table.
    """
    return {name: _plain(value, name) for name, value in _named(table, "the suite")}


def _named(table: Mapping[Any, Any], where: str) -> list[tuple[str, Any]]:
    for name in table:
        if not isinstance(name, str):
            raise UsageError(f"{where}: the key {shown(name)} is not a text")
    return list(table.items())


def _plain(value: Any, where: str) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(one, join(where, name)) for name, one in _named(value, where)}
    if isinstance(value, list | tuple):
        return [_plain(one, join(where, position)) for position, one in enumerate(value)]
    if isinstance(value, str | bool):
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    if value is None:
        raise UsageError(f"suite: {where}: is None, which a suite cannot hold; leave it out")
    raise UsageError(
        f"suite: {where}: {type(value).__name__} is no text, number, list or table;"
        " write what it stands for"
    )


def to_toml(value: Any) -> str:
    """Write a JSON value as TOML does, in one line; None, which TOML lacks, as an empty text."""
    if value is None:
        return '""'
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(key)} = {to_toml(one)}" for key, one in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(to_toml, value))}]"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def table_to_toml(table: Mapping[str, Any]) -> str:
    """Write a table as a TOML file: a line for each key, and for each table of a list."""
    lines = []
    for key, value in table.items():
        if isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
            lines += [f"{_key(key)} = [", *(f"    {to_toml(one)}," for one in value), "]"]
        else:
            lines.append(f"{_key(key)} = {to_toml(value)}")
    return "\n".join([*lines, ""])


def _key(key: str) -> str:
    return key if re.fullmatch("[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)
