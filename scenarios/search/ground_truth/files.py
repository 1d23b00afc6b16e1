"""Tables as JSON files: those that ship with the package, and those of users."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from condensers.engine.files import write_atomically
from condensers.errors import DataMissing, UsageError, brief
from condensers.plain import parse_json
from condensers.schema import brief_faults
from scenarios.datasets.location import DataLocation
from scenarios.search.ground_truth.shape import TableShape
from scenarios.search.ground_truth.table import (
    FORMAT,
    OF_ROW,
    GroundTruthTable,
    Target,
    hash_content,
)

SHIPPED = Path(__file__).parent
FOLDER, PUBLISHED = "ground-truth", "nas-bench-201-"


def list_shipped() -> dict[str, Path]:
    """Name -> file of each table of this package."""
    return {path.stem: path for path in sorted(SHIPPED.glob("*.json"))}


def find_path(name: str) -> Path:
    """Find the file of a table that ships, of one in the data folder, or of a path.

    Raises:
        DataMissing: The name is that of a published table, which is not in the data folder.
        UsageError: There is none of them.
    """
    known, path = list_shipped(), Path(name)
    if name in known:
        return known[name]
    imported = locate_imported(name)
    if imported.is_file() and path.name == name:
        return imported
    if name.startswith(PUBLISHED) and not path.is_file():
        raise DataMissing(
            f"ground truth '{name}': looked for {imported}, and it is not there; make it by harness"
            " truth import (and truth sample) from a file of NAS-Bench-201"
        )
    if not path.is_file():
        raise UsageError(
            f"ground truth '{name}': neither a file nor a table of this package"
            f" ({', '.join(known) or 'it has none'})"
        )
    return path


def locate_imported(name: str) -> Path:
    """Return where a table of this name stands in the data folder, which HARNESS_DATA names."""
    return DataLocation.choose().root / FOLDER / f"{name}.json"


def read_table(path: Path) -> GroundTruthTable:
    """The table in a file; UsageError where it is none, of another format, or not what its hash
    says.
    """
    try:
        return _read(path, path.stat().st_mtime_ns)
    except OSError as fault:
        raise UsageError(f"{path}: cannot be read ({fault.strerror}); name another file") from None


@lru_cache(maxsize=16)
def _read(path: Path, changed: int) -> GroundTruthTable:
    try:
        value = parse_json(path.read_bytes())
    except ValueError as fault:
        raise UsageError(
            f"{path}: no ground-truth table, since it is not JSON ({brief(fault)}); name another"
            " file"
        ) from None
    if not isinstance(value, dict) or "content" not in value or "rows" not in value:
        raise UsageError(f"{path}: no ground-truth table; make one with: harness truth build")
    if value.get("format") != FORMAT:
        raise UsageError(
            f"{path}: a table of format {value.get('format')}, and this version reads format"
            f" {FORMAT}; build it again"
        )
    if (
        hash_content({name: part for name, part in value.items() if name != "content"})
        != value["content"]
    ):
        raise UsageError(
            f"{path}: changed or damaged since it was made (its content is not that of its hash);"
            " fetch or build it anew"
        )
    faults = brief_faults(TableShape, value)
    if faults:
        raise UsageError(
            f"{path}: no ground-truth table ({faults}); make one with: harness truth build"
        )
    return GroundTruthTable(
        Target(value["space"], value["recipe"], value["data"]),
        value["choices"],
        value["made"],
        value["rows"],
    )


def write_table(path: Path, table: GroundTruthTable) -> None:
    """Write a table whole or not at all: a line for each row, the hash first."""
    value: dict[str, Any] = {"format": FORMAT, "content": table.content, **table.as_json()}
    rows = ",\n  ".join(
        _format_line({name: row[name] for name in OF_ROW}) for row in value.pop("rows")
    )
    head = [f" {json.dumps(name)}: {_format_line(part)}" for name, part in value.items()]
    text = "{\n" + ",\n".join([*head, f' "rows": [\n  {rows}\n ]']) + "\n}\n"
    write_atomically(path, text.encode())


def _format_line(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
