"""Text that others wrote (labels, class names, commands, messages) as a terminal, a page or a
spreadsheet may be given it.
"""

import os
import shutil
import sys
import textwrap
from collections.abc import Mapping
from typing import Any

from condensers import errors

# What a spreadsheet takes for the beginning of a formula. Source: OWASP, "CSV Injection".
FORMULAE = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def visible(text: str) -> str:
    r"""`text` whose escape sequences, control characters and changes of direction are spelt out, as
    \x1b; lines stay lines.
    """
    return "\n".join(errors.visible(line.replace("\xa0", " ")) for line in text.split("\n"))


def flat(text: str) -> str:
    """The same in one line."""
    return " ".join(visible(text).split())


def columns_asked() -> int | None:
    """Return the width that the environment asks for as COLUMNS; None where it does not."""
    columns = os.environ.get("COLUMNS", "")
    return int(columns) or None if columns.isdecimal() else None


def output_width() -> int | None:
    """Return the width of what is printed: that of COLUMNS, else the terminal's; None where there
    is no terminal.
    """
    terminal = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    return columns_asked() or terminal


def fold(text: str, hang: int = 0) -> str:
    """Break a text into lines at the width of the terminal, or that of COLUMNS; into a file or a
    pipe it goes unbroken otherwise.

    Args:
        text: what is printed; its own lines stay lines.
        hang: by how many spaces lines after the first are indented.
    """
    width = output_width()
    if width is None:
        return text
    folded = textwrap.TextWrapper(
        width, subsequent_indent=" " * hang, break_on_hyphens=False, break_long_words=False
    )
    return "\n".join(folded.fill(line) if len(line) > width else line for line in text.split("\n"))


def all_visible(value: Any) -> Any:
    """A JSON value with all its texts and keys visible."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, Mapping):
        return {all_visible(key): all_visible(each) for key, each in value.items()}
    return [all_visible(each) for each in value] if isinstance(value, list | tuple) else value


def no_formula(value: Any) -> Any:
    """A cell of a spreadsheet: a text that would be a formula gets an apostrophe before it; numbers
    are what they are.
    """
    if not isinstance(value, str):
        return value
    return f"'{visible(value)}" if value.lstrip(" ").startswith(FORMULAE) else visible(value)
