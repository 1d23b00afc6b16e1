"""Reference results that ship with the package: the records of whole runs, each in one file;
`reference:NAME` names one.

Every table of results in the documentation is made from them.
"""

import json
from pathlib import Path

from harness.shipped import list_shipped, locate_shipped

PREFIX = "reference:"


def built_in() -> dict[str, Path]:
    """ "reference:NAME" -> file."""
    return list_shipped("reference", ".json", PREFIX)


def locate(path: Path) -> Path:
    """The file of a reference result that is named `reference:NAME`; any other path as it is.

    UsageError with a near name.
    """
    return locate_shipped(path, PREFIX, built_in(), "there is no such reference result")


def about(path: Path) -> str:
    """A reference result in one line."""
    suite = _read(path)["suite"]
    return str(suite["about"] or suite["suite"])


def describe(path: Path) -> str:
    """How a reference result was made, a line each."""
    found = _read(path)
    machine = ", ".join(f"{name} {value}" for name, value in found["environment"].items())
    return "\n".join(
        [
            f"Made by: {found['suite']['command']}",
            f"Cells: {len(found['suite']['cells'])}, {found['cpu_hours']} CPU hours",
            f"Where: {machine}",
        ]
    )


def _read(path: Path) -> dict[str, dict[str, str]]:
    """What stands before the records, which the lists do not wait for."""
    head = []
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.startswith('"modules"'):
                break
            head.append(line)
    found: dict[str, dict[str, str]] = json.loads("".join(head).rstrip().rstrip(",") + "}")
    return found
