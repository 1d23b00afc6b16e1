"""`verify`: whether run directories hold what was written, each thing in its own place."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from harness.store import Store


def verify(
    directories: Annotated[list[Path], typer.Argument(metavar="DIR...", help="A run directory.")],
) -> None:
    """Check format, key and checksum of each record in DIR, and the bytes of each set and its card."""
    from condensers.errors import Damaged, OtherFormat
    from harness.store import Store

    faults = []
    for directory in dict.fromkeys(directories):
        try:
            typer.echo(_said(Store(directory)))
        except (Damaged, OtherFormat) as fault:
            faults.append(fault)
    if faults:
        raise type(faults[0])("\n".join(map(str, faults)))


def _said(store: "Store") -> str:
    """What is there; Damaged or OtherFormat with all that is wrong."""
    suite, records, failures = store.contents()
    sets = sum(record.get("set") is not None for record in records)
    left = len(suite["cells"]) - len(records) - len(failures)
    others = len({path.name for path in store.root.glob("cells/[!.]*")} - set(suite["cells"]))
    said = [f"{len(records)} records and {sets} sets with their cards are as they were written"]
    said += [f"{len(failures)} cells failed"] if failures else []
    said += [f"{left} cells are not run yet"] if left else []
    said += [f"{others} folders of other code or settings were not looked at"] if others else []
    return f"{store.root}: {', '.join(said)}"
