"""Text that others wrote (labels, class names, commands, messages) as a terminal, a page or a
spreadsheet may be given it.
"""

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
