"""Errors meant for people: one sentence that says what is wrong, where, and what to do.

`status` is the exit status.
"""

import difflib
from collections.abc import Iterable, Mapping

LONGEST = 10**30  # no number longer than this is quoted


class HarnessError(Exception):
    """Base of every error that is the user's to mend; the command line prints it without a
    traceback.
    """

    status = 2


class UsageError(HarnessError):
    """A wrong name, value, file or option (exit status 2)."""


class DataMissing(HarnessError):
    """A data set, or the images of one of its classes, is not there (exit status 3)."""

    status = 3


class WorkFailed(HarnessError):
    """The work itself failed, though what was asked for was right (exit status 1)."""

    status = 1


class StorageFailed(UsageError):
    """A file could not be written (disk full, read-only, gone): nothing else can be kept either, so
    that all work stops.
    """


class Damaged(UsageError):
    """A file is not as it was written (exit status 1)."""

    status = 1


class OtherFormat(UsageError):
    """A file is of a format that this version does not read (exit status 1)."""

    status = 1


class OlderFormat(OtherFormat):
    """A file is of a format of earlier versions: what it holds is computed anew."""


class NotStored(UserWarning):
    """What would save time or memory later could not be written."""


class Interrupted(Exception):
    """Work stopped on request or at its deadline, after saving what it had; running it again goes
    on from there.
    """


def damaged(path: object, why: str) -> Damaged:
    """The fault of a file that is not as it was written, and what mends it."""
    return Damaged(f"{path}: damaged ({why}); make it anew with: harness run ... --repair")


def brief(fault: BaseException) -> str:
    """What a library says of a fault, its first 200 letters at most, none that a terminal would
    obey: some quote a file.
    """
    said = str(fault).strip().partition("\n")[0]
    printable = visible(said[:200])
    return printable if len(said) <= 200 else f"{printable}..."


def visible(text: str) -> str:
    """`text` with what a terminal would obey, or cannot print, written out, as `\\x1b`; tabs become
    spaces.
    """
    if text.isprintable():
        return text
    return "".join(_written_out(letter) for letter in text)


def _written_out(letter: str) -> str:
    if letter == "\t" or letter.isprintable():
        return " " if letter == "\t" else letter
    return letter.encode("unicode_escape").decode("ascii")


def shown(value: object) -> str:
    """A value of a file as an error quotes it: its kind where it is a table or a list, and never
    long.
    """
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and abs(value) > LONGEST:
        return "a number of many digits"
    if isinstance(value, str):
        value = value if len(value) <= 60 else f"{value[:60]}..."
        return f"'{visible(value)}'"
    return "nothing" if value is None else visible(str(value))[:80]


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return "did you mean 'x'?" when a known word is near, else the list of known words."""
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    return f"did you mean '{near[0]}'?" if near else f"known: {', '.join(names) or 'none'}"
