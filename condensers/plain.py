"""Values from outside, as JSON and TOML give them: what no reader can use is told by its place.

Imports nothing heavy.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from condensers.errors import brief, shown

DEPTH = 40  # tables and lists within each other; no file of ours has ten
LARGEST = 2**63 - 1  # what a 64-bit integer holds: torch, numpy and TOML take no more
MANY_DIGITS = re.compile(rb"[0-9]{19}")  # LARGEST has as many
CONTROLS = frozenset(map(chr, (*range(32), *range(127, 160), 0x2028, 0x2029)))


def parse_json(content: bytes) -> Any:
    """The JSON value in `content`; ValueError with a few words where there is none that a reader
    could use.
    """
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as fault:
        raise ValueError(brief(fault)) from None
    if _is_harmless(content) and not _is_deep(value, 0):
        return value
    fault_found = next(oddities(value), None)
    if fault_found is not None:
        raise ValueError(fault_found)
    return value


def _is_harmless(content: bytes) -> bool:
    """Whether JSON can hold no odd text and no large number: so are nearly all files."""
    return content.isascii() and b"\\u" not in content and not MANY_DIGITS.search(content)


def _is_deep(value: Any, depth: int) -> bool:
    if depth == DEPTH:
        return isinstance(value, dict | list)
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(_is_deep(part, depth + 1) for part in parts if isinstance(part, dict | list))


def oddities(value: Any, strict: bool = False, where: str = "") -> Iterator[str]:
    """What is wrong wherever it stands, as "PATH: why": numbers beyond 64 bits, text that is not
    Unicode, too deep a nesting.

    strict: as a suite is held to. Neither dates, control characters nor numbers that are not
    finite.
    """
    yield from _within(value, strict, where, 0)


def _within(value: Any, strict: bool, where: str, depth: int) -> Iterator[str]:
    if isinstance(value, Mapping | list | tuple):
        if depth == DEPTH:
            yield f"{where or 'it'}: is nested more than {DEPTH} deep"
            return
        for name, part in value.items() if isinstance(value, Mapping) else enumerate(value):
            if isinstance(name, str):
                why = _of_text(name, strict)
                if why:
                    yield f"{where or 'its top'}: the key {shown(name)} {why}"
            yield from _within(part, strict, join(where, name), depth + 1)
        return
    why = _of_value(value, strict)
    if why:
        yield f"{where or 'it'}: {why}"


def _of_value(value: Any, strict: bool) -> str:
    if isinstance(value, str):
        said = _of_text(value, strict)
        return f"{shown(value)} {said}" if said else ""
    if isinstance(value, int):
        return (
            ""
            if -LARGEST <= value <= LARGEST
            else f"{shown(value)} is beyond the whole numbers of 64 bits"
        )
    if isinstance(value, float):
        return "" if not strict or math.isfinite(value) else f"{value} is not a finite number"
    return (
        "" if value is None or not strict else f"{shown(value)} is no text, number, list or table"
    )


def _of_text(text: str, strict: bool) -> str:
    if text.isascii() and text.isprintable():
        return ""
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        return "is not valid Unicode"
    return "holds a control character" if strict and not CONTROLS.isdisjoint(text) else ""


def join(where: str, name: object) -> str:
    """The path of a part: `a.b`, `a[3]`."""
    if isinstance(name, int):
        return f"{where}[{name}]"
    word = str(name)
    plain = word if word.isprintable() and word and len(word) <= 60 else shown(name)
    return f"{where}.{plain}" if where else plain
